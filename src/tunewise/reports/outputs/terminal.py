"""The verdict and the table in the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tunewise.core.format import count, duration, percent, points, probability
from tunewise.core.sanitize import shown
from tunewise.reports.facts.results import Results, Row
from tunewise.reports.facts.verdict.verdict import Verdict
from tunewise.reports.facts.wording import metric_name

KEY = "± over seeds; 95 % over items; gap in points to the best; p corrected by Holm."


def print_verdict(results: Results, verdict: Verdict, console: Console) -> None:
    """Print the verdict, then the table and how to read it."""
    console.print(verdict_text(verdict))
    console.print(results_table(results))
    console.print(Text(KEY, style="dim"))


def verdict_text(verdict: Verdict) -> RenderableType:
    """The verdict as paragraphs: what, how sure, at what cost, and what to mind."""
    parts: list[RenderableType] = [Text(shown(verdict.headline), style="bold")]
    sure = [*verdict.certainty, verdict.outlook, verdict.cost]
    parts += [Padding(Text(shown(text)), (1, 0, 0, 2)) for text in sure if text]
    parts += [
        Padding(Text(f"! {shown(note)}", style="yellow"), (1, 0, 0, 2)) for note in verdict.notes
    ]
    if verdict.within:
        parts.append(Padding(Text(shown(verdict.within.says), style="bold"), (1, 0, 0, 2)))
    parts.append(Padding(Text(shown(verdict.fairness)), (1, 0, 0, 2)))
    return Padding(Group(*parts), (1, 0))


def results_table(results: Results) -> Table:
    """One line a contender; fits 80 columns. Everything from data is text, never markup."""
    table = Table(
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        title=f"{metric_name(results.metric)}, {results.items:,} {results.split} items, percent",
        title_justify="left",
        title_style="",
    )
    table.add_column("contender", overflow="fold", min_width=12)
    for name in ("mean", "95 %", "gap", "p", "trained", "a trial"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in results.rows:
        table.add_row(*_cells(row, results), style="bold" if row.standing == "best" else "")
    return table


def _cells(row: Row, results: Results) -> list[Text]:
    spread = row.scores(results.split).get(results.metric)
    interval = row.intervals.get((results.split, results.metric))
    pair = row.to_best
    claim = pair.deciding if pair else None
    mean = percent(spread.mean) if spread else "–"
    if spread and spread.sd is not None:
        mean += f" ± {percent(spread.sd)}"
    name = shown(row.name)
    if row.standing in {"tied", "behind-as-trained"}:
        name += f" ({row.standing})"
    if row.status != "done":
        name += f" ({row.status})"
    cells = [
        name,
        mean,
        f"{percent(interval.low)}–{percent(interval.high)}" if interval else "",
        points(pair.difference) if pair else "",
        probability(claim.p_adjusted) if claim else "",
        count(row.parameters.trainable) if row.parameters else "–",
        duration(row.measured.seconds),
    ]
    return [Text(cell) for cell in cells]
