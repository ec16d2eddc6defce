"""One contract: every section of every invented study in every output, hostile texts included.

And a section of one file appears in all outputs that it is meant for.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.reports.conftest import Seen, hostile_plan, look
from tests.reports.fabricate import Plan, without
from tests.reports.test_hostile import CONTROL

from tunewise.analysis.facts import Facts
from tunewise.reports import sections as room
from tunewise.reports.document.csv import as_csv
from tunewise.reports.document.html import section_html
from tunewise.reports.document.latex import as_latex
from tunewise.reports.document.markdown import as_markdown
from tunewise.reports.document.model import (
    FILES,
    Column,
    Equation,
    Named,
    Output,
    Section,
    Table,
    each,
    tables,
)
from tunewise.reports.document.terminal import print_sections
from tunewise.reports.document.typst import typst_sections
from tunewise.reports.outputs import documents
from tunewise.reports.outputs.documents import every_section, found_sections
from tunewise.reports.outputs.pdf import write_paper
from tunewise.reports.outputs.terminal import print_report
from tunewise.reports.outputs.write import write_report

SMALL = Plan(seeds=(0, 1), test=60, validation=40, epochs=2)
PLANS = {
    "whole": replace(SMALL, slices=("length", "kind")),
    "hostile": replace(hostile_plan(), test=70, validation=40),
    "one seed": replace(SMALL, seeds=(0,), has_test=False),
    "few": without(SMALL, "majority", "tfidf", "head"),
    "not run": replace(SMALL, ran=False),
}
TEXTS: tuple[Output, ...] = ("html", "pdf", "terminal", "md")


@pytest.fixture(scope="module", params=PLANS)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return look(tmp_path_factory.mktemp("study") / "s", PLANS[request.param])


def in_terminal(section: Section, width: int = 80) -> str:
    file = io.StringIO()
    print_sections([section], Console(file=file, width=width, force_terminal=False))
    return file.getvalue()


def rendered(section: Section, output: Output) -> str:
    """What of a section stands in an output; empty where nothing does."""
    part = section.for_output(output)
    if part is None:
        return ""
    match output:
        case "html":
            return str(section_html(part))
        case "pdf":
            return json.dumps(typst_sections([part]), ensure_ascii=False)
        case "md":
            return as_markdown(part)
    return in_terminal(part)


def test_every_section_goes_through_every_renderer(seen: Seen) -> None:
    for section in seen.sections:
        for output in TEXTS:
            text = rendered(section, output)
            assert not CONTROL.search(text.replace("\n", "")), (section.key, output)
            assert "None" not in text.replace("None of", "").split(), (section.key, output)
        assert max(map(cell_len, rendered(section, "terminal").split("\n"))) <= 80


def test_every_table_has_a_cell_for_every_column_in_every_output(seen: Seen) -> None:
    for section in seen.sections:
        for block in each(section.blocks):
            if isinstance(block, Table):
                assert all(len(row) == len(block.columns) for row in block.rows), block.key
                assert block.columns_of("csv") or not block.outputs & FILES, block.key
                keys = [column.key for column in block.columns_of("csv")]
                assert block.key == "settings" or len(keys) == len(set(keys)), block.key


def test_files_hold_one_row_for_each_and_no_formula(seen: Seen) -> None:
    for table in tables(seen.sections):
        lines = as_csv(table).split("\n")
        assert len(lines) == len(table.rows) + 2, table.key
        assert not any(line.startswith(("=", "+", "@")) for line in lines)
        assert as_latex(table).count(r" \\") == len(table.rows) + 1


def test_tables_have_names_of_their_own(seen: Seen) -> None:
    keys = [table.key for table in tables(seen.sections)]
    assert len(keys) == len(set(keys))


def test_every_section_is_named_in_an_order_or_stands_behind(seen: Seen) -> None:
    named = {*documents.PAGE_ORDER, *documents.PAPER_ORDER, *documents.TERMINAL_ORDER}
    assert {*named, *documents.LAST} == set(found_sections())
    assert [section.key for section in seen.sections].count("study") == 1


@pytest.fixture
def hello(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """One more file in the folder of sections."""
    file = tmp_path / "sections" / "hello.py"
    file.parent.mkdir()
    file.write_text(
        "from tunewise.reports.document.model import Column, Paragraph, Section, Table\n\n\n"
        "def section(facts):\n"
        "    columns = (Column('Word', 'word', number=False), Column('Letters', 'letters'))\n"
        "    table = Table('hello', 'Greetings', columns, (('bonjour', 7),))\n"
        "    return Section.of('hello', 'Hello', [Paragraph('Good morning.'), table])\n"
    )
    monkeypatch.setattr(room, "__path__", [*room.__path__, str(file.parent)])
    yield
    sys.modules.pop(f"{room.__name__}.hello", None)


@pytest.mark.usefixtures("hello")
def test_a_section_in_one_file_appears_in_every_output(tmp_path: Path) -> None:
    folder = look(tmp_path / "s", replace(SMALL, seeds=(0,), epochs=1)).folder
    page = write_report(folder, tmp_path / "out").read_text()
    assert 'href="#hello"' in page and "Good morning." in page and "bonjour" in page
    assert (tmp_path / "out" / "tables" / "hello.csv").read_text() == "word,letters\nbonjour,7\n"
    assert "bonjour & 7" in (tmp_path / "out" / "tables" / "hello.tex").read_text()
    file = io.StringIO()
    print_report(Facts.of(folder), Console(file=file, width=80))
    assert "Good morning." in file.getvalue() and "bonjour" in file.getvalue()
    pytest.importorskip("typst")
    text = json.dumps(Seen(folder, Facts.of(folder)).paper.plain())
    assert "Good morning." in text and "bonjour" in text
    assert write_paper(Facts.of(folder), tmp_path / "out").read_bytes().startswith(b"%PDF")


def test_a_name_is_a_name_in_files_and_a_color_on_the_page() -> None:
    table = Table("t", "T", (Column("Who", "who"),), ((Named("<b>", 1),),))
    assert as_csv(table) == "who\n<b>\n"
    html = str(section_html(Section("s", "S", (table,))))
    assert "&lt;b&gt;" in html and "<b>" not in html and "--light" in html


def test_a_block_that_an_output_does_not_know_is_an_error() -> None:
    with pytest.raises(TypeError, match="a page has no Equation"):
        section_html(Section("s", "S", (Equation("step-costs"),)))


def test_facts_are_computed_once(seen: Seen) -> None:
    facts = Facts(seen.evidence)
    every_section(facts)
    paper = facts.for_paper()
    for name in ("results", "verdict", "comparability", "effects", "sliced", "disagreements"):
        assert getattr(facts, name) is getattr(paper, name), name
