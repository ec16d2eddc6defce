"""Prompts side by side: every reply shown, and what the form changed, counted and tested."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from scipy import stats
from statsmodels.stats.multitest import multipletests
from tests.reports.conftest import Seen, grids, look
from tests.reports.fabricate import CONTENDERS, Invented, Plan
from tests.reports.hostile import HOSTILE

from tunewise.analysis.evidence import Evidence
from tunewise.analysis.facts import Facts
from tunewise.analysis.prompts.expert_form import Gap, Versus, expert_against, expert_answers
from tunewise.analysis.prompts.forms import changes, forms
from tunewise.analysis.prompts.side_by_side import SideBySide, side_by_side
from tunewise.core.files import mark_complete
from tunewise.reports.document.model import Paragraph
from tunewise.reports.document.terminal import print_sections
from tunewise.reports.outputs.pdf import typeset
from tunewise.reports.outputs.write import write_report
from tunewise.reports.sections import prompts
from tunewise.statistics.replies import holds_together

NONE_TRAINED = {"total": 1000, "trainable": 0, "head": 0}
EXAMPLES = 40
GOOD = "True. It was measured."
BAD = "True or false, true or false, true or false."


def prompt(name: str, skill: float, **settings: Any) -> Invented:
    return Invented(
        name, "prompt", (skill,), 1.0, parameters=NONE_TRAINED, trained=False, settings=settings
    )


PROMPTS = (
    prompt("direct", -0.6, style="direct", scoring="text"),
    prompt("weighed", 0.2, style="direct", scoring="likelihood", calibrate=True),
    prompt("expert", 1.6, style="expert", scoring="text"),
)


def asked_study(
    path: Path, contenders: Sequence[Invented] = PROMPTS, texts: dict[str, list[str]] | None = None
) -> Seen:
    """An invented study of prompts; `texts` are what each writes, in turn."""
    plan = Plan(
        contenders=(CONTENDERS[0], *contenders),
        labels=("false", "true"),
        test=EXAMPLES,
        validation=10,
        seeds=(0,),
        rng_seed=3,
    )
    seen = look(path, plan)
    texts = texts or {"direct": [BAD, BAD, BAD, GOOD], "expert": [GOOD, GOOD, "", GOOD]}
    for contender in seen.evidence.contenders:
        for trial in contender.trials if contender.method == "prompt" else ():
            for split in ("validation", "test"):
                file = trial.predictions(split)
                assert file is not None
                _write(file, texts.get(contender.name, [""]))
    return Seen(seen.folder, Facts(seen.evidence))


def _write(file: Path, texts: list[str]) -> None:
    table = pq.read_table(file)
    message = [texts[n % len(texts)] for n in range(table.num_rows)]
    columns = {
        "text": message,
        "understood": [text != "" for text in message],
        "cut": [False] * table.num_rows,
    }
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    pq.write_table(table, file)
    mark_complete(file.parents[1])


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return asked_study(tmp_path_factory.mktemp("prompts") / "study")


def of(evidence: Evidence) -> SideBySide:
    asked = side_by_side(evidence)
    assert asked is not None
    return asked


def printed(evidence: Evidence, width: int = 80) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width)
    facts = Facts(evidence)
    section = prompts.section(facts)
    print_sections([section] if section else [], console)
    return file.getvalue()


def test_every_sentence_shown_has_a_line_for_every_prompt_within_eighty_columns(
    seen: Seen,
) -> None:
    text = printed(seen.evidence)
    assert max(map(len, text.splitlines())) <= 80
    message = text.partition("✓ right")[0]
    assert all(
        len(re.findall(rf"^  {name}\b", message, re.M)) == 8 for name in ("direct", "expert")
    )
    assert "wrote nothing" in message
    assert "“True. It was measured.”" in message


def test_the_examples_shown_are_those_on_which_prompts_differ_most(seen: Seen) -> None:
    asked = of(seen.evidence)
    chosen = asked.most_telling(8)
    left = [example for example in asked.items if example not in chosen]
    assert min(example.differing for example in chosen) >= max(
        example.differing for example in left
    )
    assert asked.most_telling(EXAMPLES) == list(asked.items)


def test_a_study_without_prompts_says_nothing(rooms: Seen) -> None:
    assert printed(rooms.evidence) == ""
    assert 'id="prompts"' not in rooms.html


def right(seen: Seen, name: str) -> np.ndarray:
    contender = next(c for c in seen.evidence.contenders if c.name == name)
    answers = contender.finished[0].answers("test")
    assert answers is not None
    return answers.choices == answers.labels


def test_accuracy_is_tested_pair_by_pair_as_scipy_and_statsmodels_do(seen: Seen) -> None:
    found = expert_against(seen.evidence, of(seen.evidence))
    assert [one.other for one in found] == ["direct", "weighed"]
    expert, raw = right(seen, "expert"), []
    for one in found:
        other = right(seen, one.other)
        assert one.accuracy is not None
        assert one.accuracy.difference == pytest.approx(expert.mean() - other.mean())
        only = int((expert & ~other).sum()), int((other & ~expert).sum())
        raw.append(stats.binomtest(only[0], sum(only)).pvalue)
    adjusted = multipletests(raw, method="holm")[1]
    assert [one.accuracy.p for one in found if one.accuracy] == pytest.approx(list(adjusted))
    assert [one.accuracy.separated for one in found if one.accuracy] == list(adjusted < 0.05)


def test_texts_are_compared_where_both_write(seen: Seen) -> None:
    against = {one.other: one for one in expert_against(seen.evidence, of(seen.evidence))}
    gap = against["direct"].together
    assert gap is not None
    assert gap.difference == pytest.approx(0.75 - 0.25)  # three of four hold together, one of four
    # On two of four examples the expert's text alone holds, on none the other's alone.
    assert gap.p == pytest.approx(stats.binomtest(EXAMPLES // 2, EXAMPLES // 2).pvalue)
    assert against["weighed"].together is None


def test_what_a_pair_differs_in_beside_the_form_is_reported(seen: Seen) -> None:
    against = {one.other: one.beside for one in expert_against(seen.evidence, of(seen.evidence))}
    assert against == {"direct": (), "weighed": ("scoring", "calibration")}


def test_the_two_questions_are_answered(seen: Seen) -> None:
    accurate, coherent = expert_answers(expert_against(seen.evidence, of(seen.evidence)))
    assert accurate.startswith("Is the expert form more accurate? Yes, against direct")
    assert coherent.endswith("Yes, against direct.")


@pytest.mark.parametrize(
    ("differences", "answer"),
    [
        ((0.2, 0.3), "Yes, against a and b."),
        ((-0.2, None), "Less so than a. The difference to the other form could be chance."),
        ((None, None), "Not shown. The difference to each of 2 other forms could be chance."),
    ],
)
def test_the_answer_names_the_forms_it_holds_against(
    differences: tuple[float | None, ...], answer: str
) -> None:
    rows = [
        Versus("expert", name, Gap(gap or 0.1, 0.01 if gap else 0.5, gap is not None), None, ())
        for name, gap in zip("ab", differences, strict=True)
    ]
    accurate, coherent = expert_answers(rows)
    assert accurate == f"Is the expert form more accurate? {answer}"
    assert "Not known: no other form" in coherent


def test_without_an_expert_form_only_the_changes_are_reported(tmp_path: Path) -> None:
    seen = asked_study(tmp_path / "study", PROMPTS[:2])
    asked = of(seen.evidence)
    assert expert_answers(expert_against(seen.evidence, asked)) == []
    (message,) = changes(asked)
    apart = sum(example.replies[0].option != example.replies[1].option for example in asked.items)
    assert f"answer {EXAMPLES - apart} of {EXAMPLES} examples alike" in message
    assert f"weighed changes {apart} (" in message


def test_one_prompt_alone_is_shown_and_compared_with_nothing(tmp_path: Path) -> None:
    seen = asked_study(tmp_path / "study", PROMPTS[2:])
    assert "expert" in printed(seen.evidence)
    assert changes(of(seen.evidence)) == []


def test_forms_count_what_stands_in_the_texts(seen: Seen) -> None:
    found = {form.name: form for form in forms(of(seen.evidence))}
    assert found["expert"].together == 0.75
    assert found["expert"].silent == 0.25
    assert found["expert"].named == 0.75
    assert found["direct"].repeating == 0.75
    assert found["direct"].one_answer == 0.25
    assert found["direct"].different == 2 / EXAMPLES
    assert found["weighed"].words is None
    assert found["direct"].changed is None
    assert found["expert"].right == pytest.approx(right(seen, "expert").mean())


def test_the_page_the_tables_and_the_record_hold_them(seen: Seen, tmp_path: Path) -> None:
    page = seen.html
    assert 'href="#prompts"' in page
    assert page.count("“True. It was measured.”") >= EXAMPLES // 2
    write_report(seen.folder, tmp_path)
    for name in ("prompting", "prompt_forms"):
        assert (tmp_path / "tables" / f"{name}.csv").read_text().count("\n") > 3
    record = (tmp_path / "evaluation_results.json").read_text()
    assert '"prompting"' in record
    assert "Is the expert form more accurate?" in record


def test_hostile_replies_are_text_on_the_page_and_in_the_terminal(tmp_path: Path) -> None:
    seen = asked_study(tmp_path / "study", texts={"direct": list(HOSTILE), "expert": [GOOD]})
    text = printed(seen.evidence)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    section = seen.html.partition('<section id="prompts"')[2].partition("</section>")[0]
    assert "<script" not in section
    assert "onerror=" not in re.sub(r"“[^”]*”", "", section)


def test_another_word_for_an_option_is_reported_with_the_option(tmp_path: Path) -> None:
    own = replace(PROMPTS[0], settings={**PROMPTS[0].settings, "labels": ["wrong", "sound"]})
    seen = asked_study(tmp_path / "study", (own,))
    assert re.search(r"(wrong = false|sound = true) \d+ %", printed(seen.evidence))


def test_models_are_compared_apart(seen: Seen) -> None:
    asked = of(seen.evidence)
    apart = replace(asked, prompts=(*asked.prompts[:2], replace(asked.prompts[2], model="other")))
    assert expert_against(seen.evidence, apart) == []
    assert len(changes(apart)) == 1


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("False.", True),
        ("It is FALSE, and false it stays.", True),
        ("falsely", False),
        ("true, that is, not false", False),
        ("", False),
        ("True. I say so again. True. I say so again.", False),
    ],
)
def test_a_text_holds_together_with_one_answer_and_no_repetition(text: str, holds: bool) -> None:
    assert holds_together(text, ["false", "true"]) == holds


def test_the_paper_has_the_prompts_too(tmp_path: Path) -> None:
    texts = {"direct": [BAD], "expert": [GOOD]}
    seen = asked_study(tmp_path / "s", texts=texts)
    text = seen.paper
    [section] = [one for one in text.sections if one.title == "Prompts side by side"]
    by_form, against, examples = grids(text, section.title)
    assert [row[0] for row in by_form.rows] == ["direct", "weighed", "expert"]
    assert [row[1] for row in against.rows] == ["direct", "weighed"]
    assert any("True. It was measured." in row[2] for row in examples.rows)
    message = " ".join(block.text for block in section.blocks if isinstance(block, Paragraph))
    assert "Is the expert form more accurate?" in message
    assert typeset(text, "pdf")[0].startswith(b"%PDF")
