"""Tables as LaTeX: a booktabs tabular, numbers with four significant digits."""

from __future__ import annotations

import re
from typing import Any

from tunewise.core.sanitize import shown
from tunewise.reports.document.model import Table

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


def as_latex(table: Table) -> str:
    """The table as a file of its own, for another document to include."""
    columns, rows = table.columns_of("tex"), table.values("tex")
    texts = [any(isinstance(row[n], str) for row in rows) for n in range(len(columns))]
    lines = [
        rf"% {shown(table.caption)}. Needs \usepackage{{booktabs}}.",
        rf"\begin{{tabular}}{{{''.join('l' if text else 'r' for text in texts)}}}",
        r"\toprule",
        " & ".join(latex(column.key or "") for column in columns) + r" \\",
        r"\midrule",
        *(" & ".join(_cell(value) for value in row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def latex(text: str) -> str:
    r"""Text in which LaTeX sees no command.

    >>> print(latex("f1_macro 5 %"))
    f1\_macro 5 \%
    """
    return _LIGATURE.sub(r"\1{}", "".join(LATEX.get(sign, sign) for sign in shown(text)))


def _cell(value: Any) -> str:
    if value is None:
        return "--"
    if isinstance(value, str):
        return latex(value)
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"
