"""Sections that a paper alone has."""
