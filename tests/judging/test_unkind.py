"""What people bring by mistake, and what they are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tunewise
from tunewise.cli.judge import _checked
from tunewise.core.errors import InputError
from tunewise.judging.asked import Asked
from tunewise.judging.judge import judge_files
from tunewise.judging.reading import read_labels, read_runs

ROWS = [{"id": f"q{n}", "label": "ab"[n % 2], "prediction": "ab"[n // 2 % 2]} for n in range(6)]

NUMBERS = [{"id": n, "label": n / 4, "prediction": n / 4 + 0.1} for n in range(50)]


def written(folder: Path, files: dict[str, Any]) -> list[Path]:
    for name, content in files.items():
        text = content if isinstance(content, str) else "\n".join(map(json.dumps, content))
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def told(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    ("files", "asked", "expected"),
    [
        ({"s.csv": "method,accuracy\na,80\nb,0.9"}, {}, "s.csv:3: accuracy = 0.9, and others are"),
        ({"s.csv": "method,accuracy,n\na,0.8,-5"}, {}, "s.csv:2: n = '-5': a whole number"),
        ({"s.csv": "method,accuracy,n\na,0.8,0"}, {}, "n = 0: a score of no examples is none"),
        ({"s.csv": "method,accuracy,n\na,0.8,9\nb,0.8,8"}, {}, "different numbers of examples"),
        ({"s.csv": "method,seed,accuracy\na,0,0.8\na,0,0.9"}, {}, "a, seed 0: there are several"),
        ({"a.csv": "id,label,prediction\n1,,a\n2,b,b"}, {}, "1 example without a label (1)"),
        ({"a.jsonl": ROWS}, {"filter": "x"}, "--filter x: it is of evaluation harnesses"),
        ({"a.jsonl": ROWS}, {"task": "x"}, "--task x: it is of evaluation harnesses"),
        ({"a.jsonl": ROWS}, {"pattern": "{nam}"}, "Did you mean 'name'"),
        ({"a.jsonl": ROWS}, {"margin": 1.0}, "accuracy is a fraction; one point is 0.01"),
        ({"a.jsonl": ROWS, "b.jsonl": ROWS[:5]}, {}, "b.jsonl: lacks 1 example that others have"),
        ({"a.jsonl": ROWS, "b.jsonl": [*ROWS, ROWS[0]]}, {}, "1 id stands there more than once"),
        ({"a.csv": "id,score\n1,inf\n2,0"}, {}, "score = 'inf': a number is needed."),
        ({"a.csv": "id,score\n1,x\n2,0\n3,"}, {}, "a number is needed, as in 1 other row."),
        ({"a.jsonl": [{**row, "label": None} for row in ROWS]}, {}, "missing, as in 5 other rows."),
        (
            {"a.csv": "id,f1\n1,0.5", "b.csv": "id,em\n1,1"},
            {},
            "'f1' in {}a.csv and 'em' in {}b.csv",
        ),
        ({"a.jsonl": NUMBERS}, {}, "its labels are numbers (0, 0.25, 0.5 and 47 more)"),
        ({"a.jsonl.gz": "x"}, {}, "'.gz' files are not read"),
        ({"a.pkl": "x"}, {}, "Save its rows as .parquet or .jsonl."),
    ],
)
def test_mistakes_in_files_are_named(
    tmp_path: Path, files: dict[str, Any], asked: dict[str, Any], expected: str
) -> None:
    paths = written(tmp_path, files)
    expected = expected.replace("{}", f"{tmp_path}/")
    assert expected in told(lambda: judge_files(paths, Asked(**asked)))


@pytest.mark.parametrize(
    ("runs", "options", "expected"),
    [
        ({"a": [0.5, float("nan")]}, {}, "a, run 1: nan: a finite number"),
        ({"a": [np.array([1.0, np.nan])]}, {}, "a, run 0: [1] is nan"),
        ({1: [[1, 0]], "1": [[1, 1]]}, {}, "two contenders are called '1'"),
        ({"a": [[1, 0]]}, {"columns": {"scores": "x"}}, "unknown role 'scores'. Did you mean"),
        ({"a": [[1, 0]]}, {"equivalence_margin": -1}, "a margin of -1"),
        ({"a": {"prediction": [1, 0, 1]}}, {"labels": [1, 0]}, "no example '2', of 3"),
        ({"a": np.zeros((2, 2))}, {}, "one score for each example"),
        (
            {"a": {"seed": [0, 1], "accuracy": [0.8, 0.7]}},
            {},
            "give them by seed, such as {0: 0.81",
        ),
        ({}, {}, "a mapping from names to runs"),
    ],
)
def test_mistakes_in_python_are_named(
    runs: dict[Any, Any], options: dict[str, Any], expected: str
) -> None:
    assert expected in told(lambda: tunewise.judge(runs, **options))


def test_two_right_answers_to_one_example_are_refused(tmp_path: Path) -> None:
    (path,) = written(tmp_path, {"gold.csv": "id,label\n1,a\n1,b\n2,b"})
    assert "has several labels for 1" in told(lambda: read_labels(path, {}))


def test_one_letter_off_names_the_file_and_not_the_folder(tmp_path: Path) -> None:
    written(tmp_path, {"best.csv": "id", "other.csv": "id"})
    text = told(lambda: read_runs([tmp_path / "bst.csv"], Asked()))
    assert "Did you mean 'best.csv'?" in text and "other" not in text


def test_a_link_to_nowhere_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to(tmp_path / "gone.csv")
    text = told(lambda: read_runs([tmp_path / "a.csv"], Asked()))
    assert text.endswith(f"a.csv: is a link, and {tmp_path}/gone.csv is not there.")


def test_ids_that_a_frame_turned_into_fractions_are_the_same_ids(tmp_path: Path) -> None:
    rows = "\n".join(f"{n}.0,a,{'ab'[n % 2]}" for n in range(4))
    other = [{"id": n, "label": "a", "prediction": "a"} for n in range(4)]
    paths = written(tmp_path, {"a.csv": f"id,label,prediction\n{rows}", "b.jsonl": other})
    assert judge_files(paths, Asked()).results.items == 4


def test_scores_under_several_names_are_compared_where_that_is_asked_for(tmp_path: Path) -> None:
    paths = written(tmp_path, {"a.csv": "id,f1\n1,0.5\n2,0.5", "b.csv": "id,em\n1,1\n2,1"})
    assert judge_files(paths, Asked(metric="score")).verdict.best == "b"


def test_what_was_guessed_in_reading_a_file_is_told(tmp_path: Path) -> None:
    text = "id;label;prediction\n1;für;für\n2;grün;grün"
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    assumed = judge_files([tmp_path / "a.csv"], Asked()).assumed
    assert any("read as Windows-1252" in one for one in assumed)


def test_failed_runs_alone_say_why_each_failed(tmp_path: Path) -> None:
    log = {"status": "error", "eval": {"task": "t", "model": "m"}, "error": {"message": "no key"}}
    (path,) = written(tmp_path, {"log.json": json.dumps(log)})
    text = told(lambda: judge_files([path], Asked()))
    assert "nothing to judge" in text and "it failed (no key)" in text


def test_a_gate_cannot_keep_its_state_in_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in told(lambda: tunewise.Gate(tmp_path))
    assert "there is no folder" in told(lambda: tunewise.Gate(tmp_path / "no" / "state.json"))


def test_a_report_is_refused_before_anything_is_printed(tmp_path: Path) -> None:
    (path,) = written(tmp_path, {"a.csv": "id"})
    assert "is a file; a report is written into a folder" in told(lambda: _checked(path, "html"))
    assert "--report: unknown form 'docx'" in told(lambda: _checked(tmp_path, "html,docx"))
    assert _checked(tmp_path, "html, tex") == ["html", "tex"]


def test_a_copied_seed_is_seen() -> None:
    found = tunewise.judge({"a": [[1, 0, 1, 1], [1, 0, 1, 1]], "b": [[1, 0, 0, 0], [0, 0, 1, 0]]})
    said = [text for text in found.assumed if "answer every example alike" in text]
    assert len(said) == 1 and "Seeds 0 and 1 of a" in said[0]


def test_runs_without_seeds_are_numbered_and_that_is_said(tmp_path: Path) -> None:
    paths = written(tmp_path, {"s.csv": "method,accuracy\na,0.8\na,0.9\nb,0.7\nb,0.6"})
    found = judge_files(paths, Asked())
    assert [row.seeds for row in found.results.rows] == [(0, 1), (0, 1)]
    assert any("Nothing says which seeds the 2 runs of a had" in text for text in found.assumed)


def test_probabilities_that_sum_to_more_than_one_give_no_loss() -> None:
    rows = [{**row, "probabilities": {"a": 0.9, "b": 0.3}} for row in ROWS]
    found = tunewise.judge({"a": rows})
    assert "loss" not in found.results.rows[0].test
    assert any("they do not sum to 1" in text for text in found.assumed)


def test_a_right_class_of_probability_zero_costs_a_finite_loss() -> None:
    rows = [{**row, "probabilities": {"a": 1.0, "b": 0.0}} for row in ROWS]
    found = tunewise.judge({"a": rows})
    assert json.dumps(found.as_json(), allow_nan=False)
    assert found.results.rows[0].test["loss"].mean == pytest.approx(-0.5 * np.log(2.0**-52))
