"""The scores of every contender, with their intervals, and where each stands to the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tunewise.analysis.costs import has_costs
from tunewise.analysis.facts import Facts
from tunewise.analysis.results import Results, Row, examples_words
from tunewise.analysis.wording import (
    between,
    metric_name,
    metric_words,
    setting_name,
    standing_words,
    value_words,
)
from tunewise.core.format import gap, is_fraction, plural, probability
from tunewise.core.lazy import Later
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import (
    ARTIFACT,
    CONTENDER,
    LATENCY,
    PEAK,
    SECONDS,
    TRAINABLE,
    ends,
    in_files,
    mean_and_sd,
    named,
    only,
    p_value,
)
from tunewise.statistics.metrics import upward

if TYPE_CHECKING:
    from tunewise.reports.charts import scores as charts
else:  # a terminal shows the table alone, and loads no library of charts
    charts = Later("tunewise.reports.charts.scores")

# outputs that show the headline metric alone
NARROW: doc.Outputs = doc.TERMINAL | frozenset(("md",))
STANDINGS: dict[str, tuple[doc.Tone, doc.Outputs]] = {  # of a row, and where a badge says so
    "best": ("good", doc.PAGE),
    "tied": ("", doc.PAGE | NARROW),
    "not-shown-over-seeds": ("", doc.PAGE | NARROW),
    "untested": ("", doc.PAGE),
}
ON_SCREEN = doc.PAGE | NARROW
COSTS = (only(TRAINABLE, ON_SCREEN), only(SECONDS, ON_SCREEN), only(PEAK), only(ARTIFACT))
BESIDE = (  # the scores, in Python
    doc.Column("", "standing", of="standing"),
    doc.Column("", "to the best", of="to_best.difference"),
    doc.Column("", "to the best low", of="to_best.deciding.interval.low"),
    doc.Column("", "to the best high", of="to_best.deciding.interval.high"),
    doc.Column("", "p", of="to_best.deciding.p_adjusted"),
    *(TRAINABLE, SECONDS, PEAK, LATENCY, ARTIFACT),
)


@doc.titled("results", "Results")
def section(facts: Facts) -> doc.Blocks:
    results = facts.results
    if not results.rows:
        return
    if results.scored:
        text = facts.verdict.headline
        for metric in results.metrics[1:]:  # whether others put the same contender first
            means = {
                row.name: doc.at(row, (results.split, metric, "mean")) for row in results.scored
            }
            known = [name for name, mean in means.items() if mean is not None]
            if not known:
                continue
            first = max(known, key=lambda name: upward(metric, means[name]))
            if results.best and first == results.best.name:
                text += f" {shown(first)} also comes first by {metric_words(metric)}."
            else:
                text += f" By {metric_words(metric)}, {shown(first)} comes first."
        yield doc.Paragraph(text, outputs=doc.PAPER)
    yield from read_scores(facts)
    yield charts.scores(facts.shortlist.rows, results.metric, results.split)


def read_scores(facts: Facts) -> doc.Blocks:
    """The table, and how to read it."""
    yield scores_table(facts)
    text = how_to_read(facts.results)
    yield doc.Paragraph(text, style="about", outputs=doc.PRINT | doc.TERMINAL)


def scores_table(facts: Facts) -> doc.Table:
    """A row for each contender, best first."""
    costs = has_costs(facts.evidence, facts.results)
    table = table_of(facts.results, finished=facts.verdict.finished, costs=costs)
    # Programs may rely on the columns of a study; what others ran was scored on one split.
    return table if facts.evidence.study.elsewhere is None else table.without_empty()


def whole_rows(facts: Facts) -> list[dict[str, Any]]:
    """The rows as values, each with where it stands and what it cost."""
    beside = doc.Table.about("beside", "", BESIDE, facts.results.rows).records()
    scores = scores_table(facts).records()
    return [score | more for score, more in zip(scores, beside, strict=True)]


def table_of(results: Results, *, finished: bool, costs: bool) -> doc.Table:
    """The same of rows alone. `costs` says whether anything was measured of them."""
    metric = results.metric
    columns = (
        replace(CONTENDER, of=partial(_name, finished)),
        *in_files(method="method", status="status"),
        doc.Column("Seeds", "seeds", of=lambda row: len(row.seeds), outputs=doc.PAPER | doc.FILES),
        *_in_files(results),
        *(column for one in results.metrics for column in _metric(results, one)),
        doc.Column("To the best", of=partial(_to_best, metric), outputs=doc.PAGE),
        *(
            replace(column, outputs=NARROW, nothing="")
            for column in (
                doc.Column("Gap", None, partial(gap, metric), "to_best.difference"),
                doc.Column("p", None, probability, "to_best.deciding.p_adjusted"),
            )
        ),
        *(COSTS if costs else ()),
    )
    unit = ", in percent" if is_fraction(results.metric) else ""
    return doc.Table.about(
        "scores",
        f"Scores on {examples_words(results)}{unit}",
        columns,
        results.rows,
        strong=lambda row: row.standing == "best",
        cards=True,
    )


def _name(finished: bool, row: Row) -> doc.Named:
    """With where it stands, and what is wrong: to answer one class is all that some rows can do."""
    badges = []
    if row.standing in STANDINGS:
        tone, outputs = STANDINGS[row.standing]
        words = standing_words(row.standing)
        badges.append(doc.Badge(f"{words}{'' if finished else ' so far'}", tone, outputs))
    badges += [doc.Badge(flag, "bad", doc.PAGE) for flag in (row.flags if row.parameters else ())]
    # The values that the search chose, the learning rate, and how many seeds.
    details = [
        f"{setting_name(key)} {value_words(value)}" for key, value in (row.chosen or {}).items()
    ]
    if row.learning_rate and not any("learning_rate" in key for key in row.chosen or {}):
        details.append(f"learning rate {value_words(row.learning_rate)}")
    return named(row, *badges, detail=", ".join([*details, plural(len(row.seeds), "seed")]))


def _in_files(results: Results) -> Iterator[doc.Column]:
    """Mean, spread over seeds and interval over examples, for both splits."""
    for split in ("validation", "test"):
        for metric in results.metrics:
            key, interval = f"{split} {metric}", ("intervals", (split, metric))
            yield doc.Column("", key, of=(split, metric, "mean"))
            yield doc.Column("", f"{key} sd", of=(split, metric, "sd"))
            yield doc.Column("", f"{key} low", of=(*interval, "low"))
            yield doc.Column("", f"{key} high", of=(*interval, "high"))


def _metric(results: Results, metric: str) -> Iterator[doc.Column]:
    """A metric for people: on the page its interval below it, elsewhere beside it."""
    split, headline, title = results.split, metric == results.metric, metric_name(metric)
    where = doc.PAPER | NARROW if headline else doc.PAPER
    on_page = _noted(split, metric, _scale(results) if headline else None)
    spread, interval = (split, metric), ("intervals", (split, metric))
    yield doc.Column(f"{title}, {split}", of=on_page, number=not headline, outputs=doc.PAGE)
    yield doc.Column(title, None, partial(mean_and_sd, metric), spread, outputs=where)
    yield doc.Column("95 %", None, partial(ends, metric), interval, outputs=where)
    if headline and split == "test" and any(row.validation for row in results.rows):
        yield doc.Column(f"{title}, validation", of=_noted("validation", metric), outputs=doc.PAGE)


def _noted(
    split: str, metric: str, scale: tuple[float, float] | None = None
) -> Callable[[Row], doc.Noted]:
    """A mean with its interval below it, drawn where there is a scale."""

    def noted(row: Row) -> doc.Noted:
        spread, found = row.scores(split).get(metric), row.intervals.get((split, metric))
        if spread is None or found is None:
            return doc.Noted(mean_and_sd(metric, spread))
        span = doc.Span(found.low, spread.mean, found.high, scale) if scale else None
        return doc.Noted(mean_and_sd(metric, spread), ends(metric, found, " to "), span)

    return noted


def _scale(results: Results) -> tuple[float, float]:
    """The range that holds every interval and mean of the headline metric, with some air."""
    found: list[float] = []
    for row in results.rows:
        spread = results.headline(row)
        both = row.intervals.get((results.split, results.metric))
        found += [*(both or ()), *([spread.mean] if spread else [])]
    low, high = min(found, default=0.0), max(found, default=1.0)
    air = max(0.04 * (high - low), 1e-6)
    return low - air, high + air


def _to_best(metric: str, row: Row) -> doc.Noted:
    pair = row.to_best
    if pair is None:
        return doc.Noted(doc.NOTHING)
    claim = pair.deciding
    ends_of = f"{between(metric, claim.interval)}, " if claim.interval else ""
    return doc.Noted(gap(metric, pair.difference), f"{ends_of}{p_value(claim.p_adjusted)}")


def how_to_read(results: Results) -> str:
    unit = " in percentage points" if is_fraction(results.metric) else ""
    pairs = f" over {results.pairs_counted} pairs" if results.pairs_counted > 1 else ""
    return (
        f"Means over seeds ± their standard deviation; 95 % intervals over examples; gaps{unit} to "
        f"the best; p by Holm{pairs}."
    )
