"""Verdict, tables, charts, HTML. Never torch."""
