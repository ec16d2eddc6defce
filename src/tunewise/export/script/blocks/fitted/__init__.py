"""What is fitted in one go: each block has `fit`, or `solve`."""
