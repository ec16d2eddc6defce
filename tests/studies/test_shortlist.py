"""A shortlist says of each model what a study's own head would; nothing is trained or opened."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.commands import Run

from tunewise import Study
from tunewise.backbones.load import build
from tunewise.core.cache import cache_folder
from tunewise.core.errors import InputError
from tunewise.methods.nearest_neighbour import NearestNeighbour
from tunewise.statistics.comparison import compare
from tunewise.statistics.score_matrix import RowScores
from tunewise.store.answers import Answers
from tunewise.store.study import StudyFolder
from tunewise.studies.jobs import next_jobs
from tunewise.studies.prepare import prepare, store
from tunewise.studies.probe import READ, Probed
from tunewise.studies.rows import rows_of
from tunewise.studies.shortlist import Shortlist, shortlist
from tunewise.tasks.classification import Classification
from tunewise.training.features import FeatureStore
from tunewise.training.trial.run import TrialRun

Checkpoint = Callable[[str], Path]
STUDY: dict[str, Any] = {
    "name": "small",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "embedded:reviews", "limit": {"train": 60, "validation": 40, "test": 20}},
    "models": ["embedded:encoder"],
    "methods": ["head"],
}


def settings(*models: str, **more: Any) -> Any:
    return Study.read(STUDY | {"models": list(models) or ["embedded:encoder"]} | more).settings


def test_the_probe_is_the_head_that_a_study_solves_and_they_share_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = shortlist(settings())
    prepared = prepare(settings())
    folder = StudyFolder.create(tmp_path / "study")
    store(prepared, folder)
    (row,) = prepared.study.contenders
    (job,) = next_jobs(prepared.study, {}, {}, [row.features or ""])
    monkeypatch.setattr(FeatureStore, "_compute", computed_again)
    assert TrialRun(job, folder.path, lambda: False).run() == "done"
    result = folder.records()[job.id].result
    assert found.probe.rows[0].mean == (result.metrics or {})["validation"]["accuracy"]
    assert result.parameters is not None
    assert found.models[0].parameters == result.parameters.total


def test_python_gets_the_shortlist_of_the_command_and_can_show_it(checkpoint: Checkpoint) -> None:
    bert = checkpoint("bert")
    found = Study.read(STUDY).shortlist(["embedded:encoder", bert, "nobody/no-model"])
    assert [model.name for model in found.models] == ["embedded:encoder", str(bert)]
    assert list(found.missing) == ["nobody/no-model"]
    rows = found.to_frame()
    assert list(rows["model"]) == [row.name for row in found.probe.rows]
    assert list(rows["accuracy"]) == [row.mean for row in found.probe.rows]
    page = found._repr_html_()
    assert "Linear probe" in page and "Left out: " in page and "<script" not in page
    alone = Study.read(STUDY).shortlist()
    assert [model.name for model in alone.models] == ["embedded:encoder"]
    assert Study.read(STUDY).shortlist("embedded:encoder").probe == alone.probe


def test_features_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = shortlist(settings())
    monkeypatch.setattr(FeatureStore, "_compute", computed_again)
    assert shortlist(settings()).probe == first.probe
    with pytest.raises(AssertionError, match="second time"):
        shortlist(settings(data={"source": "embedded:reviews", "limit": 50}))


def computed_again(store: FeatureStore, encoded: Any) -> Any:
    raise AssertionError("features were computed a second time")


def test_the_test_split_is_never_read_by_a_model(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    encode = Classification.encode

    def noted(task: Classification, examples: Any, *how: Any, **more: Any) -> Any:
        seen.update(example.id for example in examples)
        return encode(task, examples, *how, **more)

    monkeypatch.setattr(Classification, "encode", noted)
    chosen = settings(str(checkpoint("bert")))
    splits = chosen.task.settle(rows_of(chosen)).splits
    before = set((cache_folder() / "features").glob("[!.]*/*"))
    shortlist(chosen)
    rows = {name: {row["id"] for row in part} for name, part in splits.items()}
    assert rows["train"] | rows["validation"] <= seen
    assert not rows["test"] & seen
    made = set((cache_folder() / "features").glob("[!.]*/*")) - before
    assert {path.name for path in made} <= {"train", "validation"}


def test_the_nearest_neighbor_is_that_of_the_method_where_both_average_tokens(
    checkpoint: Checkpoint,
) -> None:
    folder = str(checkpoint("bert"))
    task = {**STUDY["task"], "pooling": "mean"}
    chosen = settings(folder, task=task)
    settled = chosen.task.settle(rows_of(chosen))
    train, held = ([chosen.task.read(row) for row in settled.splits[split]] for split in READ)
    model = build(folder, options=settled.options, pooling="mean", seed=0)
    method = NearestNeighbour().fit(train, settled.options, model=model, seed=0)
    wanted = [answer.choice for answer in method.predict(held)]
    assert shortlist(chosen).models[0].nearest.choices.tolist() == wanted


def test_a_head_that_is_not_one_layer_over_one_vector_gives_way_to_one_over_the_mean(
    checkpoint: Checkpoint,
) -> None:
    found = shortlist(settings(*(str(checkpoint(name)) for name in ("bert", "roberta", "gpt2"))))
    assert [model.pooling for model in found.models] == ["library", "mean", "mean"]
    assert {row.name for row in found.nearest.rows} == {model.name for model in found.models}


def test_what_is_not_at_hand_is_left_out_and_told(
    tunewise: Run, tmp_path: Path, checkpoint: Checkpoint
) -> None:
    (tmp_path / "s.yaml").write_text(Study.read(STUDY).yaml)
    command = ("shortlist", "s.yaml", "--models", str(checkpoint("bert")), "nobody/no-model")
    ended = tunewise(*command, "--format", "json", cwd=tmp_path)
    assert ended.returncode == 1, ended.stderr
    told = json.loads(ended.stdout)
    assert list(told["missing"]) == ["nobody/no-model"]
    assert "hf download nobody/no-model" in told["missing"]["nobody/no-model"]
    assert told["keep"] == [str(checkpoint("bert"))]
    ended = tunewise("shortlist", "s.yaml", "--models", "nobody/no-model", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "nobody/no-model" in ended.stderr


def test_data_alone_is_enough_and_the_next_command_is_named(
    tunewise: Run, tmp_path: Path, checkpoint: Checkpoint
) -> None:
    lines = [f"the room was {'good' if at % 2 else 'bad'} {at},{at % 2}" for at in range(60)]
    (tmp_path / "rooms.csv").write_text("\n".join(["text,label", *lines]))
    models = ("embedded:encoder", str(checkpoint("bert")))
    ended = tunewise("shortlist", "rooms.csv", "--models", *models, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "Linear probe" in ended.stdout
    assert "tunewise init rooms.csv --models " in ended.stdout
    table = ended.stdout[: ended.stdout.index("Take")].splitlines()
    assert all(len(line) <= 80 for line in table)
    assert not list(tmp_path.glob("runs"))


def test_a_task_without_classes_is_refused() -> None:
    with pytest.raises(InputError, match=r"task\.kind"):
        shortlist(
            settings(
                "embedded:decoder",
                task={"kind": "question-answering"},
                data={"source": "embedded:spans"},
                methods=["untuned"],
            )
        )


def made(right: dict[str, int], parameters: dict[str, int]) -> Shortlist:
    """A shortlist of models that get the first so many of 400 examples right."""
    labels, ids = np.zeros(400, dtype=np.int64), [str(number) for number in range(400)]
    models, rows = [], []
    for name, count in right.items():
        choices = (np.arange(400) >= count).astype(np.int64)
        answers = Answers(tuple(ids), labels, choices, np.eye(2)[choices])
        models.append(Probed(name, "mean", parameters[name], 8, 0.0, answers, answers, 0.0))
        rows.append(RowScores(name, ids, labels, {0: choices}, seeded=False))
    compared = compare(rows, "accuracy", rng=np.random.default_rng(0))
    held = {"train": 400, "validation": 400}
    return Shortlist("toy", "accuracy", held, 2, tuple(models), {}, compared, compared, {})


def test_what_is_not_shown_to_be_worse_is_kept_and_the_smallest_named() -> None:
    found = made(
        {"large": 360, "base": 358, "tiny": 355, "weak": 300},
        {"large": 300, "base": 100, "tiny": 20, "weak": 1},
    )
    assert found.keep == ("large", "base", "tiny")
    assert found.smallest == "tiny"


def test_one_model_is_kept_alone() -> None:
    found = made({"only": 10}, {"only": 7})
    assert (found.keep, found.smallest) == (("only",), "only")
