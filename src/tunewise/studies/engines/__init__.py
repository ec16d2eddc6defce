"""Where jobs run: an interface, and one file for each way."""
