"""What is taken out of data or rewritten before it is cut into splits, and the list of it."""
