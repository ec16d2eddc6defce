"""What a person sees in the terminal when a study has run, or is asked for."""

from __future__ import annotations

from rich.console import Console

from tunewise.reports.document.terminal import print_sections
from tunewise.reports.facts.facts import Facts
from tunewise.reports.outputs.documents import TERMINAL_ORDER, every_section


def print_report(facts: Facts, console: Console) -> None:
    """Print the prompts side by side, where there are any; then the verdict and the table."""
    console.print()
    print_sections(every_section(facts, TERMINAL_ORDER), console)
