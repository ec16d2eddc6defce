"""What a person sees in the terminal when a study has run, is asked for, or runs were judged."""

from __future__ import annotations

from rich.console import Console

from tunewise.analysis.facts import Facts
from tunewise.reports.document import model as doc
from tunewise.reports.document.terminal import print_sections
from tunewise.reports.outputs.documents import TERMINAL_ORDER, every_section
from tunewise.reports.sections import verdict
from tunewise.reports.sections.results import read_scores


def print_report(facts: Facts, console: Console) -> None:
    """Print the prompts side by side, where there are any; then the verdict and the table."""
    console.print()
    print_sections(every_section(facts, TERMINAL_ORDER), console)


def print_judgment(facts: Facts, console: Console) -> None:
    """Print what was assumed, the verdict and the table. Loads no library of charts."""
    assumed = map(doc.Bullet, facts.evidence.study.elsewhere or ())
    about = doc.Paragraph("Assumed:", style="about")
    bullets = doc.Bullets(tuple(assumed), outputs=doc.TERMINAL)
    made = (
        doc.Section.of("runs", "Runs", [about, bullets]),
        verdict.section(facts),
        doc.Section.of("results", "Results", read_scores(facts)),
    )
    console.print()
    print_sections([section for section in made if section is not None], console)
