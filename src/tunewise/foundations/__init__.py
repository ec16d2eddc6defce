"""The mathematics the methods rest on, from first principles."""
