"""The study file, what to run next, engines, choosing, the sealed test."""
