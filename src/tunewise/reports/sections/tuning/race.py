"""The race under a budget: how it ended, who was dropped and why, what more time would bring."""

from __future__ import annotations

from tunewise.core.format import plural, probability
from tunewise.reports.document.model import (
    FILES,
    PAGE,
    PAPER,
    PRINT,
    TERMINAL,
    Column,
    Named,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.wording import metric_words
from tunewise.reports.sections.cells import mean_and_sd

HOW = (
    "Every contender got the same search with the first seed. Further seeds came in rounds; after "
    "each, contenders were compared on validation, paired by example and by seed, and whoever was "
    "shown to be behind was dropped. The error of 2.5 % is spread over all looks and contenders, "
    "so that the best is dropped in at most one race in forty."
)


def section(facts: Facts) -> Section | None:
    race = facts.race
    if race is None:
        return None
    metric = facts.evidence.headline
    columns = (
        Column(
            "Contender", "contender", of=lambda one: Named(one.name, one.position), number=False
        ),
        Column("Seeds", "seeds", of="seeds"),
        Column(
            f"Validation {metric_words(metric)}",
            of=lambda one: mean_and_sd(metric, one.validation),
        ),
        Column("Outcome", "state", of="state", number=False),
        Column("Why", "why", of="why", number=False, wraps=True, outputs=PAGE | PAPER | FILES),
        Column("", "chance", probability, "chance"),
    )
    looks = facts.evidence.race.looks if facts.evidence.race else 0
    caption = f"The race, after {plural(looks, 'look')} at validation"
    return Section.of(
        "race",
        "Race under a budget",
        [
            *(Paragraph(text, outputs=PRINT | TERMINAL) for text in race.says),
            Paragraph(HOW, outputs=PRINT),
            *(
                Paragraph(f"{one.name}: dropped {one.why}.", style="note", outputs=TERMINAL)
                for one in race.racers
                if one.state == "dropped"
            ),
            Table.about("race", caption, columns, race.racers),
        ],
    )
