"""The verdict on runs made elsewhere is the one that a study of the same answers gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint
from tests.judging.made import NAMES, dice, rows_of, two_methods, write_lines

import tunewise
from tunewise.core.errors import InputError
from tunewise.judging.asked import Asked
from tunewise.judging.columns import named_columns
from tunewise.judging.judge import Judgment, judge_files
from tunewise.judging.reading import read_labels
from tunewise.reports.sections.results import scores_table
from tunewise.statistics.comparison import compare
from tunewise.statistics.score_matrix import RowScores


def judged(paths: list[Path], **options: Any) -> Judgment:
    return judge_files(paths, Asked(**options))


def single_runs(examples: int = 400) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(1)
    labels, share = rng.integers(0, 3, examples), rng.random(examples)
    ours, theirs = (dice(examples, at, rng, share=share) for at in (0.66, 0.58))
    return labels, ours, theirs


def test_two_single_runs_are_compared_by_mcnemars_exact_test_and_wilson() -> None:
    labels, ours, theirs = single_runs()
    found = tunewise.judge({"a": rows_of(ours, labels), "b": rows_of(theirs, labels)})
    table = [
        [int((ours & theirs).sum()), int((ours & ~theirs).sum())],
        [int((~ours & theirs).sum()), int((~ours & ~theirs).sum())],
    ]
    pair = found.results.rows[1].to_best
    assert pair is not None and pair.items.test == "exact McNemar"
    assert pair.items.p == pytest.approx(mcnemar(table, exact=True).pvalue)
    low, high = proportion_confint(ours.sum(), ours.size, method="wilson")
    assert found.results.rows[0].intervals["test", "accuracy"] == pytest.approx((low, high))


def test_files_give_what_the_statistics_give_the_same_answers(tmp_path: Path) -> None:
    found = judged(two_methods(tmp_path))
    rows = []
    for name in ("lora", "full"):
        runs = [
            [json.loads(line) for line in path.read_text().splitlines()]
            for path in sorted(tmp_path.glob(f"{name}-*"))
        ]
        labels = np.array([NAMES.index(row["label"]) for row in runs[0]])
        choices = {
            seed: np.array([NAMES.index(row["prediction"]) for row in run])
            for seed, run in enumerate(runs)
        }
        rows.append(RowScores(name, [row["id"] for row in runs[0]], labels, choices))
    expected = compare(rows, "accuracy", rng=np.random.default_rng(0))
    pair = found.results.rows[1].to_best
    assert found.verdict.best == expected.best
    assert pair == expected.to_best(expected.rows[1].name)


def test_scores_over_seeds_alone_are_compared_by_students_t(tmp_path: Path) -> None:
    ours, theirs = [0.81, 0.83, 0.82, 0.84], [0.79, 0.80, 0.80, 0.81]
    lines = ["method,seed,accuracy"]
    for name, values in (("a", ours), ("b", theirs)):
        lines += [f"{name},{seed},{value}" for seed, value in enumerate(values)]
    (tmp_path / "scores.csv").write_text("\n".join(lines))
    pair = judged([tmp_path / "scores.csv"]).results.rows[1].to_best
    assert pair is not None
    assert pair.method.p == pytest.approx(stats.ttest_rel(ours, theirs).pvalue)
    assert pair.items.p is None and "only scores are known" in str(pair.items.reason)


def test_percents_and_counts_of_examples_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("model,seed,acc,n\na,0,90,500\nb,0,80,500\n")
    found = judged([path])
    pair = found.results.rows[1].to_best
    assert pair is not None and pair.items.p is not None
    table = [[450, 50], [400, 100]]
    assert pair.items.p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
    assert found.results.rows[0].test["accuracy"].mean == pytest.approx(0.9)
    assert found.results.items == 500


def test_probabilities_by_class_are_read_from_columns_and_from_records(tmp_path: Path) -> None:
    rows = [{"id": n, "label": "ab"[n % 2], "prediction": "a"} for n in range(6)]
    records = [{**row, "probabilities": {"a": 0.75, "b": 0.25}} for row in rows]
    lines = [f"{row['id']},{row['label']},a,0.75,0.25" for row in rows]
    (tmp_path / "columns.csv").write_text("\n".join(["id,label,prediction,prob_a,prob_b", *lines]))
    (tmp_path / "records.jsonl").write_text("\n".join(map(json.dumps, records)))
    found = judged([tmp_path / "columns.csv", tmp_path / "records.jsonl"])
    loss = -np.log([0.75, 0.25]).mean()
    assert [row.test["loss"].mean for row in found.results.rows] == pytest.approx([loss, loss])


def test_files_for_programs_have_no_columns_of_a_split_that_nobody_scored() -> None:
    labels, ours, theirs = single_runs(20)
    found = tunewise.judge({"a": rows_of(ours, labels), "b": rows_of(theirs, labels)})
    table = scores_table(found.facts)
    assert list(table.records()[0])[:5] == [
        *("contender", "status", "seeds", "test accuracy", "test accuracy low")
    ]
    assert all(value is not None for row in table.records() for value in row.values())


def test_every_form_of_table_says_the_same(tmp_path: Path) -> None:
    labels, ours, theirs = single_runs(60)
    expected = tunewise.judge({"a": rows_of(ours, labels), "b": rows_of(theirs, labels)})
    for name, right in (("a", ours), ("b", theirs)):
        rows = rows_of(right, labels)
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{name}.parquet")
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
        lines = [",".join(row.values()) for row in rows]
        (tmp_path / f"{name}.csv").write_text("\n".join(["id,label,prediction", *lines]))
    for ending in ("parquet", "json", "csv"):
        found = judged([tmp_path / f"{name}.{ending}" for name in "ab"])
        assert found.results.rows == expected.results.rows


def test_python_takes_frames_columns_arrays_pairs_and_paths(tmp_path: Path) -> None:
    labels, ours, _ = single_runs(50)
    rows = rows_of(ours, labels)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    table = pa.table(columns)
    pandas, datasets = pytest.importorskip("pandas"), pytest.importorskip("datasets")
    given = [
        rows,
        columns,
        table,
        pandas.DataFrame(columns),
        datasets.Dataset(table),
        write_lines(tmp_path / "a.jsonl", rows),
        str(tmp_path / "a.jsonl"),
    ]
    for one in given:
        assert tunewise.judge({"a": one}).results.rows[0].test["accuracy"].mean == ours.mean()
    pair = (columns["label"], columns["prediction"])
    assert tunewise.judge({"a": [pair]}).results.rows[0].test["accuracy"].mean == ours.mean()
    assert tunewise.judge({"a": [ours]}).results.rows[0].test["accuracy"].mean == ours.mean()
    by_id = dict(zip(columns["id"], columns["label"], strict=True))
    unlabeled = {"id": columns["id"], "prediction": columns["prediction"]}
    found = tunewise.judge({"a": unlabeled}, labels=by_id)
    assert found.results.rows[0].test["accuracy"].mean == ours.mean()


def test_seeds_are_the_keys_of_a_mapping_of_runs() -> None:
    labels, ours, theirs = single_runs(50)
    runs = {7: rows_of(ours, labels), 3: rows_of(theirs, labels)}
    found = tunewise.judge({"a": runs})
    assert found.facts.evidence.study.seeds == (3, 7)


def test_texts_are_scored_as_squad_does() -> None:
    rows = {"id": [1, 2], "references": [["the cat"], ["a dog", "dog"]], "prediction": ["Cat", "x"]}
    row = tunewise.judge({"a": rows}).results.rows[0]
    assert (row.test["exact_match"].mean, row.test["f1"].mean) == (0.5, 0.5)


def test_scores_that_are_no_fractions_keep_their_unit() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(3.4, 1, 100), rng.normal(3.0, 1, 100)
    found = tunewise.judge({"a": [ours], "b": [theirs]})
    pair = found.results.rows[1].to_best
    assert found.results.metric == "score" and pair is not None
    assert pair.difference == pytest.approx(theirs.mean() - ours.mean())
    assert "of score ahead" in found.verdict.certainty[0] and "%" not in found.verdict.headline


def test_a_loss_for_each_example_is_better_where_it_is_lower() -> None:
    rng = np.random.default_rng(0)
    losses = {
        name: {"id": list(range(80)), "loss": rng.gamma(2, at, 80)}
        for name, at in (("a", 1.0), ("b", 0.4))
    }
    assert tunewise.judge(losses).verdict.best == "b"


def test_probabilities_add_the_loss(tmp_path: Path) -> None:
    rows = [
        {
            "id": n,
            "label": n % 2,
            "prediction": n % 2,
            "probabilities": [0.8, 0.2][:: 1 - 2 * (n % 2)],
        }
        for n in range(10)
    ]
    row = tunewise.judge({"a": rows}).results.rows[0]
    assert row.test["loss"].mean == pytest.approx(-np.log(0.8))


def test_what_is_none_of_the_classes_is_wrong_and_said() -> None:
    rows = {"id": [1, 2, 3], "label": ["x", "y", "x"], "prediction": ["x", "dunno", "y"]}
    found = tunewise.judge({"a": rows})
    assert found.results.rows[0].test["accuracy"].mean == pytest.approx(1 / 3)
    assert any("none of the classes" in text for text in found.assumed)


def test_labels_from_another_file_meet_by_id(tmp_path: Path) -> None:
    labels, ours, _ = single_runs(30)
    rows = rows_of(ours, labels)
    bare = [{"id": row["id"], "output": row["prediction"]} for row in reversed(rows)]
    path = write_lines(tmp_path / "a.jsonl", bare)
    gold = write_lines(tmp_path / "gold.jsonl", [{"id": r["id"], "gold": r["label"]} for r in rows])
    asked = Asked(named_columns("prediction=output"), labels=read_labels(gold, {}))
    found = judge_files([path], asked)
    assert found.results.rows[0].test["accuracy"].mean == ours.mean()


def test_the_report_says_nothing_that_nobody_knows(tmp_path: Path) -> None:
    found = judged(two_methods(tmp_path / "runs"))
    page, tables = found.report(tmp_path / "out", ["html", "tex"])
    text = page.read_text(encoding="utf-8")
    assert "tunewise run" not in text and "audit" not in text
    assert "the files say nothing of how the runs were trained" in text
    assert (tables / "scores.tex").is_file()
    record = json.loads((tmp_path / "out" / "evaluation_results.json").read_text())
    assert record["verdict"]["best"] == "full" and record["assumed"] == list(found.assumed)


def test_a_verdict_says_how_many_more_would_settle_it(tmp_path: Path) -> None:
    outlook = judged(two_methods(tmp_path, examples=60, seeds=2)).verdict.outlook or ""
    assert "would show it" in outlook and ("examples" in outlook or "seeds" in outlook)


def faults(runs: dict[str, Any], **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        tunewise.judge(runs, **options)
    return str(caught.value)


GOOD = {"id": ["a", "b", "c"], "label": ["x", "y", "x"], "prediction": ["x", "y", "y"]}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (GOOD | {"id": ["a", "b", "b"]}, "1 id stands there more than once (b)"),
        (GOOD | {"id": ["a", "b", "z"]}, "lacks 1 example that others have (z)"),
        (GOOD | {"id": ["p", "q", "r"]}, "these are different test sets"),
        (GOOD | {"label": ["x", "y", "y"]}, "another label than in"),
        (GOOD | {"prediction": ["1", "0", "1"]}, "no prediction is one of the labels"),
        (GOOD | {"prediction": ["x", None, "y"]}, "'prediction' is missing"),
        ({"id": ["a"], "text": ["t"]}, "It needs a 'prediction'"),
        ({"id": ["a", "b", "c"], "prediction": ["x", "y", "x"]}, "has no 'label'"),
        ({"id": ["a", "b", "c"], "score": [1, "much", 0]}, "score = 'much'"),
        ([0.5], "has answers: they cannot be compared"),
        (GOOD | {"label": ["x"]}, "differ in length"),
    ],
)
def test_runs_that_do_not_go_together_are_named(other: Any, expected: str) -> None:
    text = faults({"one": GOOD, "other": other})
    assert expected in text and "other" in text


def test_the_file_that_is_about_other_examples_is_named() -> None:
    text = faults({"one": GOOD, "other": GOOD | {"id": ["p", "q", "r"]}, "third": GOOD})
    assert "one, run 0: a, b, c" in text and "other, run 0: p, q, r" in text


def test_examples_that_all_have_can_be_asked_for() -> None:
    other = GOOD | {"id": ["c", "b", "z"], "label": ["x", "y", "x"]}
    found = tunewise.judge({"one": GOOD, "other": other}, shared=True)
    assert found.results.items == 2
    assert any("2 that every run has" in text for text in found.assumed)


def test_a_metric_that_does_not_exist_is_named() -> None:
    assert "Did you mean 'accuracy'" in faults({"one": GOOD}, metric="acuracy")
    assert "needs the probabilities" in faults({"one": GOOD}, metric="loss")


def test_without_ids_files_of_one_length_are_taken_row_by_row() -> None:
    bare = {name: GOOD[name] for name in ("label", "prediction")}
    found = tunewise.judge({"one": bare, "other": bare})
    assert any("row by row" in text for text in found.assumed)
    assert "has no ids" in faults({"one": GOOD, "other": bare})


def test_nothing_is_the_cheapest_where_nobody_knows_the_parameters() -> None:
    labels = [0, 1, 2, 0, 1, 2, 0, 1] * 5
    other = [1, *labels[1:]]
    found = tunewise.judge({"a": [labels], "b": [other]}, labels=labels)
    assert found.verdict.tied == ("b",)
    assert found.verdict.cheapest is None
    assert "cheapest" not in found.verdict.headline
