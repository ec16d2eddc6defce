"""What results look like in a notebook: blocks of the report as the HTML of one cell.

A cell runs no script and loads nothing; texts from data are escaped as on the page. Charts are
objects of Altair that show themselves as SVG.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

from tunewise.analysis.compare import Contest
from tunewise.analysis.facts import Facts
from tunewise.analysis.results import Results
from tunewise.analysis.verdict.verdict import Verdict
from tunewise.core.sanitize import shown
from tunewise.reports.document.html import blocks_html
from tunewise.reports.document.model import (
    PAGE,
    Block,
    Paragraph,
    Section,
    Table,
    figures,
    sections_for,
)
from tunewise.reports.document.palette import THEMES
from tunewise.reports.outputs.compare import contest_blocks
from tunewise.reports.outputs.documents import every_section
from tunewise.reports.outputs.page import vega_version
from tunewise.reports.sections import results as results_section
from tunewise.reports.sections import verdict as verdict_section
from tunewise.reports.sections.cells import ARTIFACT, PEAK

CSS = Path(__file__).parent / "templates" / "notebook.css"


def cell(title: str, blocks: Iterable[Block | None]) -> str:
    """Blocks one below the other, with their style, as a notebook shows them."""
    made = Section.of("cell", title, blocks)
    heading = Markup("<h3>{}</h3>\n").format(shown(title)) if title else Markup("")
    return str(
        Markup('<style>{}</style><div class="tunewise">{}{}</div>').format(
            Markup(CSS.read_text(encoding="utf-8")),
            heading,
            blocks_html(made.blocks if made else ()),
        )
    )


def study_cell(facts: Facts) -> str:
    """The verdict and the table of scores."""
    verdict = verdict_section.section(facts)
    table = _narrowed(results_section.scores_table(facts))
    blocks = verdict.blocks if verdict else ()
    unlinked = [  # links would lead nowhere in a cell
        replace(block, link="") if isinstance(block, Paragraph) else block for block in blocks
    ]
    return cell(facts.evidence.name, [*unlinked, table])


def verdict_cell(verdict: Verdict) -> str:
    """The verdict alone."""
    texts = [
        Paragraph(verdict.headline, style="headline"),
        *(Paragraph(text, style="claim") for text in verdict.certainty),
        *(Paragraph(note, style="note") for note in verdict.notes),
        *(Paragraph(text or "") for text in (verdict.cost, verdict.fairness, verdict.outlook)),
        Paragraph(verdict.within.says if verdict.within else "", style="strong"),
    ]
    return cell("", texts)


def results_cell(results: Results) -> str:
    """A row for each contender."""
    table = results_section.table_of(results, finished=results.finished, costs=True)
    return cell("", [_narrowed(table)])


def contest_cell(found: Contest) -> str:
    """Two contenders side by side, with the first examples on which they differ."""
    blocks = list(contest_blocks(found))
    if len(found.differing) > 1:
        says = f"The attribute differing holds all {len(found.differing):,} of them."
        blocks.append(Paragraph(says, style="about"))
    return cell("", blocks)


class Offline:
    """A chart of Altair that a notebook shows as SVG, until somebody chooses a renderer.

    Altair's own default loads scripts from the web, and shows an error where there is none. After
    ``altair.renderers.enable("html")`` it draws this chart too.
    """

    def _repr_mimebundle_(self: Any, *args: Any, **options: Any) -> Any:
        if alt.renderers.active != "default":
            return super()._repr_mimebundle_(*args, **options)  # type: ignore[misc]  # of the chart
        svg = vl_convert.vegalite_to_svg(self.to_dict(), vl_version=vega_version())
        return {"image/svg+xml": svg, "text/plain": repr(self)}


def charts(facts: Facts) -> dict[str, Any]:
    """Every chart of the report by its name, as objects of Altair."""
    config = {**THEMES["light"], "background": "white"}  # its ink is for a light ground
    drawn = {}
    for one in figures(sections_for(every_section(facts), "html")):
        spec = {**one.spec, "config": config}
        kind = type(alt.Chart.from_dict(spec))  # a layer, a row, ...
        offline: Any = type(kind.__name__, (Offline, kind), {})
        drawn[one.key] = offline.from_dict(spec, validate=False)
    return drawn


def _narrowed(table: Table) -> Table:
    """Without what a cell has no room for: validation scores and sizes, which `to_frame` has."""
    left_out = (", validation", PEAK.title, ARTIFACT.title)
    columns = (
        replace(column, outputs=column.outputs - PAGE)
        if column.title.endswith(left_out)
        else column
        for column in table.columns
    )
    return replace(table, columns=tuple(columns))
