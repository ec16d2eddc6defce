"""The scores of every contender, with their intervals, and where each stands to the best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tunewise.core.format import points, probability
from tunewise.core.sanitize import shown
from tunewise.reports.charts.scores import scores
from tunewise.reports.document.model import (
    FILES,
    NOTHING,
    PAGE,
    PAPER,
    PRINT,
    TERMINAL,
    Badge,
    Column,
    Figure,
    Noted,
    Outputs,
    Paragraph,
    Section,
    Span,
    Table,
)
from tunewise.reports.facts.comparability.finding import value_words
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.results import Results, Row
from tunewise.reports.facts.wording import metric_name, metric_said, split_name
from tunewise.reports.sections.cells import (
    ARTIFACT,
    CONTENDER,
    PEAK,
    SECONDS,
    TRAINABLE,
    ends,
    mean_and_sd,
    named,
    on_page,
    p_value,
)
from tunewise.statistics.metrics import upward

NARROW: Outputs = TERMINAL | frozenset(("md",))  # outputs that show the headline metric alone
STANDINGS = {  # where a row stands, and in which outputs a badge says so
    "best": ("good", PAGE),
    "tied": ("", PAGE | NARROW),
    "behind-as-trained": ("", PAGE | NARROW),
    "untested": ("", PAGE),
}
Pick = Callable[[Row], Any]


def section(facts: Facts) -> Section | None:
    results = facts.results
    if not results.rows:
        return None
    text = f"{facts.verdict.headline}{_other_metrics(facts)}" if facts.scored else ""
    return Section.of(
        "results",
        "Results",
        [
            Paragraph(text, outputs=PAPER) if text else None,
            scores_table(facts),
            Paragraph(_how_to_read(results), style="about", outputs=PRINT | TERMINAL),
            *_charts(facts),
        ],
    )


def scores_table(facts: Facts) -> Table:
    """A row for each contender, best first."""
    results = facts.results
    columns = [*_names(facts), *_in_files(results)]
    for metric in results.metrics:
        columns += _metric(facts, metric)
    columns += _standing(results)
    return Table(
        "scores",
        f"Scores on {results.items:,} examples of {split_name(results.split)}, in percent",
        tuple(column for column, _ in columns),
        tuple(tuple(pick(row) for _, pick in columns) for row in results.rows),
        strong=frozenset(n for n, row in enumerate(results.rows) if row.standing == "best"),
        cards=True,
    )


def _names(facts: Facts) -> list[tuple[Column, Pick]]:
    def name(row: Row) -> Any:
        badges = []
        if row.standing in STANDINGS:
            tone, outputs = STANDINGS[row.standing]
            so_far = "" if facts.verdict.finished else " so far"
            badges.append(Badge(f"{row.standing}{so_far}", tone, outputs))  # type: ignore[arg-type]
        badges += [Badge(flag, "bad", PAGE) for flag in _flags(row)]
        return named(row, *badges, detail=_chosen(row))

    return [
        (CONTENDER, name),
        (Column("", "method"), lambda row: row.method),
        (Column("", "status"), lambda row: row.status),
        (Column("Seeds", "seeds", outputs=PAPER | FILES), lambda row: len(row.seeds)),
    ]


def _flags(row: Row) -> tuple[str, ...]:
    """What is wrong with its answers; to answer one class is all that some rows can do."""
    return row.flags if row.parameters else ()


def _chosen(row: Row) -> str:
    """The values that the search chose, the learning rate, and how many seeds."""
    told = [
        f"{key.rpartition('.')[2]} {value_words(value)}"
        for key, value in (row.chosen or {}).items()
    ]
    if row.learning_rate:
        told.append(f"learning rate {value_words(row.learning_rate)}")
    told.append(f"{len(row.seeds)} seed{'s' * (len(row.seeds) != 1)}")
    return ", ".join(told)


def _in_files(results: Results) -> list[tuple[Column, Pick]]:
    """Mean, spread over seeds and interval over examples, for both splits."""
    found: list[tuple[Column, Pick]] = []
    for split in ("validation", "test"):
        for metric in results.metrics:
            key = f"{split} {metric}"

            spread, interval = _spread_of(split, metric), _interval_of(split, metric)
            found += [
                (Column("", key), spread("mean")),
                (Column("", f"{key} sd"), spread("sd")),
                (Column("", f"{key} low"), interval("low")),
                (Column("", f"{key} high"), interval("high")),
            ]
    return found


def _spread_of(split: str, metric: str) -> Callable[[str], Pick]:
    return lambda what: lambda row: getattr(row.scores(split).get(metric), what, None)


def _interval_of(split: str, metric: str) -> Callable[[str], Pick]:
    return lambda what: lambda row: getattr(row.intervals.get((split, metric)), what, None)


def _metric(facts: Facts, metric: str) -> list[tuple[Column, Pick]]:
    """A metric for people: on the page its interval below it, elsewhere beside it."""
    results, split = facts.results, facts.results.split
    headline = metric == results.metric
    title = metric_name(metric)
    where: Outputs = PAPER | NARROW if headline else PAPER

    def cell(split: str, scale: tuple[float, float] | None) -> Pick:
        return lambda row: _noted(row, split, metric, scale)

    found = [
        (Column(f"{title}, {split}", outputs=PAGE, number=not headline), cell(split, None)),
        (
            Column(title, outputs=where),
            lambda row: mean_and_sd(metric, row.scores(split).get(metric)),
        ),
        (
            Column("95 %", outputs=where),
            lambda row: ends(metric, row.intervals.get((split, metric))),
        ),
    ]
    if headline:
        found[0] = (found[0][0], cell(split, _scale(results)))
        if split == "test":
            found.append((Column(f"{title}, validation", outputs=PAGE), cell("validation", None)))
    return found


def _noted(row: Row, split: str, metric: str, scale: tuple[float, float] | None) -> Noted:
    spread, interval = row.scores(split).get(metric), row.intervals.get((split, metric))
    if spread is None or interval is None:
        return Noted(mean_and_sd(metric, spread))
    span = Span(interval.low, spread.mean, interval.high, scale) if scale else None
    return Noted(mean_and_sd(metric, spread), ends(metric, interval, " to "), span)


def _scale(results: Results) -> tuple[float, float]:
    """The range that holds every interval and mean of the headline metric, with some air."""
    found: list[float] = []
    for row in results.rows:
        interval = row.intervals.get((results.split, results.metric))
        spread = row.scores(results.split).get(results.metric)
        found += [*(interval or ()), *([spread.mean] if spread else [])]
    low, high = min(found, default=0.0), max(found, default=1.0)
    air = max(0.04 * (high - low), 1e-6)
    return low - air, high + air


def _standing(results: Results) -> list[tuple[Column, Pick]]:
    def to_best(row: Row) -> Noted:
        if row.to_best is None:
            return Noted(NOTHING)
        claim = row.to_best.deciding
        between = " to ".join(points(end) for end in claim.interval) if claim.interval else ""
        detail = ", ".join(text for text in (between, p_value(claim.p_adjusted)) if text)
        return Noted(points(row.to_best.difference), detail)

    narrow = [Column("Gap", outputs=NARROW), Column("p", outputs=NARROW)]
    costs = [on_page(PEAK), on_page(ARTIFACT)]
    both = [Column(c.title, None, c.show, outputs=PAGE | NARROW) for c in (TRAINABLE, SECONDS)]
    return [
        (Column("To the best", outputs=PAGE), to_best),
        (narrow[0], lambda row: points(row.to_best.difference) if row.to_best else ""),
        (
            narrow[1],
            lambda row: probability(row.to_best.deciding.p_adjusted) if row.to_best else "",
        ),
        (both[0], lambda row: row.parameters.trainable if row.parameters else None),
        (both[1], lambda row: row.measured.seconds),
        (costs[0], lambda row: row.measured.peak_bytes),
        (costs[1], lambda row: row.measured.artefact_bytes),
    ]


def _how_to_read(results: Results) -> str:
    pairs = f" over {results.pairs_counted} pairs" if results.pairs_counted > 1 else ""
    return (
        "Means over seeds ± their standard deviation; 95 % intervals over examples; gaps in "
        f"percentage points to the best; p by Holm{pairs}."
    )


def _other_metrics(facts: Facts) -> str:
    """Whether the other metrics put the same contender first."""
    results, said = facts.results, ""
    for metric in results.metrics[1:]:
        known = [row for row in facts.scored if metric in row.scores(results.split)]
        if not known:
            continue
        first = max(known, key=lambda row: _upward(metric, row, results.split))
        name = metric_said(metric)
        if results.best and first.name == results.best.name:
            said += f" {shown(first.name)} also comes first by {name}."
        else:
            said += f" By {name}, {shown(first.name)} comes first."
    return said


def _upward(metric: str, row: Row, split: str) -> float:
    return upward(metric, row.scores(split)[metric].mean)


def _charts(facts: Facts) -> list[Figure]:
    """Every metric on validation, the headline on test; a paper has the deciding one."""
    results, rows = facts.results, facts.shortlist.rows
    wanted = [("validation", metric) for metric in results.metrics] + [("test", results.metric)]
    found = []
    for split, metric in wanted:
        deciding = (split, metric) == (results.split, results.metric)
        if drawn := scores(rows, metric, split, outputs=PRINT if deciding else PAGE):
            found.append(drawn)
    return found
