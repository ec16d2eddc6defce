from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.reports.conftest import Seen, grid, grids, look
from tests.reports.fabricate import CONTENDERS, Plan, without

from tunewise.analysis.facts import Facts
from tunewise.analysis.references import SOURCES, References
from tunewise.core.errors import MissingExtra
from tunewise.reports.document.model import (
    Bullet,
    Bullets,
    Column,
    Figure,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.document.typst import numbered, set_text
from tunewise.reports.outputs import pdf
from tunewise.reports.outputs.paper import Paper
from tunewise.reports.outputs.pdf import typeset, write_paper

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


def words(text: Paper) -> str:
    return json.dumps(text.plain(), ensure_ascii=False).replace("\u00a0", " ").replace("\u200b", "")


def titles(text: Paper) -> list[str]:
    return [section["title"] for section in text.plain()["sections"]]


def test_a_full_study_has_every_section_with_something_in_it(tmp_path: Path) -> None:
    text = look(tmp_path / "s", replace(SMALL, contenders=SWEEP)).paper
    assert titles(text) == [
        "Question",
        "Data",
        "Method and reasons",
        "Results",
        "Classes",
        "Training dynamics",
        "Learning rate",
        "Effects of single settings",
        "Search",
        "Significance",
        "Failed trials",
        "Disagreements",
        "Costs",
        "Comparison with full fine-tuning",
        "Limits",
        "Appendix: the mathematics",
        "Study, environment, reproduction",
    ]
    assert "Among 2 settings of lora" in words(text)


def test_a_study_without_results_leaves_their_sections_out(tmp_path: Path) -> None:
    text = look(tmp_path / "s", Plan(ran=False)).paper
    gone = {"Training dynamics", "Effects of single settings", "Significance", "Classes"}
    assert gone.isdisjoint(titles(text))
    assert "No contender has a result yet" in text.abstract


def test_one_seed_and_no_test_split_are_stated(tmp_path: Path) -> None:
    plan = Plan(seeds=(0,), has_test=False, contenders=CONTENDERS[:3])
    message = words(look(tmp_path / "s", plan).paper)
    assert "There is no test split" in message
    assert "One seed: no claim is made about the methods over seeds." in message
    assert "Satterthwaite" not in message  # no such test was made
    assert "Comparison with full" not in message


def test_numbers_in_tables_are_those_of_the_results(rooms: Seen) -> None:
    scores = grid(rooms.paper, "Results", "Scores on")
    for row, line in zip(rooms.results.rows, scores.rows, strict=True):
        assert line[0] == row.name
        assert line[2].startswith(f"{100 * row.test['accuracy'].mean:.1f}")
    (beside,) = grids(rooms.paper, "Comparison with full fine-tuning")
    lora = next(line for line in beside.rows if line[0] == "lora rank=16")
    assert lora[4] == f"{100 * 296_837 / 22_715_141:.2g} %"
    assert lora[7] == f"{100 * 1_190_000 / 90_860_000:.2g} %"


def test_every_source_that_is_cited_is_listed_and_no_other(rooms: Seen) -> None:
    text = rooms.paper
    message = words(replace(text, references=()))
    for number in range(1, len(text.references) + 1):
        assert f"[{number}]" in message
    assert f"[{len(text.references) + 1}]" not in message
    assert "BitFit" not in " ".join(text.references)  # no contender of that method


def test_references_are_numbered_by_first_use() -> None:
    refs = References({"hu-2021": "LoRA."})
    assert [refs("holm"), refs("hu-2021"), refs("holm")] == ["[1]", "[2]", "[1]"]
    assert refs.listed == (SOURCES["holm"], "LoRA.")
    with pytest.raises(KeyError):
        refs("nobody")


def test_the_first_paragraph_names_tables_and_figures() -> None:
    table, drawn = Table("t", "c", (Column("a"),), ()), Figure("k", "c", "s", {})
    one, two = numbered(
        [
            Section("a", "A", (Paragraph("x."), table)),
            Section("b", "B", (Paragraph("y."), table, table, drawn)),
        ]
    )
    assert isinstance(one.blocks[0], Paragraph) and isinstance(two.blocks[0], Paragraph)
    assert one.blocks[0].text == "x. See Table I."
    assert two.blocks[0].text == "y. See Tables II and III and Fig. 1."


def test_long_words_can_be_broken() -> None:
    assert max(map(len, set_text("W" * 500).split("\u200b"))) <= 25


def test_the_pdf_is_one_and_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("typst")
    folder = look(tmp_path / "s", replace(SMALL, contenders=CONTENDERS[:3])).folder
    path = write_paper(Facts.of(folder), tmp_path)
    content = path.read_bytes()
    assert path == tmp_path / "report.pdf" and content.startswith(b"%PDF")
    assert write_paper(Facts.of(folder), tmp_path / "again").read_bytes() == content


def test_hostile_data_are_set_letter_by_letter(hostile: Seen) -> None:
    pytest.importorskip("typst")
    assert len(typeset(hostile.paper, "png", ppi=20)) >= 3


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_any_text_stays_text(text: str) -> None:
    pytest.importorskip("typst")
    blocks = (
        Paragraph(text, lead=text),
        Bullets((Bullet(text),)),
        Table("t", text, (Column(text), Column(text, wraps=True)), ((text, text),)),
    )
    made = Paper(text, text, text, (text,), (Section("s", text, blocks),), (text,))
    assert len(typeset(made, "png", ppi=20)) == 1


def test_a_chart_is_a_vector_in_the_page(rooms: Seen) -> None:
    pytest.importorskip("typst")
    chart = next(chart for chart in rooms.charts if chart.key == "differences")
    made = Paper("t", "b", "a", (), (Section("f", "F", (chart,)),), (), (chart,))
    content = typeset(made, "pdf")[0]
    assert b"/Form" in content and b"LiberationSans" in content


def test_a_missing_typst_is_answered_with_the_install_command(
    rooms: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "typst", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tunewise\[pdf\]'"):
        write_paper(rooms.facts, tmp_path)


def test_the_appendix_has_the_reduction_of_the_study_at_hand(rooms: Seen) -> None:
    table = grid(rooms.paper, "Appendix: the mathematics", "Reduction factor")
    assert [row[0] for row in table.rows] == ["lora rank=16"]
    total, trainable = 23_010_053, 296_837
    state = 4 * total + 12 * trainable
    assert table.rows[0][3:] == [
        f"{total / trainable:.1f}",
        f"{state / 1e6:.1f} MB",
        f"{state / (16 * total):.1%}",
    ]


def test_a_study_without_low_rank_or_prompts_has_no_appendix(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", without(Plan(seeds=(0,), test=60), "lora rank=16"))
    assert "Appendix: the mathematics" not in [one.title for one in seen.paper.sections]
