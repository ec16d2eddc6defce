"""What a running study shows: how far it is, in a terminal or a notebook, and what takes long."""
