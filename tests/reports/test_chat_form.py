"""What asking in a chat changed, texts that are empty or never end, and methods on other models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.reports.conftest import Seen
from tests.reports.test_prompting import BAD, EXAMPLES, GOOD, asked_study, prompt

from tunewise.analysis.comparability.checks import fairness
from tunewise.analysis.evidence import Evidence
from tunewise.analysis.facts import Facts
from tunewise.analysis.generated_answers import unfinished
from tunewise.analysis.prompts.expert_form import expert_against
from tunewise.analysis.prompts.forms import what_changed
from tunewise.analysis.prompts.side_by_side import side_by_side
from tunewise.core.files import mark_complete
from tunewise.reports.sections import generated_texts
from tunewise.statistics.paired import mcnemar_of

PROMPTS = tuple(
    prompt(f"{style} {chat}", skill, style=style, scoring="text", chat=chat)
    for style, chat, skill in (
        ("direct", "never", -1.0),
        ("direct", "always", 1.5),
        ("expert", "never", 0.0),
        ("expert", "always", 0.5),
    )
)
TEXTS = {
    "direct never": ["", "", "", GOOD],
    "direct always": [GOOD],
    "expert never": [BAD, GOOD],
    "expert always": [GOOD, GOOD, GOOD, BAD],
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return asked_study(tmp_path_factory.mktemp("chat") / "study", PROMPTS, TEXTS)


def test_each_prompt_is_compared_with_itself_in_a_chat(seen: Seen) -> None:
    found = seen.facts.chat_form
    pairs = [(one.plain.name, one.chat.name) for one in found]
    assert pairs == [("direct never", "direct always"), ("expert never", "expert always")]
    asked = side_by_side(seen.evidence)
    assert asked is not None
    direct = [[bool(reply.right) for reply in asked.replies(place)] for place in (0, 1)]
    assert found[0].changed == sum(a != b for a, b in zip(*direct, strict=True))
    raw = mcnemar_of(direct[0], direct[1]).exact
    assert found[0].p == pytest.approx(min(1.0, 2 * raw))  # the smaller of two, by Holm
    first, _ = what_changed(found)
    assert first.startswith(f"The chat form changes {found[0].changed} of {EXAMPLES} answers")
    assert "0.0 % of the texts are empty instead of 75.0 %" in first
    assert "100.0 % hold together instead of 25.0 %" in first


def test_the_expert_is_compared_with_forms_that_are_asked_as_it_is(seen: Seen) -> None:
    asked = side_by_side(seen.evidence)
    assert asked is not None
    assert [(one.expert, one.other) for one in expert_against(seen.evidence, asked)] == [
        ("expert never", "direct never"),
        ("expert always", "direct always"),
    ]


def with_stops(evidence: Evidence, stops: dict[str, str]) -> Evidence:
    """The study as it is stored where the reason why a text ended is kept."""
    for contender in evidence.contenders:
        for trial in contender.trials if contender.method == "prompt" else ():
            file = trial.predictions(evidence.split)
            assert file is not None
            table = pq.read_table(file)
            reasons = [stops.get(contender.name, "end")] * table.num_rows
            pq.write_table(table.append_column("stopped", pa.array(reasons)), file)
            mark_complete(file.parents[1])
    return evidence


def test_a_warning_where_most_texts_are_empty_or_never_end(tmp_path: Path) -> None:
    asked = asked_study(tmp_path / "study", PROMPTS, TEXTS).evidence
    assert unfinished(asked) == []  # an older study does not say why its texts ended
    evidence = with_stops(asked, {"expert never": "loop", "expert always": ""})
    found = unfinished(evidence)
    assert [(one.contender, one.empty, one.unended) for one in found] == [
        ("direct never", 0.75, 0.0),
        ("expert never", 0.0, 1.0),
    ]
    section = generated_texts.section(Facts(evidence))
    assert section is not None
    assert "75.0 % are empty" in str(section) and "100.0 % never stop" in str(section)


def on(evidence: Evidence, models: dict[str, str]) -> list[Any]:
    contenders = tuple(
        replace(one, described=replace(one.described, model=models.get(one.name, one.model)))
        for one in evidence.contenders
    )
    return [
        one for one in fairness(replace(evidence, contenders=contenders)) if one.kind == "model"
    ]


def test_methods_on_different_models_are_reported(rooms: Seen) -> None:
    names = [one.name for one in rooms.evidence.contenders if one.model]
    assert on(rooms.evidence, {}) == []
    (found,) = on(rooms.evidence, {names[0]: "gpt2"})
    assert found.severity == "notice"
    assert f"gpt2 for {names[0]}" in found.says
