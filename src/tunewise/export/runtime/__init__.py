"""A classifier in another runtime, answered again there: what converting it changed."""
