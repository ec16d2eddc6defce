"""The scores of every contender, with their intervals, and where each stands to the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tunewise.core.format import plural, probability
from tunewise.core.lazy import Later
from tunewise.core.sanitize import shown
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
    Named,
    Noted,
    Outputs,
    Paragraph,
    Section,
    Span,
    Table,
    Tone,
    at,
    or_empty,
)
from tunewise.reports.facts.costs import has_costs
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.results import Results, Row, examples_words
from tunewise.reports.facts.wording import (
    between,
    gap,
    is_fraction,
    metric_name,
    metric_words,
    setting_name,
    standing_words,
    value_words,
)
from tunewise.reports.sections.cells import (
    ARTIFACT,
    CONTENDER,
    PEAK,
    SECONDS,
    TRAINABLE,
    ends,
    mean_and_sd,
    named,
    only,
    p_value,
)
from tunewise.statistics.metrics import upward
from tunewise.statistics.pairs import Pair

if TYPE_CHECKING:
    from tunewise.reports.charts import scores as charts
else:  # a terminal shows the table alone, and loads no library of charts
    charts = Later("tunewise.reports.charts.scores")

NARROW: Outputs = TERMINAL | frozenset(("md",))  # outputs that show the headline metric alone
STANDINGS: dict[
    str, tuple[Tone, Outputs]
] = {  # where a row stands, and in which outputs a badge says so
    "best": ("good", PAGE),
    "tied": ("", PAGE | NARROW),
    "not-shown-over-seeds": ("", PAGE | NARROW),
    "untested": ("", PAGE),
}


def section(facts: Facts) -> Section | None:
    results = facts.results
    if not results.rows:
        return None
    text = f"{facts.verdict.headline}{_other_metrics(facts)}" if facts.results.scored else ""
    return Section.of(
        "results",
        "Results",
        [
            Paragraph(text, outputs=PAPER) if text else None,
            scores_table(facts),
            Paragraph(how_to_read(results), style="about", outputs=PRINT | TERMINAL),
            *_charts(facts),
        ],
    )


def scores_table(facts: Facts) -> Table:
    """A row for each contender, best first."""
    costs = has_costs(facts.evidence, facts.results)
    return table_of(facts.results, finished=facts.verdict.finished, costs=costs)


def table_of(results: Results, *, finished: bool, costs: bool) -> Table:
    """The same of rows alone. `costs` says whether anything was measured of them."""
    columns = (
        replace(CONTENDER, of=partial(_name, finished)),
        Column("", "method", of="method"),
        Column("", "status", of="status"),
        Column("Seeds", "seeds", of=lambda row: len(row.seeds), outputs=PAPER | FILES),
        *_in_files(results),
        *(column for metric in results.metrics for column in _metric(results, metric)),
        *_standing(results.metric),
        *(COSTS if costs else ()),
    )
    return Table.about(
        "scores",
        f"Scores on {examples_words(results)}{', in percent' * is_fraction(results.metric)}",
        columns,
        results.rows,
        strong=frozenset(n for n, row in enumerate(results.rows) if row.standing == "best"),
        cards=True,
    )


def _name(finished: bool, row: Row) -> Named:
    """With where it stands, and what is wrong: to answer one class is all that some rows can do."""
    badges = []
    if row.standing in STANDINGS:
        tone, outputs = STANDINGS[row.standing]
        words = standing_words(row.standing)
        badges.append(Badge(f"{words}{'' if finished else ' so far'}", tone, outputs))
    badges += [Badge(flag, "bad", PAGE) for flag in (row.flags if row.parameters else ())]
    return named(row, *badges, detail=_chosen(row))


def _chosen(row: Row) -> str:
    """The values that the search chose, the learning rate, and how many seeds."""
    details = [
        f"{setting_name(key)} {value_words(value)}" for key, value in (row.chosen or {}).items()
    ]
    if row.learning_rate:
        details.append(f"learning rate {value_words(row.learning_rate)}")
    return ", ".join([*details, plural(len(row.seeds), "seed")])


def _in_files(results: Results) -> Iterator[Column]:
    """Mean, spread over seeds and interval over examples, for both splits."""
    for split in ("validation", "test"):
        for metric in results.metrics:
            yield Column("", f"{split} {metric}", of=_spread(split, metric, "mean"))
            yield Column("", f"{split} {metric} sd", of=_spread(split, metric, "sd"))
            yield Column("", f"{split} {metric} low", of=_interval(split, metric, "low"))
            yield Column("", f"{split} {metric} high", of=_interval(split, metric, "high"))


def _spread(split: str, metric: str, what: str = "") -> Callable[[Row], Any]:
    return lambda row: at(row.scores(split).get(metric), what)


def _interval(split: str, metric: str, what: str = "") -> Callable[[Row], Any]:
    return lambda row: at(row.intervals.get((split, metric)), what)


def _metric(results: Results, metric: str) -> Iterator[Column]:
    """A metric for people: on the page its interval below it, elsewhere beside it."""
    split, headline, title = results.split, metric == results.metric, metric_name(metric)
    where: Outputs = PAPER | NARROW if headline else PAPER
    on_page = _noted(split, metric, _scale(results) if headline else None)
    spread, ends_of = _spread(split, metric), _interval(split, metric)
    yield Column(f"{title}, {split}", of=on_page, number=not headline, outputs=PAGE)
    yield Column(title, None, partial(mean_and_sd, metric), spread, outputs=where)
    yield Column("95 %", None, partial(ends, metric), ends_of, outputs=where)
    if headline and split == "test" and any(row.validation for row in results.rows):
        yield Column(f"{title}, validation", of=_noted("validation", metric), outputs=PAGE)


def _noted(
    split: str, metric: str, scale: tuple[float, float] | None = None
) -> Callable[[Row], Noted]:
    """A mean with its interval below it, drawn where there is a scale."""

    def noted(row: Row) -> Noted:
        spread, found = row.scores(split).get(metric), row.intervals.get((split, metric))
        if spread is None or found is None:
            return Noted(mean_and_sd(metric, spread))
        span = Span(found.low, spread.mean, found.high, scale) if scale else None
        return Noted(mean_and_sd(metric, spread), ends(metric, found, " to "), span)

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


def _to_best(metric: str, pair: Pair | None) -> Noted:
    if pair is None:
        return Noted(NOTHING)
    claim = pair.deciding
    ends_of = f"{between(metric, claim.interval)}, " if claim.interval else ""
    return Noted(gap(metric, pair.difference), f"{ends_of}{p_value(claim.p_adjusted)}")


def _standing(metric: str) -> Iterator[Column]:
    """Where a row stands to the best."""
    to_best, apart = partial(_to_best, metric), or_empty(partial(gap, metric))
    yield Column("To the best", None, to_best, "to_best", outputs=PAGE)
    yield Column("Gap", None, apart, "to_best.difference", outputs=NARROW)
    yield Column("p", None, or_empty(probability), "to_best.deciding.p_adjusted", outputs=NARROW)


COSTS = (only(TRAINABLE, PAGE | NARROW), only(SECONDS, PAGE | NARROW), only(PEAK), only(ARTIFACT))


def how_to_read(results: Results) -> str:
    unit = " in percentage points" if is_fraction(results.metric) else ""
    pairs = f" over {results.pairs_counted} pairs" if results.pairs_counted > 1 else ""
    return (
        f"Means over seeds ± their standard deviation; 95 % intervals over examples; gaps{unit} to "
        f"the best; p by Holm{pairs}."
    )


def _other_metrics(facts: Facts) -> str:
    """Whether the other metrics put the same contender first."""
    results, sentences = facts.results, ""
    for metric in results.metrics[1:]:
        known = [row for row in results.scored if metric in row.scores(results.split)]
        if not known:
            continue
        means = {row.name: row.scores(results.split)[metric].mean for row in known}
        first = max(known, key=lambda row: upward(metric, means[row.name]))
        name = metric_words(metric)
        if results.best and first.name == results.best.name:
            sentences += f" {shown(first.name)} also comes first by {name}."
        else:
            sentences += f" By {name}, {shown(first.name)} comes first."
    return sentences


def _charts(facts: Facts) -> list[Figure | None]:
    """The metric that decides, on the split that decides; the others stand side by side."""
    results = facts.results
    return [charts.scores(facts.shortlist.rows, results.metric, results.split)]
