"""What a paper is made of: sections of paragraphs, tables, figures and lists, as plain text.

Nothing here is markup. The typesetter receives every text as a string and sets it letter by
letter, so that a label or a name can hold any sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tunewise.core.sanitize import shortened, shown

LONGEST_CELL = 90
OURS = {"kind", "key", "align", "name", "colours_of"}  # read by the template, never shown
_LONG_WORD = re.compile(r"\S{22}(?=\S{3})")


Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Cells under column names. Shares are fractions, times seconds, sizes bytes."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Paragraph:
    """Sentences. `lead` stands in italics before them."""

    text: str
    lead: str = ""
    kind: str = "text"


@dataclass(frozen=True)
class Equation:
    """A formula of our own, known to the template by its name."""

    name: str
    kind: str = "equation"


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[str, ...]
    kind: str = "list"


@dataclass(frozen=True)
class Grid:
    """A table; `align` has one letter a column, l or r. A wide one spans both columns."""

    caption: str
    align: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wide: bool = False
    kind: str = "table"


@dataclass(frozen=True)
class Figure:
    """A chart by the name of its file, and what it shows for those who cannot see it.

    `colours_of` is the chart with the legend, where this one has none.
    """

    key: str
    caption: str
    says: str
    colours_of: str | None = None
    kind: str = "figure"


Block = Paragraph | Equation | Items | Grid | Figure


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Paper:
    """The whole text. Sections without blocks are left out."""

    title: str
    byline: str
    abstract: str
    terms: tuple[str, ...]
    sections: tuple[Section, ...]
    references: tuple[str, ...]

    @property
    def figures(self) -> tuple[str, ...]:
        blocks = (block for section in self.sections for block in section.blocks)
        return tuple(block.key for block in blocks if isinstance(block, Figure))

    def plain(self) -> dict[str, Any]:
        """As JSON values, every text made visible and breakable."""
        content: dict[str, Any] = _set(asdict(self))
        content["sections"] = [one for one in content["sections"] if one["blocks"]]
        return content


def numbered(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Sections whose first paragraph names the tables and figures that follow in them."""
    tables, figures = 0, 0
    places: dict[str, int] = {}
    made = []
    for section in sections:
        ours = sum(isinstance(block, Grid) for block in section.blocks)
        drawn = sum(isinstance(block, Figure) for block in section.blocks)
        told = [
            _span("Table", "Tables", tables, ours, roman),
            _span("Fig.", "Figs.", figures, drawn, str),
        ]
        blocks: list[Block] = []
        for block in section.blocks:
            if isinstance(block, Figure):
                places[block.key] = figures + 1 + sum(isinstance(one, Figure) for one in blocks)
                blocks.append(_captioned(block, places))
            else:
                blocks.append(block)
        tables, figures = tables + ours, figures + drawn
        if blocks and isinstance(blocks[0], Paragraph) and any(told):
            see = " and ".join(one for one in told if one)
            blocks[0] = replace(blocks[0], text=f"{blocks[0].text} See {see}.")
        made.append(replace(section, blocks=tuple(blocks)))
    return tuple(made)


def _captioned(figure: Figure, places: Mapping[str, int]) -> Figure:
    """A figure without a legend of its own says where its colours are told."""
    place = places.get(figure.colours_of or "")
    if place is None:
        return figure
    see = f"colours as in Fig. {place}"
    return replace(figure, caption=f"{figure.caption}; {see}")


def _span(one: str, several: str, before: int, number: int, named: Callable[[int], str]) -> str:
    if number < 2:
        return f"{one} {named(before + 1)}" if number else ""
    joint = "and" if number == 2 else "to"
    return f"{several} {named(before + 1)} {joint} {named(before + number)}"


def roman(number: int) -> str:
    """A number from 1 to 39 in Roman figures, as IEEE numbers tables.

    >>> roman(4), roman(9), roman(14)
    ('IV', 'IX', 'XIV')
    """
    ones = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
    return "X" * (number // 10) + ones[number % 10]


def cell(text: str, most: int = LONGEST_CELL) -> str:
    """A text short enough for a table."""
    return shortened(shown(text), most)


def breakable(text: str) -> str:
    """Long words may be broken: a name of forty letters does not run out of its column.

    >>> breakable("a" * 30).count(chr(0x200B))
    1
    """
    return _LONG_WORD.sub(lambda match: f"{match.group()}\u200b", text)


def _set(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: inner if key in OURS else _set(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_set(inner) for inner in value]
    return breakable(shown(value).replace(" %", "\u00a0%")) if isinstance(value, str) else value
