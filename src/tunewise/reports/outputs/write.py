"""Writing the report of a study: one call, every file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import vl_convert

from tunewise.analysis.facts import Facts
from tunewise.core.files import write_bytes, write_text
from tunewise.reports.document.csv import as_csv
from tunewise.reports.document.latex import as_latex
from tunewise.reports.document.model import Figure, Table, figures, tables
from tunewise.reports.document.palette import THEMES
from tunewise.reports.outputs.answers_file import write_predictions
from tunewise.reports.outputs.documents import every_section
from tunewise.reports.outputs.page import page, vega_version
from tunewise.reports.outputs.record import record
from tunewise.reports.outputs.remove_stale import remove_stale
from tunewise.store.study import StudyFolder

PAGE = "index.html"
RESULTS = "evaluation_results.json"
PIXELS = 2.0  # of a PNG for each point of its SVG
DRAWN = 64  # charts kept, some 10 MB
FORMS = {"csv": as_csv, "tex": as_latex}


def write_report(folder: StudyFolder, out: Path | None = None) -> Path:
    """Write the report of a study as far as it has come, over an earlier one.

    Files: ``index.html``, ``evaluation_results.json``, ``tables/*.csv`` and ``*.tex``,
    ``plots/*.svg`` and ``*.png``, ``predictions/<split>.csv``. Their names come from us, never
    from the data.

    Args:
        folder: the study.
        out: where to write; ``report`` in the study folder if not given.

    Returns:
        The HTML page.
    """
    return write_page(Facts.of(folder), out or folder.path / "report")


def write_page(facts: Facts, out: Path) -> Path:
    """Write the report of these facts; see `write_report`."""
    sections = every_section(facts)
    write_json_ascii(out / RESULTS, record(facts))
    written = write_tables(tables(sections), out, ("csv", "tex"))
    written += write_predictions(facts.evidence, out)
    written += write_plots(figures(sections), out)
    remove_stale(out, written)
    write_text(out / PAGE, page(facts, sections))
    return out / PAGE


def write_latex(facts: Facts, out: Path) -> Path:
    """Write the tables of these facts as LaTeX alone; return their folder."""
    write_tables(tables(every_section(facts)), out, ("tex",))
    return out / "tables"


def write_tables(made: Sequence[Table], out: Path, forms: Sequence[str]) -> list[Path]:
    """Write tables into ``tables``, in each of the forms, and return the files."""
    written = []
    for table in made:
        for form in forms:
            written.append(out / "tables" / f"{table.key}.{form}")
            write_text(written[-1], FORMS[form](table))
    return written


def write_json_ascii(path: Path, value: object) -> None:
    """JSON in which other signs than ASCII are escaped, so that any text survives, even broken."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_plots(drawn: Sequence[Figure], out: Path) -> list[Path]:
    """Write figures into ``plots``, as vectors and as pixels, and return the files."""
    return [path for figure in drawn for path in write_plot(out / "plots", figure)]


def write_plot(folder: Path, figure: Figure) -> list[Path]:
    """The chart in the light look on white, as SVG and as PNG."""
    spec = {**figure.spec, "config": {**THEMES["light"], "background": "white"}}
    if figure.title:
        spec["title"] = {"text": figure.title, "anchor": "start", "offset": 12}
    drawn, pixels = _drawn(json.dumps(spec))
    vectors, raster = (folder / f"{figure.key}.{ending}" for ending in ("svg", "png"))
    write_text(vectors, drawn)
    write_bytes(raster, pixels)
    return [vectors, raster]


@lru_cache(maxsize=DRAWN)
def _drawn(spec: str) -> tuple[str, bytes]:
    """A chart as SVG and PNG; of a report that is written again, only what changed is drawn."""
    svg: str = vl_convert.vegalite_to_svg(json.loads(spec), vl_version=vega_version())
    return svg, vl_convert.svg_to_png(svg, scale=PIXELS)
