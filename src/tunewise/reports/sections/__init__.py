"""What reports say, section by section."""
