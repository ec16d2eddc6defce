"""The tables of a report as rows of plain cells, and as CSV and LaTeX."""

from __future__ import annotations

import csv
import io
import re

from tunewise.core.sanitize import shown
from tunewise.reports.document import Cell, Table
from tunewise.reports.facts.page import Page
from tunewise.reports.facts.results import Results

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs text that begins so
LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
    "|": r"\textbar{}",
    # Behind the \\ of the row above, and behind \midrule, these would be arguments.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "`": r"\textasciigrave{}",
}
_LIGATURE = re.compile(r"([-',])(?=\1)")  # two in a row would become one sign


def tables(results: Results, page: Page) -> list[Table]:
    """Every table of the report; one without rows is written too, over an earlier one."""
    return [
        scores(results),
        differences(results),
        labels(page),
        failures(page),
        trials(page),
    ]


def scores(results: Results) -> Table:
    """Each contender's metrics on both splits: mean, spread over seeds, interval over items."""
    places = [(split, metric) for split in ("validation", "test") for metric in results.metrics]
    parts = ("", " sd", " low", " high")
    columns = [f"{split} {metric}{part}" for split, metric in places for part in parts]
    rows = []
    for row in results.rows:
        cells: list[Cell] = [row.name, row.method, row.status, len(row.seeds)]
        for split, metric in places:
            spread = row.scores(split).get(metric)
            interval = row.intervals.get((split, metric))
            cells += [spread.mean, spread.sd] if spread else [None, None]
            cells += [interval.low, interval.high] if interval else [None, None]
        rows.append(tuple(cells))
    header = ("contender", "method", "status", "seeds", *columns)
    title = "Scores: means over seeds, 95 % intervals over items"
    return Table("scores", title, header, tuple(rows))


def differences(results: Results) -> Table:
    """Each contender minus the best, with both claims."""
    rows: list[tuple[Cell, ...]] = []
    for row in results.rows:
        pair = row.to_best
        if pair is None:
            continue
        cells: list[Cell] = [row.name, pair.other, pair.difference]
        for claim in (pair.items, pair.method):
            cells += [*claim.interval] if claim.interval else [None, None]
            cells.append(claim.p_adjusted)
        rows.append((*cells, row.standing))
    header = (
        "contender",
        "best",
        "difference",
        "items low",
        "items high",
        "items p",
        "method low",
        "method high",
        "method p",
        "standing",
    )
    return Table("differences", "Differences to the best", header, tuple(rows))


def labels(page: Page) -> Table:
    """How often each label occurs in each split."""
    header = ("label", *(name for name, _ in page.splits))
    rows: list[tuple[Cell, ...]] = [(row.label, *row.counts) for row in page.label_counts]
    return Table("labels", "Labels by split", header, tuple(rows))


def failures(page: Page) -> Table:
    """Trials that did not end well."""
    header = ("trial", "contender", "point", "seed", "status", "error")
    rows = tuple(
        (trial.id, trial.contender, trial.point, trial.seed, trial.status, trial.error)
        for trial in page.failed
    )
    return Table("failures", "Failed trials", header, rows)


def trials(page: Page) -> Table:
    """The ids of the trials that count, contender by contender."""
    rows = tuple((row.name, id) for row, ids in page.trials for id in ids)
    return Table("trials", "Trials that count", ("contender", "trial"), rows)


def as_csv(table: Table) -> str:
    """CSV in full precision. Text that a spreadsheet would run as a formula gets a ' in front.

    >>> print(as_csv(Table("t", "", ("name", "gap"), (("=1+1", -0.5),))), end="")
    name,gap
    '=1+1,-0.5
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (table.columns, *table.rows):
        writer.writerow([_guarded(cell) for cell in row])
    return text.getvalue()


def as_latex(table: Table) -> str:
    """A booktabs tabular, numbers with four significant digits."""
    places = range(len(table.columns))
    alignment = "".join("l" if _is_text(table, place) else "r" for place in places)
    lines = [
        rf"% {shown(table.title)}. Needs \usepackage{{booktabs}}.",
        rf"\begin{{tabular}}{{{alignment}}}",
        r"\toprule",
        " & ".join(_latex(column) for column in table.columns) + r" \\",
        r"\midrule",
        *(" & ".join(_latex_cell(cell) for cell in row) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _guarded(cell: Cell) -> Cell:
    """Numbers as they are; text without what could act in a spreadsheet or a terminal."""
    if not isinstance(cell, str):
        return cell
    text = shown(cell)
    return f"'{text}" if cell.startswith(FORMULA) or text.startswith(FORMULA) else text


def _is_text(table: Table, place: int) -> bool:
    return any(isinstance(row[place], str) for row in table.rows)


def _latex_cell(cell: Cell) -> str:
    if cell is None:
        return "--"
    if isinstance(cell, str):
        return _latex(cell)
    return f"{cell:.4g}" if isinstance(cell, float) else f"{cell:,}"


def _latex(text: str) -> str:
    r"""Text in which LaTeX sees no command.

    >>> print(_latex("f1_macro 5 %"))
    f1\_macro 5 \%
    """
    return _LIGATURE.sub(r"\1{}", "".join(LATEX.get(sign, sign) for sign in shown(text)))
