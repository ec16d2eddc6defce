"""What every point of a search gave on validation, and whether better values may lie beyond."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.charts.search import best_of_points, searches
from tunewise.reports.document.model import (
    PAGE,
    PAPER,
    PRINT,
    Block,
    Bullet,
    Bullets,
    Column,
    Details,
    Noted,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.evidence import Contender
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.tuning.searching import Tried, edges, tried
from tunewise.reports.facts.wording import (
    metric_name,
    metric_words,
    point_words,
    setting_name,
    setting_words,
    value_words,
)
from tunewise.reports.sections.cells import named, score, texts

MOST_ON_PAGE = 30  # points of one contender
MOST_COLUMNS = 6  # points that a table of a paper sets side by side
MOST_LISTED = 8  # searches of a paper, where they fit no table
OPEN = 3  # contenders whose points the page shows at once, where they are few
FEW_POINTS = 6
MORE_POINTS = (
    "What more points would bring is estimated by the score to expect from the best of k of those "
    "that were tried"
)


def section(facts: Facts) -> Section | None:
    searched = facts.evidence.searched
    if not searched:
        return None
    metric = facts.evidence.headline
    points = {one.name: tried(one, metric) for one in searched}
    evidence = facts.shortlist.evidence
    curve = best_of_points(evidence)
    charts = searches(evidence)
    ringed = "; the chosen one is ringed" if charts else ""
    cited = facts.references("show-your-work") if curve else ""
    text = (
        f"Validation {metric_words(metric)} of each value tried with the first seed{ringed}."
        f"{_edges(searched, metric)}"
    )
    return Section.of(
        "search",
        "Search",
        [
            Paragraph(text, outputs=PRINT),
            _in_files(facts, searched, points),
            *_in_paper(facts, searched),
            *charts,
            Paragraph(f"{MORE_POINTS} {cited}.", outputs=PAPER) if curve else None,
            curve,
            *(_of_one(facts, one, points[one.name], len(searched)) for one in searched),
        ],
    )


def _edges(searched: Sequence[Contender], metric: str) -> str:
    """Whose best value is an end of what was tried: a better one may lie beyond."""
    ends = [shown(one.name) for one in searched if edges(one, metric)]
    if not ends:
        return ""
    return (
        f" For {listed(ends)} the best value is an end of the range that was tried; a better one "
        "may lie beyond it."
    )


def _in_files(facts: Facts, searched: Sequence[Contender], points: dict[str, list[Tried]]) -> Table:
    keys = (
        "contender",
        "point",
        f"validation {facts.evidence.headline}",
        "status",
        "chosen",
        "edge",
    )
    rows = (
        (
            one.name,
            point_words(point.values),
            point.score,
            point.status,
            "chosen" if point.chosen else None,
            ", ".join(point.edges) or None,
        )
        for one in searched
        for point in points[one.name]
    )
    return Table.of_files("search", "Search points, best first", keys, rows)


def _of_one(facts: Facts, one: Contender, points: list[Tried], searches: int) -> Details:
    """The points of a contender for the page, best first."""
    metric, title = facts.evidence.headline, f"{len(points)} points"
    columns = (
        *texts(*map(setting_name, one.searched)),
        Column(f"{metric_name(metric)}, validation"),
    )
    table = Table(
        "search",
        title,
        columns,
        tuple((*_values(one, point), _score(metric, point)) for point in points),
        outputs=PAGE,
        strong=frozenset(n for n, point in enumerate(points) if point.chosen),
        most=MOST_ON_PAGE,
    )
    few = searches <= OPEN and len(points) <= FEW_POINTS
    return Details(f"{title} of", (table,), open=few, about=named(one))


def _values(one: Contender, point: Tried) -> list[str | Noted]:
    message = {key: value_words(point.values.get(key)) for key in one.searched}
    return [
        Noted(text, "at the edge of the range") if key in point.edges else text
        for key, text in message.items()
    ]


def _score(metric: str, point: Tried) -> str | Noted:
    if point.score is None:
        return point.status
    sentence = score(metric, point.score)
    return Noted(sentence, "chosen") if point.chosen else sentence


def _in_paper(facts: Facts, searched: Sequence[Contender]) -> list[Block]:
    """A table where all searches tried the same few points, else a list."""
    metric = facts.evidence.headline
    mine = [one for one in searched if one.trials and one.name in facts.shortlist.names]
    mine.sort(key=lambda one: facts.shortlist.names.index(one.name))
    if not mine:
        return []
    if len({_told(one) for one in mine}) > 1 or len(mine[0].points) > MOST_COLUMNS:
        items = tuple(Bullet(_searched(one, metric)) for one in mine[:MOST_LISTED])
        return [Bullets(items, outputs=PAPER)]
    columns = (Column("Contender", number=False), *(Column(message) for message in _told(mine[0])))
    rows = tuple(
        (named(one), *(_point(one, n, metric) for n in range(len(one.points)))) for one in mine
    )
    setting = listed([setting_words(key) for key in mine[0].searched])
    caption = f"Search over {setting}, in percent of {metric_words(metric)}; * chosen"
    return [Table("search-points", caption, columns, rows, outputs=PAPER, wide=False)]


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


def _point(contender: Contender, place: int, metric: str) -> str:
    point = contender.points[place]
    value = point.score(metric)
    if value is None:
        return point.status
    return f"{score(metric, value)}{'*' if point is contender.chosen else ''}"


def _searched(contender: Contender, metric: str) -> str:
    """What each point of a search gave, in one line."""
    message = [
        f"{values}: {_point(contender, place, metric)}"
        for place, values in enumerate(_told(contender))
    ]
    return f"{shown(contender.name)}. {'; '.join(message).replace('*', ' (chosen)')}."
