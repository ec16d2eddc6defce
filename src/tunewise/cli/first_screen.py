"""One screen of 80 columns about data that somebody has brought."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from tunewise.core.format import listed, percent, plural
from tunewise.core.sanitize import shown
from tunewise.data.first_look.languages import language_names
from tunewise.data.first_look.portrait import Portrait
from tunewise.data.inspect import Guess

MOST_COLUMNS, MOST_CLASSES = 14, 8  # rows of the two tables
NAME, HOLDING, EXAMPLE, LABEL, BAR = 16, 14, 21, 36, 20  # characters
HOLDS = {"whole number": "numbers", "number": "decimals", "code": "codes", "date": "dates"}
HOLDS |= {"address": "addresses", "boolean": "yes or no", "other": "other"}


def print_first_screen(guess: Guess, source: str, console: Console) -> None:
    """What was found, what is assumed, and what cleaning would do."""
    profile = guess.profile
    rows = listed([f"{plural(count, 'row')} of {name}" for name, count in profile.rows.items()])
    if len(profile.rows) == 1:
        rows = plural(sum(profile.rows.values()), "row")
    columns = plural(len(profile.columns), "column")
    console.print(Text(f"{shown(source)}: {rows}, {columns}", style="bold"))
    for note in profile.notes:
        console.print(Text(shown(note)))
    console.print(_columns(profile.columns, profile.roles))
    for line in _lines(guess):
        console.print(Padding(Text(line), (0, 0, 0, 1)))
    if profile.classes:
        console.print(_classes(guess))


def _columns(columns: tuple[Portrait, ...], roles: Mapping[str, str]) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, padding=(0, 0))
    grid.add_column("Column", overflow="fold", max_width=NAME)  # in full: rows must stay apart
    for title in ("Holds", "Missing", "Distinct", "For example", "Used as"):
        right = title in ("Missing", "Distinct")
        wide = None if title == "For example" else max(len(title), HOLDING * (title == "Holds"))
        grid.add_column(title, justify="right" if right else "left", no_wrap=True, min_width=wide)
    used = [one for one in columns if one.name in roles]
    rest = [one for one in columns if one.name not in roles]
    kept = {one.name for one in [*used, *rest][:MOST_COLUMNS]}
    for one in columns:
        if one.name in kept:
            role = roles.get(one.name, "")
            style = "bold" if role else ""
            example = _cut(" ".join(one.example.split()), EXAMPLE)
            holds = HOLDS.get(one.kind, one.kind)
            if one.kind == "text":
                holds = f"text, {one.words:.0f} words" if one.words >= 1.5 else "words"
            cells = (shown(one.name), holds, f"{one.missing:,}", f"{one.distinct:,}")
            grid.add_row(*(Text(cell) for cell in (*cells, example, role)), style=style)
    if len(kept) < len(columns):
        grid.add_row(Text(f"and {len(columns) - len(kept)} more"))
    return grid


def _cut(text: str, most: int) -> str:
    """A text in one line of so many cells; some letters take two."""
    safe = shown(text)
    return safe if cell_len(safe) <= most else f"{set_cell_size(safe, most - 1).rstrip()}…"


def _lines(guess: Guess) -> Iterator[str]:
    profile = guess.profile
    middle, high, most = profile.words
    yield f"Words a row: {middle:,} (median), {high:,} (95 %), {most:,} (most)."
    if profile.languages:
        yield f"Language: {language_names(profile.languages)}."
    shared = {name: part for name, part in profile.shared.items() if part}
    if shared:
        parts = [f"{percent(part)} % of {name}" for name, part in shared.items()]
        yield f"Uncleaned, {listed(parts)} would have a text that train has too."
    if profile.cleaned:
        removed = [
            (sum(step["rows"].values()), step["what"]) for step in profile.cleaned["removed"]
        ]
        if removed:
            total = plural(sum(count for count, _ in removed), "row")
            parts = [f"{count:,} {what}" for count, what in removed]
            yield f"Cleaning leaves out {total}: {listed(parts, most=9)}."
        for what, count in profile.cleaned["rewritten"].items():
            if count:
                yield f"Cleaning rewrites {plural(count, 'row')}: {what}."
        if count := profile.cleaned["kept_together"]:
            together = f"{plural(count, 'row')} with nearly equal texts"
            yield f"{together} are kept in one split each group."
    sizes = ", ".join(f"{name} {count:,}" for name, count in guess.rows.items())
    yield f"Splits: {sizes}."


def _classes(guess: Guess) -> Grid:
    """The classes by size; of many, the largest and the smallest."""
    classes = list(guess.profile.classes.items())
    total, top = sum(guess.profile.classes.values()), max(1, classes[0][1])
    grid = Grid(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    title = _cut(f"{len(classes)} classes of {guess.label}", LABEL)
    grid.add_column(title, overflow="fold", max_width=LABEL)  # in full: rows must stay apart
    grid.add_column("Rows", justify="right")
    grid.add_column("%", justify="right")
    grid.add_column("")
    left_out = max(0, len(classes) - MOST_CLASSES)
    listing = [*classes[: MOST_CLASSES - 1], classes[-1]] if left_out else classes
    for at, (name, count) in enumerate(listing):
        if left_out and at == MOST_CLASSES - 1:
            grid.add_row(Text(f"and {left_out} between"))
        bar = "█" * max(1, round(BAR * count / top))
        cells = (shown(name), f"{count:,}", percent(count / total), bar)
        grid.add_row(*map(Text, cells))
    return grid
