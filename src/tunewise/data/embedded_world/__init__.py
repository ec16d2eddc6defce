"""A small world of rented rooms, generated from a seed: what its texts and answers come from."""
