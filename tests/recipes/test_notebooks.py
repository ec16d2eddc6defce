"""Every notebook among the recipes runs from its first cell to its last, without Jupyter."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.commands import KeptWorker

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "recipes").glob("*.ipynb"))


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does: the value of its last expression is what it shows."""
    *before, last = ast.parse(source).body
    for statement in before:
        exec(compile(ast.Module([statement], []), "<cell>", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    exec(compile(ast.Module([last], []), "<cell>", "exec"), names)
    return None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_every_result_shows_itself(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_worker: KeptWorker
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    with kept_worker.takes_studies():
        for cell in notebook["cells"]:
            if cell["cell_type"] != "code":
                continue
            assert cell["outputs"] == [], "a notebook is kept without its outputs"
            shown = run_cell("".join(cell["source"]), names)
            if shown is not None and not isinstance(shown, (list, pd.DataFrame)):
                assert getattr(shown, "_repr_html_", None) or hasattr(shown, "_repr_mimebundle_")
    results = names["results"]
    assert results.verdict.finished
    labels = set(results.evidence.labels)
    assert {*results.best.predict(["cold and loud", "a splendid bed"])} <= labels
    chances = results.best.predict_proba(["cold and loud"])[0]
    assert set(chances) == labels
    assert sum(chances.values()) == pytest.approx(1, abs=1e-5)
