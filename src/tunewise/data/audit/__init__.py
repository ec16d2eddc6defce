"""The look at the data before any training."""
