from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Plan

from tunewise.core.errors import MissingExtra
from tunewise.reports.document import (
    Figure,
    Grid,
    Items,
    Paper,
    Paragraph,
    Section,
    breakable,
    numbered,
)
from tunewise.reports.facts.references import SOURCES, References
from tunewise.reports.outputs import pdf
from tunewise.reports.outputs.paper import paper
from tunewise.reports.outputs.pdf import typeset, write_pdf
from tunewise.reports.sections.figures import paper_charts

SWEEP = (*CONTENDERS, replace(CONTENDERS[3], name="lora rank=4", settings={"rank": 4}))
SMALL = Plan(seeds=(0, 1), test=120, validation=60, epochs=2)
MARKUP = (
    '#panic("run")',
    '#read("/etc/passwd")',
    '#import "/etc/passwd": *',
    "$ x^2 $ *bold* _it_ `raw` @nowhere <label>",
    "= Heading",
    "] #panic() [",
    '"); #panic("out of the string")',
    "\\u{0} \\ // comment",
    "/* open",
    "```",
)


def written(seen: Seen) -> Paper:
    drawings = paper_charts(seen.evidence, seen.results)
    return paper(seen.evidence, seen.results, seen.verdict, drawings)


def words(text: Paper) -> str:
    return json.dumps(text.plain(), ensure_ascii=False).replace("\u00a0", " ").replace("\u200b", "")


def titles(text: Paper) -> list[str]:
    return [section["title"] for section in text.plain()["sections"]]


def test_a_full_study_has_every_section_with_something_in_it(tmp_path: Path) -> None:
    text = written(look(tmp_path / "s", replace(SMALL, contenders=SWEEP)))
    assert titles(text) == [
        "Question",
        "Data",
        "Method and reasons",
        "Results",
        "Training dynamics",
        "Ablation",
        "Significance",
        "Failures and disagreements",
        "Cost",
        "Comparison with full fine-tuning",
        "Limits",
        "Repeating it",
    ]
    assert "Among 2 settings of lora" in words(text)


def test_a_study_without_results_leaves_their_sections_out(tmp_path: Path) -> None:
    text = written(look(tmp_path / "s", Plan(ran=False)))
    gone = {"Results", "Training dynamics", "Ablation", "Significance", "Cost"}
    assert gone.isdisjoint(titles(text))
    assert "No contender has a result yet" in text.abstract


def test_one_seed_and_no_test_split_are_said(tmp_path: Path) -> None:
    plan = Plan(seeds=(0,), has_test=False, contenders=CONTENDERS[:3])
    said = words(written(look(tmp_path / "s", plan)))
    assert "There is no test split" in said
    assert "One seed: nothing is said about the methods with other seeds." in said
    assert "Satterthwaite" not in said  # no such test was made
    assert "Comparison with full" not in said


def test_numbers_in_tables_are_those_of_the_results(rooms: Seen) -> None:
    sections = {section.title: section for section in written(rooms).sections}
    (grid,) = (b for b in sections["Results"].blocks if isinstance(b, Grid) and b.wide)
    for row, line in zip(rooms.results.rows, grid.rows, strict=True):
        assert line[0] == row.name
        assert line[2].startswith(f"{100 * row.test['accuracy'].mean:.1f}")
    beside = next(
        block
        for block in sections["Comparison with full fine-tuning"].blocks
        if isinstance(block, Grid)
    )
    lora = next(line for line in beside.rows if line[0] == "lora rank=16")
    assert lora[4] == f"{100 * 296_837 / 22_715_141:.2g} %"
    assert lora[7] == f"{100 * 1_190_000 / 90_860_000:.2g} %"


def test_every_source_that_is_cited_is_listed_and_no_other(rooms: Seen) -> None:
    text = written(rooms)
    said = words(replace(text, references=()))
    for number in range(1, len(text.references) + 1):
        assert f"[{number}]" in said
    assert f"[{len(text.references) + 1}]" not in said
    assert "BitFit" not in " ".join(text.references)  # no contender of that method


def test_references_are_numbered_by_first_use() -> None:
    refs = References()
    assert [refs("holm"), refs("lora"), refs("holm")] == ["[1]", "[2]", "[1]"]
    assert refs.listed == (SOURCES["holm"], SOURCES["lora"])
    with pytest.raises(KeyError):
        refs("nobody")


def test_the_first_paragraph_names_tables_and_figures() -> None:
    grid, drawn = Grid("c", "l", ("a",), ()), Figure("k", "c", "s")
    one, two = numbered(
        [Section("A", (Paragraph("x."), grid)), Section("B", (Paragraph("y."), grid, grid, drawn))]
    )
    assert isinstance(one.blocks[0], Paragraph) and isinstance(two.blocks[0], Paragraph)
    assert one.blocks[0].text == "x. See Table I."
    assert two.blocks[0].text == "y. See Tables II and III and Fig. 1."


def test_long_words_can_be_broken() -> None:
    assert max(map(len, breakable("W" * 500).split("\u200b"))) <= 25


def test_the_pdf_is_one_and_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("typst")
    folder = look(tmp_path / "s", replace(SMALL, contenders=CONTENDERS[:3])).folder
    path = write_pdf(folder, tmp_path)
    content = path.read_bytes()
    assert path == tmp_path / "report.pdf" and content.startswith(b"%PDF")
    assert write_pdf(folder, tmp_path / "again").read_bytes() == content


def test_hostile_data_are_set_letter_by_letter(hostile: Seen) -> None:
    pytest.importorskip("typst")
    drawings = paper_charts(hostile.evidence, hostile.results)
    assert len(typeset(written(hostile), drawings, "png", ppi=20)) >= 3


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_any_text_stays_text(text: str) -> None:
    pytest.importorskip("typst")
    blocks = (
        Paragraph(text, lead=text),
        Items((text,)),
        Grid(text, "lL", (text, text), ((text, text),)),
    )
    made = Paper(text, text, text, (text,), (Section(text, blocks),), (text,))
    assert len(typeset(made, [], "png", ppi=20)) == 1


def test_a_chart_is_a_vector_in_the_page(rooms: Seen) -> None:
    pytest.importorskip("typst")
    drawings = paper_charts(rooms.evidence, rooms.results)
    chart = next(chart for chart in drawings if chart.key == "differences")
    figure = Section("F", (Figure(chart.key, "", chart.says),))
    content = typeset(Paper("t", "b", "a", (), (figure,), ()), drawings, "pdf")[0]
    assert b"/Form" in content and b"LiberationSans" in content


def test_a_missing_typst_is_answered_with_the_install_command(
    rooms: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "typst", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tunewise\[pdf\]'"):
        write_pdf(rooms.folder)
