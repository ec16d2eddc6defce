"""Charts, sections and outputs of what `analysis` says: HTML, PDF, LaTeX, terminal. Never torch."""
