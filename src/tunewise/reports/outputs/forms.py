"""The forms in which a report can be asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tunewise.analysis.facts import Facts
from tunewise.core.errors import InputError, unknown
from tunewise.reports.outputs.pdf import need_typst, write_paper
from tunewise.reports.outputs.write import write_latex, write_page

FORMS = ("html", "pdf", "tex")


def checked_forms(text: str) -> list[str]:
    """The forms in a list with commas, each once.

    Raises:
        InputError: an unknown form.
        MissingExtra: a PDF is asked for and Typst is not installed.
    """
    asked = list(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in asked:
        if name not in FORMS:
            raise InputError(f"--format: {unknown('form', name, FORMS)}")
    if "pdf" in asked:
        need_typst()
    return asked


def write_forms(
    facts: Facts,
    out: Path,
    forms: Sequence[str],
    *,
    title: str | None = None,
    author: str | None = None,
) -> list[Path]:
    """Write each form into a folder, and return what to open; errors as `checked_forms`.

    `title` and `author` are of the paper; see `write_paper`.
    """
    writers: dict[str, Callable[[Facts, Path], Path]] = {
        "html": write_page,
        "pdf": partial(write_paper, title=title, author=author),
        "tex": write_latex,
    }
    return [writers[name](facts, out) for name in checked_forms(",".join(forms))]
