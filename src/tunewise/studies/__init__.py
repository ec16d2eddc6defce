"""Preparing a study, what to run next, engines, choosing, the sealed test."""
