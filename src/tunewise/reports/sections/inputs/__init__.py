"""Sections on what a study rests on: its data, its checks, its trials that failed."""
