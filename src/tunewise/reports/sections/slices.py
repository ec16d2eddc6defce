"""Scores by slice of the data: where the order of contenders holds, and where it does not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tunewise.core.format import listed, percent, points
from tunewise.core.sanitize import shown
from tunewise.reports.charts.slices import slice_charts
from tunewise.reports.document.model import (
    NOTHING,
    PAGE,
    PAPER,
    PRINT,
    Column,
    Noted,
    Paragraph,
    Section,
    Table,
    at,
)
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.slices import Slice, Sliced, SliceScore
from tunewise.reports.facts.wording import metric_name, metric_words, setting_words, split_name
from tunewise.reports.sections.cells import ends, gap, number, p_value, score, short

MOST_SLICES = 24  # rows of the table in a paper
LONGEST = 60  # characters of a value or a name that heads a column


def section(facts: Facts) -> Section | None:
    found = facts.sliced
    if found is None or found.best is None:
        return None
    return Section.of(
        "slices",
        "Slices of the data",
        [
            Paragraph(_text(found), outputs=PRINT),
            _in_files(found),
            _in_paper(found),
            *slice_charts(found, facts.results),
            *(_of_column(found, column, slices) for column, slices in found.columns.items()),
        ],
    )


def _text(found: Sliced) -> str:
    columns = listed([setting_words(shown(column)) for column in found.columns])
    best = shown(found.best or "")
    text = (
        f"Does the result hold everywhere? The data are split by {columns}, and "
        f"{metric_words(found.metric)} on {split_name(found.split)} is shown for each slice, with "
        "95 % intervals over examples"
    )
    if found.second:
        text += (
            f". The paired test is of {best} against {shown(found.second)}, the best and the "
            "second of the whole study, named before any slice was looked at; p is corrected by "
            f"Holm over {found.counted} slices"
        )
    means = ((at(one.score(found.best or ""), "mean"), one.value) for one in found.slices)
    known = [(mean, value) for mean, value in means if mean is not None]
    if len(known) < 2:
        return f"{text}."
    (low, worst), (high, easiest) = min(known), max(known)
    return (
        f"{text}. For {best} it runs from {percent(low)} % (“{short(worst)}”) to "
        f"{percent(high)} % (“{short(easiest)}”)."
    )


def _in_files(found: Sliced) -> Table:
    """A row for each contender in each slice."""
    keys = ("column", "slice", "items", "contender", found.metric, "low", "high")
    rows = tuple(
        (one.column, one.value, one.items, each.name, each.mean, *(each.interval or (None, None)))
        for one in found.slices
        for each in one.scores
    )
    return Table.of_files("slices", "Scores by slice", keys, rows)


def _of_column(found: Sliced, column: str, slices: list[Slice]) -> Table:
    """Every contender within every slice of a column, for the page."""
    names = [each.name for each in slices[0].scores]
    columns = [
        Column(short(column, LONGEST), number=False),
        Column("Examples", show=number),
        *(Column(short(name, LONGEST)) for name in names),
    ]
    if found.second:
        columns.append(Column("Best − second"))
    rows = tuple(
        (
            one.value,
            one.items,
            *(_noted(found.metric, one.score(name)) for name in names),
            *([_difference(one)] if found.second else []),
        )
        for one in slices
    )
    caption = f"{metric_name(found.metric)} by {setting_words(shown(column))}, in percent"
    return Table("slices-of-column", caption, tuple(columns), rows, outputs=PAGE)


def _noted(metric: str, each: SliceScore | None) -> Noted | None:
    if each is None:
        return None
    detail = ends(metric, each.interval, " to ") if each.interval else ""
    return Noted(score(metric, each.mean), detail)


def _difference(one: Slice) -> Noted | None:
    if one.difference is None:
        return None
    return Noted(points(one.difference), p_value(one.test.p_adjusted if one.test else None))


def _in_paper(found: Sliced) -> Table:
    """The best and the second in every slice, with their test."""
    names = {"Best": found.best, "Second": found.second}
    pair = {title: name for title, name in names.items() if name}
    columns = [
        Column("Slice", of=_of_which, number=False),
        Column("Examples", None, number, "items"),
    ]
    for title, name in pair.items():
        mean, interval = _of_score(name, "mean"), _of_score(name, "interval")
        columns += [
            Column(title, None, partial(score, found.metric), mean),
            Column("95 %", None, partial(ends, found.metric), interval),
        ]
    if found.second:
        columns += [Column("Points", None, gap, "difference"), Column("p", of=_p)]
    sentence = " and ".join(f"{shown(name)} ({title.lower()})" for title, name in pair.items())
    caption = (
        f"{metric_name(found.metric)} by slice of {split_name(found.split)}, in percent: {sentence}"
    )
    lines = [one for slices in found.columns.values() for one in slices]
    return Table.about("slices-of-two", caption, columns, lines, outputs=PAPER, most=MOST_SLICES)


def _of_which(one: Slice) -> str:
    return f"{setting_words(shown(one.column))}: {one.value}"


def _of_score(name: str, what: str) -> Callable[[Slice], Any]:
    return lambda one: at(one.score(name), what)


def _p(one: Slice) -> str:
    noted = _difference(one)
    return noted.detail.removeprefix("p = ") if noted else NOTHING
