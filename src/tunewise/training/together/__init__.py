"""Several trials trained in one process over one frozen base."""
