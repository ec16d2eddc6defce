"""What every point of a search gave on validation, and whether better values may lie beyond."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tunewise.analysis.evidence import Contender
from tunewise.analysis.facts import Facts
from tunewise.analysis.tuning.searching import Tried, edges, tried
from tunewise.analysis.wording import (
    metric_name,
    metric_words,
    point_words,
    setting_name,
    setting_words,
    value_words,
)
from tunewise.core.format import is_fraction, listed, score
from tunewise.core.sanitize import shown
from tunewise.reports.charts.search import best_of_points, searches
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import named

MOST_ON_PAGE = 30  # points of one contender
MOST_COLUMNS = 6  # points that a table of a paper sets side by side
MOST_LISTED = 8  # searches of a paper, where they fit no table
OPEN = 3  # contenders whose points the page shows at once, where they are few
FEW_POINTS = 6
MORE_POINTS = (
    "What more points would bring is estimated by the score to expect from the best of k of those "
    "that were tried"
)


@doc.titled("search", "Search")
def section(facts: Facts) -> doc.Blocks:
    searched = facts.evidence.searched
    if not searched:
        return
    metric, evidence = facts.evidence.headline, facts.shortlist.evidence
    points = {one.name: tried(one, metric) for one in searched}
    charts, curve = searches(evidence), best_of_points(evidence)
    text = (
        f"Validation {metric_words(metric)} of each value tried with the first seed"
        f"{'; the chosen one is ringed' if charts else ''}."
    )
    if ends := [shown(one.name) for one in searched if edges(one, metric)]:
        text += (
            f" For {listed(ends)} the best value is an end of the range that was tried; a better "
            "one may lie beyond it."
        )
    yield doc.Paragraph(text, outputs=doc.PRINT)
    keys = ("contender", "point", f"validation {metric}", "status", "chosen", "edge")
    rows = (
        (
            *(name, point_words(point.values), point.score, point.status),
            *("chosen" if point.chosen else None, ", ".join(point.edges) or None),
        )
        for name, tried_points in points.items()
        for point in tried_points
    )
    yield doc.Table.of_files("search", "Search points, best first", keys, rows)
    yield _in_paper(facts, searched)
    yield from charts
    if curve:
        cited = facts.references("show-your-work")
        yield doc.Paragraph(f"{MORE_POINTS} {cited}.", outputs=doc.PAPER)
        yield curve
    for one in searched:
        yield _of_one(one, points[one.name], metric, few=len(searched) <= OPEN)


def _of_one(one: Contender, points: list[Tried], metric: str, *, few: bool) -> doc.Details:
    """The points of a contender for the page, best first."""
    columns = (
        *(_value_of(setting) for setting in one.searched),
        doc.Column(f"{metric_name(metric)}, validation", of=partial(_score, metric)),
    )
    title = f"{len(points)} points"
    table = doc.Table.about(
        "search",
        title,
        columns,
        points,
        strong=lambda point: point.chosen,
        outputs=doc.PAGE,
        most=MOST_ON_PAGE,
    )
    few = few and len(points) <= FEW_POINTS
    return doc.Details(f"{title} of", (table,), open=few, about=named(one))


def _value_of(setting: str) -> doc.Column:
    def value(point: Tried) -> str | doc.Noted:
        text = value_words(point.values.get(setting))
        return doc.Noted(text, "at the edge of the range") if setting in point.edges else text

    return doc.Column(setting_name(setting), of=value, number=False)


def _score(metric: str, point: Tried) -> str | doc.Noted:
    if point.score is None:
        return point.status
    text = score(metric, point.score)
    return doc.Noted(text, "chosen") if point.chosen else text


def _in_paper(facts: Facts, searched: Sequence[Contender]) -> doc.Block | None:
    """A table where all searches tried the same few points, else a list."""
    metric, names = facts.evidence.headline, facts.shortlist.names
    mine = [one for one in searched if one.trials and one.name in names]
    mine.sort(key=lambda one: names.index(one.name))
    if not mine:
        return None
    if len({_told(one) for one in mine}) > 1 or len(mine[0].points) > MOST_COLUMNS:
        items = []
        for one in mine[:MOST_LISTED]:
            gave = zip(_told(one), _points(one, metric), strict=True)
            text = "; ".join(f"{values}: {value}" for values, value in gave)
            items.append(doc.Bullet(f"{shown(one.name)}. {text.replace('*', ' (chosen)')}."))
        return doc.Bullets(tuple(items), outputs=doc.PAPER)
    columns = (doc.Column("Contender", number=False), *map(doc.Column, _told(mine[0])))
    rows = tuple((named(one), *_points(one, metric)) for one in mine)
    setting = listed([setting_words(key) for key in mine[0].searched])
    unit = "in percent of " if is_fraction(metric) else ""
    caption = f"Search over {setting}, {unit}{metric_words(metric)}; * chosen"
    return doc.Table("search-points", caption, columns, rows, outputs=doc.PAPER, wide=False)


def _told(contender: Contender) -> tuple[str, ...]:
    """Every point in words."""
    several = len(contender.searched) > 1
    return tuple(
        ", ".join(
            f"{setting_words(key)} {value_words(value)}" if several else value_words(value)
            for key, value in point.values.items()
        )
        for point in contender.points
    )


def _points(contender: Contender, metric: str) -> list[str]:
    """What each point of a search gave, with a star behind the chosen one."""
    values = [(point, point.score(metric)) for point in contender.points]
    return [
        point.status
        if value is None
        else f"{score(metric, value)}{'*' if point is contender.chosen else ''}"
        for point, value in values
    ]
