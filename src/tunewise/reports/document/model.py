"""What reports are made of: sections of blocks, with typed cells.

Every text here is plain: nothing in it is markup, nothing is escaped or shortened yet. Each
renderer makes a text fit for its output, so that a name can hold any character and do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Literal, TypeVar

Output = Literal["html", "pdf", "terminal", "md", "csv", "tex"]
Outputs = frozenset[Output]

PAGE: Outputs = frozenset(("html",))
PAPER: Outputs = frozenset(("pdf",))
TERMINAL: Outputs = frozenset(("terminal",))
PRINT: Outputs = PAGE | PAPER  # what has room
PEOPLE: Outputs = PRINT | TERMINAL | frozenset(("md",))
FILES: Outputs = frozenset(("csv", "tex"))
REPORT: Outputs = PRINT | FILES
ALL: Outputs = PEOPLE | FILES

Tone = Literal["", "good", "bad"]
NOTHING = "–"


@dataclass(frozen=True)
class Badge:
    """A word about a contender; outside of the page it follows the name in brackets."""

    text: str
    tone: Tone = ""
    outputs: Outputs = PEOPLE


@dataclass(frozen=True)
class Named:
    """A contender's name; `position` in the study decides its color."""

    name: str
    position: int
    badges: tuple[Badge, ...] = ()
    detail: str = ""  # small print below it, on the page


@dataclass(frozen=True)
class Span:
    """An interval with its mean, drawn on a scale that all rows of a column share."""

    low: float
    mean: float
    high: float
    scale: tuple[float, float]


@dataclass(frozen=True)
class Noted:
    """A text with small print below it, and what is drawn beside it; both on the page alone."""

    text: str
    detail: str = ""
    span: Span | None = None
    bar: float | None = None  # a fraction of the longest bar of the column
    links: tuple[tuple[str, str], ...] = ()  # texts with addresses, both of ours


Shown = str | Named | Noted
Show = Callable[[Any], Shown]
Trail = str | tuple[Hashable, ...]  # with dots, or name by name


def in_line(cell: Shown, output: Output) -> str:
    """A cell without small print; the badges that an output has follow a name in brackets."""
    if isinstance(cell, Named):
        badges = (f"({badge.text})" for badge in cell.badges if output in badge.outputs)
        return " ".join([cell.name, *badges])
    return cell.text if isinstance(cell, Noted) else cell


def as_text(value: Any) -> Shown:
    """A value as it stands."""
    return value if isinstance(value, Named | Noted) else str(value)


def at(thing: Any, path: Trail) -> Any:
    """What a path of attributes, or keys of mappings, leads to; None where it ends on the way.

    The empty path leads nowhere else.

    >>> at(Named("head", 0), "name.__class__.__name__"), at(None, "name")
    ('str', None)
    >>> at({"head": Named("head", 3)}, ("head", "position")), at({}, ("head", "position"))
    (3, None)
    """
    for name in filter(None, path.split(".") if isinstance(path, str) else path):
        if isinstance(thing, Mapping):
            thing = thing.get(name)
        elif thing is not None:
            thing = getattr(thing, str(name))
    return thing


@dataclass(frozen=True)
class Column:
    """A title for people, a key for programs, how people see a value, and where it comes from.

    A column without a title does not stand where people read; one without a key in no file.
    Files have the values themselves: fractions, seconds, bytes, or the name of what is `Named`.
    `of` gives the value from what a row is about, where it is not that itself: a path as `at`
    follows it, or a function. `nothing` stands where there is no value.
    """

    title: str
    key: str | None = None
    show: Show = as_text
    of: Trail | Callable[[Any], Any] = ""
    number: bool = True  # set on the right
    wraps: bool = False  # takes the room that the others leave
    outputs: Outputs = ALL
    nothing: str = NOTHING

    def shown(self, value: Any) -> Shown:
        return self.nothing if value is None else self.show(value)

    def stands_in(self, output: Output) -> bool:
        stands = self.key is not None if output in FILES else bool(self.title)
        return stands and output in self.outputs

    def value(self, thing: Any) -> Any:
        return self.of(thing) if callable(self.of) else at(thing, self.of)


@dataclass(frozen=True)
class Table:
    """Rows of values under columns. `key` names its files.

    A long one is cut at `most` rows where people read; files always have all. `wide` spans both
    columns of a paper, `cards` sets each row as a card on a phone.
    """

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    outputs: Outputs = ALL
    strong: frozenset[int] = frozenset()  # rows
    wide: bool = True
    cards: bool = False
    most: int | None = None

    @classmethod
    def about(
        cls,
        key: str,
        caption: str,
        columns: Iterable[Column],
        things: Iterable[Any],
        *,
        strong: Callable[[Any], bool] = lambda thing: False,
        **how: Any,
    ) -> Table:
        """A table with a row for each thing, of which the columns give the values."""
        columns, things = tuple(columns), tuple(things)
        rows = tuple(tuple(column.value(thing) for column in columns) for thing in things)
        marked = frozenset(place for place, thing in enumerate(things) if strong(thing))
        return cls(key, caption, columns, rows, strong=marked, **how)

    @classmethod
    def of_files(
        cls, key: str, caption: str, keys: Sequence[str], rows: Iterable[tuple[Any, ...]]
    ) -> Table:
        """A table that stands in files alone."""
        columns = tuple(Column("", name) for name in keys)
        return cls(key, caption, columns, tuple(rows), outputs=FILES)

    def without_empty(self) -> Table:
        """Without the columns of files alone in which no row has a value."""
        kept = [
            place
            for place, column in enumerate(self.columns)
            if column.title or any(row[place] not in {None, ""} for row in self.rows)
        ]
        columns = tuple(self.columns[place] for place in kept)
        rows = tuple(tuple(row[place] for place in kept) for row in self.rows)
        return replace(self, columns=columns, rows=rows)

    def columns_of(self, output: Output) -> list[Column]:
        return [column for column in self.columns if column.stands_in(output)]

    def values(self, output: Output) -> list[list[Any]]:
        """The values of the columns that stand in an output, row by row."""
        places = [n for n, column in enumerate(self.columns) if column.stands_in(output)]
        if output in FILES:
            return [
                [cell.name if isinstance(cell := row[n], Named) else cell for n in places]
                for row in self.rows
            ]
        return [[row[n] for n in places] for row in self.rows[: self.most]]

    def records(self) -> list[dict[str, Any]]:
        """The rows as files have them, by the keys of their columns."""
        keys = [str(column.key) for column in self.columns_of("csv")]
        return [dict(zip(keys, row, strict=True)) for row in self.values("csv")]

    def shown(self, output: Output) -> list[list[Shown]]:
        """What people see of them."""
        columns = self.columns_of(output)
        return [
            [column.shown(value) for column, value in zip(columns, row, strict=True)]
            for row in self.values(output)
        ]


@dataclass(frozen=True)
class Paragraph:
    """Sentences. `lead` stands before them in italics; `link` is the key of a section."""

    text: str
    lead: str = ""
    style: Literal["", "headline", "claim", "about", "note", "strong"] = ""
    link: str = ""
    outputs: Outputs = PEOPLE


@dataclass(frozen=True)
class Bullet:
    """An entry of a list: what is so, and in small print what to do about it."""

    text: str
    detail: str = ""
    badge: Badge | None = None
    about: Named | None = None
    quoted: str = ""  # letter by letter, such as an error


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: tuple[Bullet, ...]
    outputs: Outputs = PRINT


@dataclass(frozen=True)
class Equation:
    """A formula of ours, which the template of the paper knows by its name."""

    name: str
    outputs: Outputs = PAPER


@dataclass(frozen=True)
class Figure:
    """A chart in Vega-Lite. `key` names its files, `says` stands in its place for the blind."""

    key: str
    title: str
    says: str
    spec: dict[str, Any]
    outputs: Outputs = PRINT


@dataclass(frozen=True)
class Code:
    """Text to be copied or read letter by letter."""

    text: str
    outputs: Outputs = PAGE


@dataclass(frozen=True)
class Pairs:
    """Names with their values, for looking things up."""

    items: tuple[tuple[str, str], ...]
    outputs: Outputs = PAGE


@dataclass(frozen=True)
class Answer:
    """An answer to an example, and who gave it. `right` is None where nobody knows."""

    text: str
    right: bool | None
    by: tuple[Named, ...] = ()
    note: str = ""
    wrote: str | None = None  # the whole text in which the answer was found


@dataclass(frozen=True)
class Example:
    """An example of the data with the answers to it, by the names of its columns."""

    id: str
    texts: tuple[tuple[str, str], ...]
    truth: str
    answers: tuple[Answer, ...]
    label: str = ""  # why it stands here


@dataclass(frozen=True)
class Examples:
    """Examples one below the other; as rows of a table in a paper, which has room for `most`."""

    caption: str
    items: tuple[Example, ...]
    most: int
    outputs: Outputs = PRINT


@dataclass(frozen=True)
class Details:
    """Blocks that the page keeps folded until somebody asks."""

    title: str
    blocks: tuple[Block, ...]
    open: bool = False
    about: Named | None = None
    outputs: Outputs = PAGE


Block = Paragraph | Table | Bullets | Equation | Figure | Code | Pairs | Examples | Details
Blocks = Iterator[Block | None]
Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it. `key` is its place on the page."""

    key: str
    title: str
    blocks: tuple[Block, ...]

    @classmethod
    def of(cls, key: str, title: str, blocks: Iterable[Block | None]) -> Section | None:
        """A section of the blocks that say something; None where there are none."""
        said = (block for block in blocks if block is not None)
        present = tuple(
            block
            for block in said
            if not (isinstance(block, Paragraph) and not block.text)
            and not (isinstance(block, Bullets) and not block.items)
        )
        return cls(key, title, present) if present else None

    def for_output(self, output: Output) -> Section | None:
        """What of it stands in an output; None where that is nothing."""
        blocks = tuple(block for block in self.blocks if output in block.outputs)
        return Section(self.key, self.title, blocks) if blocks else None


def titled(
    key: str, title: str
) -> Callable[[Callable[[Subject], Blocks]], Callable[[Subject], Section | None]]:
    """Make of a function that yields the blocks of a section one that gives the section."""

    def decorate(blocks: Callable[[Subject], Blocks]) -> Callable[[Subject], Section | None]:
        @wraps(blocks)
        def section(subject: Subject) -> Section | None:
            return Section.of(key, title, blocks(subject))

        return section

    return decorate


def each(blocks: Sequence[Block]) -> Iterator[Block]:
    """Every block, those inside of others included."""
    for block in blocks:
        yield block
        if isinstance(block, Details):
            yield from each(block.blocks)


def sections_for(sections: Sequence[Section], output: Output) -> list[Section]:
    """What of the sections stands in an output."""
    return [part for one in sections if (part := one.for_output(output))]


def figures(sections: Sequence[Section]) -> list[Figure]:
    return [block for one in sections for block in each(one.blocks) if isinstance(block, Figure)]


def tables(sections: Sequence[Section]) -> list[Table]:
    """The tables that become files."""
    found = (block for one in sections for block in each(one.blocks))
    return [block for block in found if isinstance(block, Table) and block.outputs & FILES]
