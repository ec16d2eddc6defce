"""A race under a budget: who gets further seeds, and when nothing more can be learned."""
