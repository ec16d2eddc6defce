"""A first look at data nobody has described: what its columns hold, and what to clean."""
