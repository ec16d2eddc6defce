"""Sixty hostile texts in every form a report takes: each stays text, and stays where it belongs."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.reports.conftest import Seen
from tests.reports.fabricate_written import WrittenPlan, fabricate_written
from tests.reports.hostile import HOSTILE
from tests.reports.test_html import parsed

from tunewise.analysis.compare import contest
from tunewise.analysis.facts import Facts
from tunewise.analysis.gather import gather
from tunewise.core.sanitize import shown
from tunewise.reports.document.csv import as_csv
from tunewise.reports.document.latex import LATEX, as_latex
from tunewise.reports.document.markdown import plain
from tunewise.reports.document.model import (
    Bullet,
    Bullets,
    Column,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.outputs.compare import print_contest
from tunewise.reports.outputs.dashboard import Board
from tunewise.reports.outputs.paper import Paper
from tunewise.reports.outputs.pdf import typeset
from tunewise.reports.outputs.submission import _code, _folder_name
from tunewise.store.study import StudyFolder

ACTIVE = {"img", "iframe", "object", "embed", "form", "base", "link", "math", "input"}
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Written answers: hostile questions, contexts, right answers, question words, and replies."""
    plan = WrittenPlan(
        name=HOSTILE[0],
        ranks=(4,),
        targets=(("attention",),),
        rates=(1e-4,),
        seeds=(0,),
        epochs=2,
        validation=10,
        test=len(HOSTILE) + 10,
        decoding=("greedy", "top-k 10"),
        samples=2,
        texts=HOSTILE,
    )
    folder = StudyFolder.open(fabricate_written(tmp_path_factory.mktemp("hostile") / "s", plan))
    evidence = gather(folder)
    return Seen(folder, Facts(evidence))


def test_latex_sees_no_command_of_the_data() -> None:
    table = Table.of_files("t", "title", ("text",), ((text,) for text in HOSTILE))
    lines = as_latex(table).splitlines()
    cells = [line.removesuffix(r" \\") for line in lines[5:-2]]
    assert len(cells) == len(HOSTILE)
    for cell in cells:
        left = cell
        for known in sorted((*LATEX.values(), "{}"), key=len, reverse=True):
            left = left.replace(known, "")
        assert not set(left) & set('\\{}$&#%_^~<>"[]*'), cell


def test_a_spreadsheet_runs_nothing_and_a_reader_gets_every_row() -> None:
    rows_of = ((one, -0.5) for one in HOSTILE)
    text = as_csv(Table.of_files("t", "title", ("text", "gap"), rows_of))
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 1 + len(HOSTILE)
    for cell, number in rows[1:]:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert not CONTROL.search(cell)
        assert number == "-0.5"


def test_typst_sets_every_text_letter_by_letter() -> None:
    pytest.importorskip("typst")
    rows = tuple((str(n), text) for n, text in enumerate(HOSTILE[:57]))
    blocks = (
        Bullets(tuple(map(Bullet, HOSTILE[:-1]))),
        Table("t", "texts", (Column("#"), Column("text", wraps=True)), rows),
    )
    sections = (Section("s", HOSTILE[0], (Paragraph(HOSTILE[1], lead=HOSTILE[2]), *blocks)),)
    made = Paper(HOSTILE[-1], HOSTILE[-2], HOSTILE[-3], HOSTILE[:3], sections, HOSTILE[-4:])
    content = typeset(made, "pdf")[0]
    assert b"/JavaScript" not in content and b"/URI" not in content and b"/Launch" not in content
    if shutil.which("pdftotext") is None:
        return
    done = subprocess.run(
        ["pdftotext", "-raw", "-", "-"], input=content, capture_output=True, check=True
    )
    read = re.sub(r"[\s\u200b\u00ad-]", "", done.stdout.decode())
    readable = [t for t in HOSTILE if t.isascii() and t.isprintable() and 0 < len(t) < 60]
    assert len(readable) > 30
    for text in readable:
        assert re.sub(r"[\s-]", "", text) in read, text


def test_markdown_runs_nothing() -> None:
    for text in HOSTILE:
        code = _code(text)
        assert code.count("`") == 2 and code[0] == code[-1] == "`" and "\n" not in code
        bare = re.sub(r"\\.", "", plain(text))
        assert not set(bare) & set("`*_[]()<>#!|"), text


def test_folders_are_named_the_same_on_every_system() -> None:
    taken: set[str] = set()
    for text in HOSTILE:
        name = _folder_name(text, taken)
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}", name), (text, name)
        assert not name.endswith(".") and not DEVICES.fullmatch(name)
        assert name.lower() not in {one.lower() for one in taken}
        taken.add(name)


def test_a_comparison_prints_no_escape_and_keeps_to_eighty_columns(answers: Seen) -> None:
    first, second = (row.name for row in answers.results.rows[:2])
    file = io.StringIO()
    found = contest(answers.evidence, answers.results, first, second)
    print_contest(found, Console(file=file, width=80, force_terminal=False), everything=True)
    assert not CONTROL.search(file.getvalue().replace("\n", ""))
    assert max(map(cell_len, file.getvalue().split("\n"))) <= 80


def test_answers_stand_on_the_page_as_text(answers: Seen) -> None:
    tags = parsed(answers.html).tags
    assert not {tag for tag, _ in tags} & ACTIVE
    assert sum(tag == "script" for tag, _ in tags) == 3
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)
    before = answers.html.split('<script type="application/json"')[0]
    assert not CONTROL.search(before)
    assert shown(HOSTILE[0]).replace("<", "&lt;").replace(">", "&gt;") in before


def test_answers_stand_in_every_table_as_text(answers: Seen) -> None:
    for table in answers.tables.values():
        assert "\x1b" not in as_csv(table) and "\x1b" not in as_latex(table)


def test_answers_stand_in_the_paper_as_text(answers: Seen) -> None:
    pytest.importorskip("typst")
    assert len(typeset(answers.paper, "png", ppi=10)) >= 4


def test_a_board_shows_hostile_studies_as_text(answers: Seen, hostile: Seen) -> None:
    page = Board([answers.folder.path, hostile.folder.path]).page()
    tags = parsed(page).tags
    assert not {tag for tag, _ in tags} & ACTIVE
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)
    assert not CONTROL.search(page)


def test_reading_and_drawing_leave_no_file_behind(answers: Seen, tmp_path: Path) -> None:
    before = set(answers.folder.path.rglob("*"))
    assert answers.tables
    Board([answers.folder.path]).page()
    assert set(answers.folder.path.rglob("*")) == before
    assert not (Path.cwd() / "hacked").exists()
