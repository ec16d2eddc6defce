"""The language of the study file: reading it, checking it, and what it expands to."""
