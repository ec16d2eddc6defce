"""Texts to be answered: a file with a task's text columns, or texts given outright."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tunewise.core.errors import InputError, Problem, nearest
from tunewise.data.cleaning.combine import TextRules, combined, with_combined
from tunewise.data.columns import named_rows
from tunewise.data.examples import Example
from tunewise.data.images import checked_image
from tunewise.data.locate import out_of_reach
from tunewise.data.prepared import IMAGES
from tunewise.data.readers.files import read_file
from tunewise.data.table import PLACE, Row

PREFIX = "row"  # of the ids of rows that bring none, counted from 0


def read_inputs(
    path: Path,
    shown: str,
    texts: Sequence[str],
    *,
    rules: TextRules,
    image: str | None = None,
    folder: str = "",
    given: Callable[[Row], Example] | None = None,
    given_in: Sequence[str] = (),
) -> list[Example]:
    """The rows of a data file as examples without labels.

    Other columns, labels among them, are left alone. Each row is answered: what a study removes
    from its data is not removed here, but its texts are made as the study made them.

    Args:
        path: the file.
        shown: how the user called it; errors begin with it.
        texts: the task's text columns.
        image: the one of them that names images, by paths from the folder of the file. They
            are checked as those that are trained on.
        folder: where the paths of the study's own images start. If there is such a folder beside
            the file, a path may start there too, so that a split of the study is read as it is;
            likewise in ``images``, for the splits in a study's folder.
        given: makes an example of a row that has other columns in the place of the texts.
        given_in: these columns.
        rules: how the study made its texts. A file may name columns as the study or as its data
            does, and have the made text itself in place of what it is made of.

    Raises:
        InputError: all that is wrong with the file.
    """
    if barred := out_of_reach(path):
        raise InputError([Problem(shown[:80], f"cannot be read ({barred}).")])
    if not path.is_file():
        there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError([Problem(shown, f"no such file. {nearest(path.name, there)}")])
    table = read_file(path, shown)
    used = {ours: theirs for ours, theirs in rules.rename.items() if theirs in table.columns}
    if given is not None and not {*texts} <= {*table.columns}:
        named = named_rows({"input": table}, given_in, rename=used, prefix=PREFIX)
        return [given(row) for row in named["input"]]
    making = {made: of for made, of in rules.combine.items() if made not in table.columns}
    needed = replace(rules, combine=making).needed(texts)
    problems = [
        Problem(shown, f"has no column '{column}'. {nearest(column, table.columns)}")
        for column in needed
        if column not in table.columns and column not in used
    ]
    if problems:
        raise InputError(problems)
    optional = [field for fields in making.values() for field in fields]
    named = named_rows({"input": table}, needed, rename=used, optional=optional, prefix=PREFIX)
    rows = with_combined(named, making)["input"]
    problems = [
        Problem(row[PLACE], f"'{column}' is {row[column]!r}; a text is needed.")
        for row in rows
        for column in texts
        if not isinstance(row[column], str)
    ]
    if problems:
        raise InputError(problems)
    asked = tuple(column for column in texts if column != image)
    examples = [
        Example(row["id"], tuple(rules.text(row[column]) for column in asked)) for row in rows
    ]
    bases = [path.parent / each for each in (folder, IMAGES, "")]
    return examples if image is None else _with_images(examples, rows, image, bases)


def given_input(values: Sequence[str], texts: Sequence[str], rules: TextRules) -> list[Example]:
    """One example of texts given outright, in the order of the columns they stand for.

    Raises:
        InputError: there are fewer or more texts than the task reads.

    >>> given_input(["Cold room."], ["text"], TextRules())[0].texts
    ('Cold room.',)
    """
    needed = rules.needed(texts)
    if len(values) != len(needed):
        asked = " and ".join(needed)
        raise InputError(f"--text: given {len(values)} times; this study reads {asked}, in order.")
    given = dict(zip(needed, values, strict=True))
    made = [
        combined({name: given[name] for name in rules.combine[text]})
        if text in rules.combine
        else given[text]
        for text in texts
    ]
    return [Example(f"{PREFIX}-0", tuple(map(rules.text, made)))]


def _with_images(
    examples: Sequence[Example], rows: Sequence[Row], column: str, bases: Sequence[Path]
) -> list[Example]:
    """The examples with the paths of their images; each image is read and checked once."""
    found: dict[str, str] = {}
    problems = []
    for row in rows:
        reference = row[column]
        if reference in found:
            continue
        found[reference] = ""
        try:
            found[reference] = checked_image(reference, bases)
        except InputError as error:
            mistakes = [Problem(f"{row[PLACE]} {column}", str(each)) for each in error.problems]
            problems += mistakes
    if problems:
        raise InputError(problems)
    return [
        example._replace(image=found[row[column]])
        for example, row in zip(examples, rows, strict=True)
    ]
