"""How a model is adapted: each block has `adapt_model`."""
