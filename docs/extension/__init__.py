"""What the handbook computes instead of stating: pages from the code, and formulae as MathML."""
