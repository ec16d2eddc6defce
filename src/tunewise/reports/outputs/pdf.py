"""The report as PDF: our paper set by Typst, with charts as vectors.

Typst is an extra. It sees one folder that holds the template and the charts; the text comes to
it as JSON, and only its own fonts are used, so that the same study gives the same file anywhere.
"""

from __future__ import annotations

import copy
import importlib
import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import vl_convert

from tunewise.analysis.facts import Facts
from tunewise.core.errors import MissingExtra
from tunewise.core.files import write_bytes
from tunewise.core.sanitize import shown
from tunewise.reports.document.palette import THEMES
from tunewise.reports.outputs.page import TEMPLATES, vega_version
from tunewise.reports.outputs.paper import Paper, paper

typst: Any  # an extra: that it is missing is reported when a PDF is asked for
try:
    typst = importlib.import_module("typst")
except ImportError:
    typst = None

PDF = "report.pdf"
TEMPLATE = "report.typ"
WIDTH = 350  # of a chart for one column, so that its letters come out at eight points
RING_MARGIN = 24  # points, for texts outside of the rings
NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # the same study gives the same bytes


def write_paper(
    facts: Facts, out: Path, *, title: str | None = None, author: str | None = None
) -> Path:
    """Write ``report.pdf`` of a study as far as it has come.

    Args:
        facts: of the study.
        out: the folder to write into.
        title: instead of the paper's own.
        author: who hands it in, under the title.

    Raises:
        MissingExtra: Typst is not installed.
    """
    need_typst()
    made = paper(facts)
    made = replace(made, title=shown(title or made.title), author=shown(author or made.author))
    write_bytes(out / PDF, typeset(made, "pdf")[0])
    return out / PDF


def need_typst() -> None:
    """Raise `MissingExtra` before any work is done for a PDF that cannot be set."""
    if typst is None:
        raise MissingExtra("typst", extra="pdf")


def typeset(text: Paper, form: Literal["pdf", "png"], *, ppi: float = 110) -> list[bytes]:
    """The paper as one PDF, or as one PNG a page."""
    need_typst()
    with tempfile.TemporaryDirectory(prefix="tunewise-") as name:
        folder = Path(name)
        (folder / TEMPLATE).write_bytes((TEMPLATES / TEMPLATE).read_bytes())
        (folder / "figures").mkdir()
        for figure in text.figures:
            spec = copy.deepcopy(figure.spec)
            if "facet" in spec:  # in one row: two may be taller than a page's tables leave room
                spec |= {"columns": len(spec["facet"]["sort"]), "padding": RING_MARGIN}
            else:  # as wide as a column
                spec |= {"width": WIDTH, "autosize": {"type": "fit-x", "contains": "padding"}}
            spec["config"] = {**THEMES["light"], "background": "white", "font": "sans-serif"}
            drawn = vl_convert.vegalite_to_pdf(spec, vl_version=vega_version())
            (folder / "figures" / f"{figure.key}.pdf").write_bytes(drawn)
        made = typst.compile(
            str(folder / TEMPLATE),
            root=name,
            format=form,
            ppi=ppi,
            sys_inputs={"paper": json.dumps(text.plain())},
            ignore_system_fonts=True,
            timestamp=NO_TIME,
        )
    return made if isinstance(made, list) else [made]
