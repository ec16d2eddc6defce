"""Which contender to use, how sure that is, and what it costs."""
