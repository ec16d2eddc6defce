"""Whose files are read: one file for each program or form."""
