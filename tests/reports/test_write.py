from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.reports.conftest import Seen

from tunewise.reports.outputs.write import write_report

pytestmark = pytest.mark.usefixtures("true_drawings")


@pytest.fixture(scope="module")
def written(true_drawings: None, rooms: Seen) -> Path:
    return write_report(rooms.folder)


def test_the_report_lies_in_the_study_folder_with_all_its_parts(written: Path, rooms: Seen) -> None:
    report = rooms.folder.path / "report"
    assert written == report / "index.html"
    names = {path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file()}
    assert {
        "index.html",
        "evaluation_results.json",
        "predictions/test.csv",
        "tables/scores.csv",
        "tables/scores.tex",
    } <= names
    drawings = {name for name in names if name.startswith("plots/")}
    assert len(drawings) == 30
    assert all(name.replace(".svg", ".png") in drawings for name in drawings)


def test_the_plots_are_what_their_names_say(written: Path) -> None:
    plots = written.parent / "plots"
    for path in plots.glob("*.svg"):
        assert path.read_text().startswith("<svg")
    for path in plots.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_the_results_file_is_the_record(written: Path) -> None:
    content = json.loads((written.parent / "evaluation_results.json").read_text())
    assert content["contenders"][0]["name"] == "full"


def test_writing_again_gives_the_same_bytes(written: Path, rooms: Seen, tmp_path: Path) -> None:
    again = write_report(rooms.folder, tmp_path / "again")
    for name in ("index.html", "evaluation_results.json", "tables/scores.csv"):
        assert (written.parent / name).read_bytes() == (again.parent / name).read_bytes()


def test_hostile_data_name_no_file_and_leave_csv_harmless(hostile: Seen, tmp_path: Path) -> None:
    before = set(hostile.folder.path.rglob("*"))
    page = write_report(hostile.folder, tmp_path / "deep" / "report")
    new = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert set(hostile.folder.path.rglob("*")) == before
    assert all(page.parent in path.parents for path in new)
    assert all(
        path.name.replace("-", "").replace("_", "").replace(".", "").isalnum() for path in new
    )
    for path in (page.parent / "tables").glob("*.csv"):
        with path.open(newline="") as file:
            for cell in (cell for row in csv.reader(file) for cell in row):
                assert not cell.startswith(("=", "+", "@", "\t", "\r"))
                assert not cell.startswith("-") or cell.lstrip("-")[0].isdigit()


def test_reports_leave_torch_alone() -> None:
    code = (
        "import pkgutil, sys, importlib, tunewise.reports as r\n"
        "[importlib.import_module(f'tunewise.reports.{m.name}')"
        " for m in pkgutil.iter_modules(r.__path__)]\n"
        "wrong = [m for m in ('torch', 'transformers', 'peft', 'datasets') if m in sys.modules]\n"
        "sys.exit(', '.join(wrong) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
