"""What was searched, and what each value gave."""
