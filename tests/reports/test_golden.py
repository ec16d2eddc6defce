"""What reports say of invented studies stays what it is, unless a commit says why.

    GOLDEN=write pytest tests/reports/test_golden.py

writes the golden files anew; the difference belongs into the commit, with its reason.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.reports.conftest import Seen, hostile_plan, look, look_at
from tests.reports.fabricate import Plan, without
from tests.reports.fabricate_written import WrittenPlan, fabricate_written
from tests.reports.golden_text import outputs

GOLDEN = Path(__file__).parent / "golden"
SMALL = Plan(seeds=(0, 1), test=120, validation=80, epochs=2)
PLANS = {
    "rooms": Plan(),
    "hostile": hostile_plan(),
    "one-seed": replace(SMALL, seeds=(0,), slices=("kind",), require={"artefact": 1e6, "time": 60}),
    "no-test": replace(SMALL, has_test=False),
    "two-rows": without(SMALL, "majority", "tfidf", "head"),
    "not-run": replace(SMALL, ran=False),
}
WRITTEN = WrittenPlan(
    ranks=(4,),
    rates=(1e-4, 2e-4),
    seeds=(0, 1),
    validation=40,
    test=40,
    decoding=("greedy", "top-k 10"),
    samples=2,
)
SHOWN = 20  # lines of a difference


@pytest.fixture(scope="module", params=[*PLANS, "written"])
def study(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Seen]:
    name = request.param
    folder = tmp_path_factory.mktemp(name) / "study"
    if name == "written":
        return name, look_at(fabricate_written(folder, WRITTEN))
    return name, look(folder, PLANS[name])


def test_outputs_say_what_they_said(study: tuple[str, Seen]) -> None:
    name, seen = study
    made = outputs(seen)
    folder = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in made.items():
            (folder / file).write_text(text, encoding="utf-8", errors="surrogatepass")
    differences = []
    for file, text in made.items():
        kept = (folder / file).read_text(encoding="utf-8", errors="surrogatepass")
        if text != kept:
            lines = difflib.unified_diff(
                kept.split("\n"), text.split("\n"), f"golden {name}/{file}", "now", lineterm="", n=1
            )
            differences += list(lines)[:SHOWN]
    assert not differences, "\n".join(differences)
