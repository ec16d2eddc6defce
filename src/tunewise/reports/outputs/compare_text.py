"""Two contenders in the terminal and as CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from tunewise.core.format import count, duration, percent, probability, size
from tunewise.core.sanitize import shortened, shown
from tunewise.reports.document import Table
from tunewise.reports.facts.comparability.finding import value_words
from tunewise.reports.facts.compare import Cell, Contest, Differing
from tunewise.reports.facts.wording import gap, is_share, metric_name, split_name
from tunewise.statistics.claims import Claim

PAGE = 10  # differing items shown at first
LONGEST = 300  # characters of a text that the terminal shows
ALONE = "p of this pair alone; in the table of results it is corrected over all pairs."
COSTS: dict[str, Callable[[Any], str]] = {
    "parameters": count,
    "trained": count,
    "seconds a trial": duration,
    "seconds in all": duration,
    "peak bytes": size,
    "artefact bytes": size,
}


def print_contest(found: Contest, console: Console, *, everything: bool = False) -> None:
    """Scores, claims, settings, costs, then the items on which the two differ."""
    first, second = shown(found.first), shown(found.second)
    where = f"{found.items:,} items of {split_name(found.split)}"
    console.print(Text(f"{first} against {second}, {where}", style="bold"))
    console.print(_scores(found))
    for title, line in _claims(found):
        console.print(Padding(Text(f"{title}: {line}"), (0, 0, 0, 2)))
    console.print(Padding(Text(ALONE, style="dim"), (0, 0, 1, 2)))
    console.print(_right(found))
    if found.settings:
        rows = [(name, _plain(a), _plain(b)) for name, a, b in found.settings]
        console.print(_sides(found, "settings that differ", rows))
    rows = [
        (name.removesuffix(" bytes"), COSTS[name](a), COSTS[name](b)) for name, a, b in found.costs
    ]
    console.print(_sides(found, "cost", rows))
    _print_items(found, console, everything=everything)


def differing_table(found: Contest) -> Table:
    """The items on which the two differ, as a table to write."""
    columns = dict.fromkeys(column for item in found.differing for column in item.texts)
    rows = tuple(
        (
            item.id,
            *(item.texts.get(column) for column in columns),
            " | ".join(item.truth),
            item.first.answer,
            item.second.answer,
            item.right,
        )
        for item in found.differing
    )
    header = ("id", *columns, "label", "first", "second", "right")
    return Table("compare", f"{found.first} against {found.second}", header, rows)


def _scores(found: Contest) -> Grid:
    grid = _grid("", shown(found.first), shown(found.second), "difference", "95 % over items", "p")
    for measure in found.measures:
        claim = measure.items
        grid.add_row(
            *_texts(
                metric_name(measure.metric),
                *(_score(one, measure.metric) for one in (measure.first, measure.second)),
                _gap(measure.difference, measure.metric),
                _interval(claim, measure.metric),
                probability(claim.p),
            )
        )
    return grid


def _claims(found: Contest) -> list[tuple[str, str]]:
    """What the headline metric says of these trained models, and of the methods."""
    headline = found.measures[0]
    told = []
    for title, claim in (("Over items", headline.items), ("Over seeds", headline.method)):
        if claim.interval is None or claim.p is None:
            told.append((title, f"{shown(claim.reason or 'not testable')}."))
            continue
        p = probability(claim.p)
        told.append(
            (
                title,
                f"{_gap(headline.difference, headline.metric)} "
                f"({_interval(claim, headline.metric)}), "
                f"p {p if p.startswith('<') else '= ' + p}, {claim.test}.",
            )
        )
    return told


def _right(found: Contest) -> Text:
    """Who is right on how many items; the discordant ones decide, seed by seed."""
    both, first, second, neither = (
        found.counts[who] for who in ("both", "first", "second", "neither")
    )
    lines = [
        f"Right by the answer of most seeds: both {both:,}, only {shown(found.first)} {first:,}, "
        f"only {shown(found.second)} {second:,}, neither {neither:,}."
    ]
    lines += [
        f"Seed {seed}: only {shown(found.first)} {test.first_only:,}, only "
        f"{shown(found.second)} {test.second_only:,}; exact McNemar p {probability(test.exact)}."
        for seed, test in found.measures[0].mcnemar.items()
    ]
    return Text("\n".join(lines))


def _sides(found: Contest, title: str, rows: list[tuple[str, str, str]]) -> Grid:
    grid = _grid(title, shown(found.first), shown(found.second))
    for row in rows:
        grid.add_row(*_texts(*row))
    return grid


def _print_items(found: Contest, console: Console, *, everything: bool) -> None:
    items = found.differing if everything else found.differing[:PAGE]
    total = len(found.differing)
    if not total:
        console.print("The two give the same answer to every item.")
        return
    console.print(Text(f"They answer {total:,} of {found.items:,} items differently.", "bold"))
    for item in items:
        console.print(Padding(_item(item), (1, 0, 0, 2)))
    if len(items) < total:
        console.print(f"\n{len(items)} of {total:,} shown; the rest with --all or --format csv.")


def _item(item: Differing) -> Text:
    texts = " / ".join(shortened(shown(text), LONGEST) for text in item.texts.values())
    answers = "; ".join(
        f"{shown(side.name)}: {shown(side.answer)}" + (" (right)" if side.right else "")
        for side in (item.first, item.second)
    )
    label = shown(" | ".join(item.truth))
    return Text(f"{shown(item.id)}  {texts}\n  true: {label}; {answers}")


def _grid(*columns: str) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        justify = "left" if number == 0 else "right"
        grid.add_column(Text(column), justify=justify, overflow="fold")  # type: ignore[arg-type]
    return grid


def _texts(*cells: str) -> list[Text]:
    return [Text(cell) for cell in cells]


def _score(value: float | None, metric: str) -> str:
    return percent(value) if value is None or is_share(metric) else f"{value:.3f}"


def _gap(difference: float | None, metric: str) -> str:
    return "–" if difference is None else gap(metric, difference)


def _interval(claim: Claim, metric: str) -> str:
    if claim.interval is None:
        return "–"
    return " to ".join(gap(metric, end) for end in claim.interval)


def _plain(value: Cell) -> str:
    return "–" if value is None else value_words(value)
