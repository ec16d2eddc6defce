"""What a person sees in the terminal of runs that were made elsewhere."""

from __future__ import annotations

from rich.console import Console

from tunewise.reports.document.model import TERMINAL, Bullet, Bullets, Paragraph, Section
from tunewise.reports.document.terminal import print_sections
from tunewise.reports.facts.facts import Facts
from tunewise.reports.sections import verdict
from tunewise.reports.sections.results import how_to_read, scores_table


def print_judgment(facts: Facts, console: Console) -> None:
    """Print what was assumed, the verdict and the table. Loads no library of charts."""
    assumed = facts.evidence.study.elsewhere or ()
    console.print()
    said = Section.of(
        "runs",
        "Runs",
        [
            Paragraph("Assumed:", style="about", outputs=TERMINAL),
            Bullets(tuple(map(Bullet, assumed)), outputs=TERMINAL),
        ],
    )
    table = Section.of(
        "results",
        "Results",
        [
            scores_table(facts),
            Paragraph(how_to_read(facts.results), style="about", outputs=TERMINAL),
        ],
    )
    made = [said, verdict.section(facts), table]
    print_sections([section for section in made if section is not None], console)
