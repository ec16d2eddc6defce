"""Writing texts with a model: strategies, and when to stop."""
