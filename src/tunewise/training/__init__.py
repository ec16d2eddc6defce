"""Batches, the one loop, checkpoints, seeds, stored features."""
