"""What lies on disk. Readable without torch."""
