from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from scipy.stats import chi2_contingency
from statsmodels.stats.multitest import multipletests

from tunewise.core.errors import InputError
from tunewise.reports.document.csv import as_csv
from tunewise.reports.document.terminal import print_sections
from tunewise.reports.facts.peft.files import EXAMPLES, read_experiments
from tunewise.reports.facts.peft.standings import (
    Standings,
    standings,
    standings_record,
    standings_section,
    standings_table,
)
from tunewise.reports.outputs.record import finite
from tunewise.statistics.intervals import wilson

FILES = Path(__file__).parent / "data" / "peft"
LORA = "lora--llama-3.2-3B-rank32.json"
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def found() -> Standings:
    return standings(read_experiments([FILES]))


def changed(tmp_path: Path, change: Change) -> Path:
    content = json.loads((FILES / LORA).read_text())
    change(content)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(content))
    return path


def test_files_and_folders_give_the_same_rows(found: Standings) -> None:
    again = standings(read_experiments(sorted(FILES.glob("*.json"))))
    assert again == found
    assert len(found.rows) == 8


def test_an_accuracy_becomes_a_count_with_wilsons_interval(found: Standings) -> None:
    row = next(r for r in found.rows if r.experiment.name == "lora/llama-3.2-3B-rank32")
    assert row.experiment.right == 636
    assert row.interval == wilson(636, 1319)


def test_p_values_are_the_unpaired_score_test_with_holm_over_every_pair(found: Standings) -> None:
    counts = [row.experiment.right or 0 for row in found.rows]
    p = [
        chi2_contingency([[a, EXAMPLES - a], [b, EXAMPLES - b]], correction=False).pvalue
        for n, a in enumerate(counts)
        for b in counts[n + 1 :]
    ]
    adjusted = multipletests(p, method="holm")[1]
    assert found.pairs_counted == len(p) == 28
    for row, expected in zip(found.rows[1:], adjusted[:7], strict=True):
        assert row.p_adjusted == pytest.approx(expected)
        assert row.standing == ("behind" if expected < 0.05 else "tied")


def test_a_clear_loser_is_behind_and_a_near_one_is_tied(found: Standings) -> None:
    standing = {row.experiment.name: row.standing for row in found.rows}
    assert standing["lora/llama-3.2-3B-rank64-rslora"] == "best"
    assert standing["bone/llama-3.2-3B-bat"] == "tied"
    assert standing["prompt_tuning/llama-3.2-3B-default"] == "behind"


def test_older_files_name_their_memory_otherwise(found: Standings) -> None:
    peaks = {row.experiment.name: row.experiment.peak_bytes for row in found.rows}
    assert peaks["full-finetuning/llama-3.2-3B-lr_0.00001"] == 37_241_225_216
    assert peaks["lora/llama-3.2-3B-rank32"] == 22_273_851_392


def test_what_cannot_be_tested_is_stated(found: Standings) -> None:
    assert "independent" in found.notes[0] and "one seed" in found.notes[1]
    console = Console(width=80, record=True, file=io.StringIO())
    print_sections([standings_section(found)], console)
    text = console.export_text()
    assert "two-proportion test, unpaired" in text
    assert max(map(len, text.splitlines())) <= 80


def test_other_conditions_are_named(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["run_info"]["experiment_name"] = "other"
        content["run_info"]["train_config"]["max_steps"] = 100

    found = standings(read_experiments([FILES / LORA, changed(tmp_path, change)]))
    assert "Not the same for all: steps (100 and 5000)." in found.notes


def test_a_failed_experiment_keeps_its_row(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["run_info"] |= {"experiment_name": "lost", "error_msg": "out of\x1b[2J memory"}
        content["train_info"] |= {"status": "canceled", "metrics": []}

    found = standings(read_experiments([FILES / LORA, changed(tmp_path, change)]))
    assert found.rows[-1].standing == "unscored"
    assert any("lost has no score (canceled): out of␛[2J memory" in note for note in found.notes)
    assert "\x1b" not in as_csv(standings_table(found))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: c.pop("run_info"), "no object 'run_info'.*It has: meta_info, train_info"),
        (lambda c: c["train_info"].pop("status"), "'train_info' has no 'status'.*version"),
        (lambda c: c["train_info"].update(metrics=[]), "no 'test accuracy'.*nothing"),
        (
            lambda c: c["train_info"]["metrics"][-1].update({"test accuracy": "0.5"}),
            "no 'test accuracy'",
        ),
        (
            lambda c: c["train_info"]["metrics"][-1].update({"test accuracy": 0.4821}),
            "no count out of 1,319 examples",
        ),
        (lambda c: c["meta_info"].pop("dataset_info"), "names no data set gsm8k"),
    ],
)
def test_another_form_is_refused_with_what_is_missing(
    tmp_path: Path, change: Change, expected: str
) -> None:
    with pytest.raises(InputError, match=rf"(?s)changed\.json: .*{expected}"):
        read_experiments([changed(tmp_path, change)])


def test_all_mistakes_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "broken.json").write_text('{"run_info": ')
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as caught:
        read_experiments([tmp_path, tmp_path / "empty", tmp_path / "lst.json"])
    text = str(caught.value)
    assert len(caught.value.problems) == 4
    assert "Did you mean 'list.json'" in text and "holds no JSON" in text


def test_two_results_of_one_experiment_are_refused(tmp_path: Path) -> None:
    shutil.copy(FILES / LORA, tmp_path / "again.json")
    with pytest.raises(InputError, match="several results of 'lora/llama"):
        read_experiments([FILES / LORA, tmp_path / "again.json"])


def test_one_experiment_is_compared_with_nothing() -> None:
    found = standings(read_experiments([FILES / LORA]))
    assert found.notes == ("Fewer than two scores: nothing to compare.",)
    assert found.tied == ()


def test_the_record_is_json(found: Standings) -> None:
    content = finite(standings_record(found))
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert content["contenders"][1]["to_best"]["p_adjusted"] == 1.0
