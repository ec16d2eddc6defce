"""Pages, papers, terminal text and files for programs."""
