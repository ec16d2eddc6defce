"""A verdict on runs that other programs made: read, grouped, and judged as a study's are."""
