"""Writing the report of a study: one call, every file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import vl_convert

from tunewise.core.files import write_bytes, write_text
from tunewise.reports.charts.all import charts
from tunewise.reports.charts.drawing import Chart
from tunewise.reports.charts.palette import THEMES
from tunewise.reports.document import Table
from tunewise.reports.facts.evidence import Evidence, gather
from tunewise.reports.facts.generated_answers import decoded, failures
from tunewise.reports.facts.page import page
from tunewise.reports.facts.prompts.forms import forms_table
from tunewise.reports.facts.prompts.side_by_side import prompting, side_by_side
from tunewise.reports.facts.results import Results, results_of
from tunewise.reports.facts.verdict.verdict import verdict
from tunewise.reports.outputs.answers_file import write_predictions
from tunewise.reports.outputs.html import html, vega_version
from tunewise.reports.outputs.record import record
from tunewise.reports.outputs.remove_stale import remove_stale
from tunewise.reports.outputs.tables import as_csv, as_latex, tables
from tunewise.reports.sections.more_tables import more_tables
from tunewise.reports.sections.written_tables import decoding, wrong_answers
from tunewise.store.study import StudyFolder

PAGE = "index.html"
RESULTS = "evaluation_results.json"
PIXELS = 2.0  # of a PNG for each point of its SVG


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
    out = out or folder.path / "report"
    evidence = gather(folder)
    results = results_of(evidence)
    judged = verdict(evidence, results)
    drawings = charts(evidence, results)
    write_json_ascii(out / RESULTS, record(evidence, results, judged))
    written = write_tables(every_table(evidence, results), out, ("csv", "tex"))
    written += write_predictions(evidence, out)
    for chart in drawings:
        write_plot(out / "plots", chart)
        written += [out / "plots" / f"{chart.key}.{ending}" for ending in ("svg", "png")]
    remove_stale(out, written)
    write_text(out / PAGE, html(evidence, results, judged, drawings))
    return out / PAGE


def write_latex(folder: StudyFolder, out: Path | None = None) -> Path:
    """Write the tables of a study as LaTeX alone; return their folder."""
    out = out or folder.path / "report"
    evidence = gather(folder)
    results = results_of(evidence)
    write_tables(every_table(evidence, results), out, ("tex",))
    return out / "tables"


def every_table(evidence: Evidence, results: Results) -> list[Table]:
    """All tables; those of written answers only where there are any."""
    asked = side_by_side(evidence)
    own = (
        *(decoding(decoded(evidence)), wrong_answers(failures(evidence))),
        *(prompting(asked), forms_table(asked)),
    )
    return [
        *tables(results, page(evidence, results)),
        *more_tables(evidence, results),
        *(table for table in own if table.rows),
    ]


def write_tables(made: Sequence[Table], out: Path, forms: Sequence[str]) -> list[Path]:
    """Write tables into ``tables``, in each of the forms, and return the files."""
    written = []
    for table in made:
        for form in forms:
            text = as_csv(table) if form == "csv" else as_latex(table)
            written.append(out / "tables" / f"{table.key}.{form}")
            write_text(written[-1], text)
    return written


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
