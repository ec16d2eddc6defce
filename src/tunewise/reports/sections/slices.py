"""Scores by slice of the data: where the order of contenders holds, and where it does not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tunewise.analysis.facts import Facts
from tunewise.analysis.slices import Slice, Sliced
from tunewise.analysis.wording import metric_name, metric_words, setting_words, split_name
from tunewise.core.format import gap, is_fraction, listed, score
from tunewise.core.sanitize import shown
from tunewise.reports.charts.slices import slice_charts
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import ends, number, p_value, short

MOST_SLICES = 24  # rows of the table in a paper
LONGEST = 60  # characters of a value or a name that heads a column


@doc.titled("slices", "Slices of the data")
def section(facts: Facts) -> doc.Blocks:
    found = facts.sliced
    if found is None or found.best is None:
        return
    yield doc.Paragraph(_text(found), outputs=doc.PRINT)
    keys = ("column", "slice", "items", "contender", found.metric, "low", "high")
    rows = (
        (one.column, one.value, one.items, each.name, each.mean, *(each.interval or (None, None)))
        for one in found.slices
        for each in one.scores
    )
    yield doc.Table.of_files("slices", "Scores by slice", keys, rows)
    yield _in_paper(found)
    yield from slice_charts(found, facts.results)
    for column, slices in found.columns.items():
        # Every contender within every slice of a column, for the page.
        names = [each.name for each in slices[0].scores]
        columns = [
            doc.Column(short(column, LONGEST), of="value", number=False),
            doc.Column("Examples", None, number, "items"),
            *(doc.Column(short(name, LONGEST), of=_noted(found.metric, name)) for name in names),
        ]
        if found.second:
            what = "Pair − other pair" if found.of_pairs else "Best − second"
            columns.append(doc.Column(what, of=partial(_difference, found.metric)))
        caption = f"{metric_name(found.metric)} by {setting_words(shown(column))}"
        caption += _unit(found.metric)
        yield doc.Table.about("slices-of-column", caption, columns, slices, outputs=doc.PAGE)


def _unit(metric: str) -> str:
    return ", in percent" if is_fraction(metric) else ""


def _text(found: Sliced) -> str:
    columns = listed([setting_words(shown(column)) for column in found.columns])
    best = shown(found.best or "")
    text = (
        f"Does the result hold everywhere? The data are split by {columns}, and "
        f"{metric_words(found.metric)} on {split_name(found.split)} is shown for each slice, with "
        "95 % intervals over examples"
    )
    if found.second:
        why = "the best and the second of the whole study"
        if found.of_pairs:
            why = "one method with its two best pairs of encoders"
        text += (
            f". The paired test is of {best} against {shown(found.second)}, {why}, named before "
            "any slice was looked at; p is corrected by "
            f"Holm over {found.counted} slices"
        )
    means = ((doc.at(one.score(found.best or ""), "mean"), one.value) for one in found.slices)
    known = [(mean, value) for mean, value in means if mean is not None]
    if len(known) < 2:
        return f"{text}."
    (low, worst), (high, easiest) = min(known), max(known)
    sign = " %" if is_fraction(found.metric) else ""
    return (
        f"{text}. For {best} it runs from {score(found.metric, low)}{sign} (“{short(worst)}”) to "
        f"{score(found.metric, high)}{sign} (“{short(easiest)}”)."
    )


def _noted(metric: str, name: str) -> Callable[[Slice], doc.Noted | None]:
    """A contender's score with its interval below it."""

    def noted(one: Slice) -> doc.Noted | None:
        each = one.score(name)
        if each is None:
            return None
        detail = ends(metric, each.interval, " to ") if each.interval else ""
        return doc.Noted(score(metric, each.mean), detail)

    return noted


def _difference(metric: str, one: Slice) -> doc.Noted | None:
    if one.difference is None:
        return None
    return doc.Noted(
        gap(metric, one.difference), p_value(one.test.p_adjusted if one.test else None)
    )


def _in_paper(found: Sliced) -> doc.Table:
    """The two that are compared in every slice, with their test."""
    titles = ("One pair", "Other pair") if found.of_pairs else ("Best", "Second")
    pair = dict(zip(titles, (found.best, found.second), strict=True))
    named = {title: name for title, name in pair.items() if name}
    columns = [
        doc.Column(
            "Slice", of=lambda one: f"{setting_words(shown(one.column))}: {one.value}", number=False
        ),
        doc.Column("Examples", None, number, "items"),
    ]
    for title, name in named.items():
        mean, interval = _of_score(name, "mean"), _of_score(name, "interval")
        columns += [
            doc.Column(title, None, partial(score, found.metric), mean),
            doc.Column("95 %", None, partial(ends, found.metric), interval),
        ]
    if found.second:
        columns += [
            doc.Column(
                "Points" if is_fraction(found.metric) else "Difference",
                None,
                partial(gap, found.metric),
                "difference",
            ),
            doc.Column("p", of=_p),
        ]
    pairs = " and ".join(f"{shown(name)} ({title.lower()})" for title, name in named.items())
    what = f"{metric_name(found.metric)} by slice of {split_name(found.split)}{_unit(found.metric)}"
    lines = [one for slices in found.columns.values() for one in slices]
    return doc.Table.about(
        "slices-of-two", f"{what}: {pairs}", columns, lines, outputs=doc.PAPER, most=MOST_SLICES
    )


def _of_score(name: str, what: str) -> Callable[[Slice], Any]:
    return lambda one: doc.at(one.score(name), what)


def _p(one: Slice) -> str | None:
    noted = _difference("accuracy", one)
    return noted.detail.removeprefix("p = ") if noted else None
