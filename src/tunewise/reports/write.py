"""Writing the report of a study: one call, every file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import vl_convert

from tunewise.core.files import write_bytes, write_text
from tunewise.reports.charts import charts
from tunewise.reports.drawing import Chart
from tunewise.reports.evidence import gather
from tunewise.reports.html import html, vega_version
from tunewise.reports.page import page
from tunewise.reports.palette import THEMES
from tunewise.reports.prompting import prompting
from tunewise.reports.record import record
from tunewise.reports.results import results_of
from tunewise.reports.tables import Table, as_csv, as_latex, tables
from tunewise.reports.verdict import verdict
from tunewise.reports.written import decoded, failures
from tunewise.reports.written_tables import decoding, wrong_answers
from tunewise.store.study import StudyFolder

PAGE = "index.html"
RESULTS = "evaluation_results.json"
PIXELS = 2.0  # of a PNG for each point of its SVG


def write_report(folder: StudyFolder, out: Path | None = None) -> Path:
    """Write the report of a study as far as it has come, over an earlier one.

    Files: ``index.html``, ``evaluation_results.json``, ``tables/*.csv`` and ``*.tex``,
    ``plots/*.svg`` and ``*.png``. Their names come from us, never from the data.

    Args:
        folder: the study.
        out: where to write; ``report`` in the study folder if not given.

    Returns:
        The HTML page.
    """
    out = out or folder.path / "report"
    evidence = gather(folder)
    results = results_of(evidence)
    judged = verdict(evidence, results)
    drawings = charts(evidence, results)
    write_json_ascii(out / RESULTS, record(evidence, results, judged))
    written = (decoding(decoded(evidence)), wrong_answers(failures(evidence)), prompting(evidence))
    own = [table for table in written if table.rows]
    write_tables([*tables(results, page(evidence, results)), *own], out, ("csv", "tex"))
    for chart in drawings:
        write_plot(out / "plots", chart)
    write_text(out / PAGE, html(evidence, results, judged, drawings))
    return out / PAGE


def write_latex(folder: StudyFolder, out: Path | None = None) -> Path:
    """Write the tables of a study as LaTeX alone; return their folder."""
    out = out or folder.path / "report"
    evidence = gather(folder)
    results = results_of(evidence)
    return write_tables(tables(results, page(evidence, results)), out, ("tex",))


def write_tables(made: Sequence[Table], out: Path, forms: Sequence[str]) -> Path:
    """Write tables into ``tables``, in each of the forms, and return that folder."""
    for table in made:
        for form in forms:
            text = as_csv(table) if form == "csv" else as_latex(table)
            write_text(out / "tables" / f"{table.key}.{form}", text)
    return out / "tables"


def write_json_ascii(path: Path, value: object) -> None:
    """JSON in which other signs than ASCII are escaped, so that any text survives, even broken."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_plot(folder: Path, chart: Chart) -> None:
    """The chart in the light look on white, as vectors and as pixels."""
    spec = {**chart.spec, "config": {**THEMES["light"], "background": "white"}}
    if chart.title:
        spec["title"] = {"text": chart.title, "anchor": "start", "offset": 12}
    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version=vega_version())
    write_text(folder / f"{chart.key}.svg", drawn)
    write_bytes(folder / f"{chart.key}.png", vl_convert.svg_to_png(drawn, scale=PIXELS))
