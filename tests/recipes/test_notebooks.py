"""Every notebook among the recipes runs from its first cell to its last.

Without Jupyter each cell is a piece of Python; where nbclient and ipykernel are installed, the
notebook also runs in a kernel, which is sent what a reader sees.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import re
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
    assert results.best.predict(["a splendid bed"]) == ["very positive"]
    chances = results.best.predict_proba(["cold and loud"])[0]
    assert set(chances) == labels
    assert sum(chances.values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_kernel_shows_progress_tables_and_charts_and_loads_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("ipykernel", "nbclient", "nbformat"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'tunewise[notebook]'")
    nbformat, nbclient = map(importlib.import_module, ("nbformat", "nbclient"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    drawn: list[str] = []

    class Client(nbclient.NotebookClient):  # type: ignore[misc, name-defined]  # may not be there
        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            if msg["msg_type"] in {"display_data", "update_display_data"}:
                drawn.append(msg["content"]["data"]["text/html"])
            return super().process_message(msg, cell, cell_index)

    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    Client(notebook, timeout=300, kernel_name="python3", resources=where).execute()
    assert any("0 of 3 trainings" in html for html in drawn)
    assert any("3 of 3 trainings, 3 of 3 tests" in html for html in drawn)
    shown = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    assert not [out for out in shown if out.output_type in {"error", "stream"}]
    kinds = {kind for out in shown for kind in out.data}
    assert {"text/html", "image/svg+xml"} <= kinds
    # A cell that has been drawn asks nothing of the web.
    text = "".join(
        out.data.get("text/html", "") + out.data.get("image/svg+xml", "") for out in shown
    )
    assert "<script" not in text
    assert not re.search(r"""(src|href)=["']?https?:""", text)
