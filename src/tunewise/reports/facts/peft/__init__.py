"""Results of the PEFT project's method comparison, read as they are."""
