"""The race under a budget: how it ended, who was dropped and why, what more time would bring."""

from __future__ import annotations

from functools import partial

from tunewise.analysis.facts import Facts
from tunewise.analysis.wording import metric_words
from tunewise.core.format import plural
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import called, mean_and_sd

HOW = (
    "Every contender got the same search with the first seed. Further seeds came in rounds; after "
    "each, contenders were compared on validation, paired by example and by seed, and whoever was "
    "shown to be behind was dropped. The error of 2.5 % is spread over all looks and contenders, "
    "so that the best is dropped in at most one race in forty."
)


@doc.titled("race", "Race under a budget")
def section(facts: Facts) -> doc.Blocks:
    race = facts.race
    if race is None:
        return
    metric, roomy = facts.evidence.headline, doc.PRINT | doc.FILES
    validation, spread = f"Validation {metric_words(metric)}", partial(mean_and_sd, metric)
    columns = (
        doc.Column("Contender", "contender", of=called, number=False),
        doc.Column("Seeds", "seeds", of="seeds"),
        doc.Column(validation, None, spread, "validation"),
        doc.Column("Outcome", "state", of="state", number=False),
        doc.Column("Why", "why", of="why", number=False, wraps=True, outputs=roomy),
        doc.Column("", "chance", of="chance"),
    )
    looks = facts.evidence.race.looks if facts.evidence.race else 0
    caption = f"The race, after {plural(looks, 'look')} at validation"
    for text in race.says:
        yield doc.Paragraph(text, outputs=doc.PRINT | doc.TERMINAL)
    yield doc.Paragraph(HOW, outputs=doc.PRINT)
    for one in race.racers:
        if one.state == "dropped":
            text = f"{one.name}: dropped {one.why}."
            yield doc.Paragraph(text, style="note", outputs=doc.TERMINAL)
    if looks or not race.ended:  # without a look it would say no more than the results
        yield doc.Table.about("race", caption, columns, race.racers)
