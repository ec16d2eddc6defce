"""Prompted models side by side."""
