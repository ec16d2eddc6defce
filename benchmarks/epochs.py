"""Which epoch of a training of open length each of several rules keeps, and what it has on test.

    python benchmarks/epochs.py --measure --datasets sst5 --methods lora --seeds 0 1
    python benchmarks/epochs.py --table

A training is followed for some epochs at its constant rate, then through a decay of one epoch from
the weights of each of them. Whatever rule chooses an epoch, what it would have kept is then known:
each kept in benchmarks/results/epochs with its losses on validation, and which answers to
validation and to a part of the test split are right. A training takes some ten minutes on a core.

`--table` prints the accuracy on test of what each rule keeps, a mean over seeds. The rule that
the product has is asked of the product.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from reference.cases import DATASETS, MINILM, Absent, Case, study_of
from reference.records import made_by

import tunewise
from tunewise.core.files import write_json
from tunewise.data.prepared import read_prepared
from tunewise.runner import run_job
from tunewise.statistics.noise import is_higher
from tunewise.statistics.temperature import softened_losses
from tunewise.store.study import StudyFolder
from tunewise.studies.jobs import next_jobs
from tunewise.studies.prepare import prepare, store
from tunewise.training.checkpoint import put_back, trained_tensors
from tunewise.training.course import Standing
from tunewise.training.encoded_split import Feed
from tunewise.training.loop import Training
from tunewise.training.predictor import predict_feed

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "epochs"
RATES = {"lora": 9e-4, "full": 9e-5}  # that were measured in the comparison with the expert
EPOCHS = 7  # at the constant rate
TESTED = 2000  # examples of the test split, evenly spaced
MOST_TOKENS = 256  # of one of them


class Followed(Exception):
    """The training has been followed to its end; what the trial would do next is of no use."""


class Epoch(NamedTuple):
    """What the weights of an epoch answer, an entry for each example."""

    right: NDArray[np.float64]  # 1 or 0, on validation
    losses: NDArray[np.float64]  # nats, on validation
    softened: NDArray[np.float64]  # once a model that is too sure is no longer so
    test: NDArray[np.float64]  # 1 or 0


def follow(training: Training, folder: Path) -> dict[str, list[Epoch]]:
    """Train, and decay from each epoch; what stands in for `Training.run`."""
    training.checkpoint_seconds = math.inf
    training.begin()
    task, processor = training.task, training.model.processor
    rows = read_prepared(folder / "data", "test")
    tested = [task.read(rows[at]) for at in range(0, len(rows), max(1, len(rows) // TESTED))]
    encoded = task.encode(tested[:TESTED], processor, max_length=MOST_TOKENS)
    test_feed = Feed(task, processor, encoded)
    labels = np.array([example.label for example in training.validation])
    test_labels = np.array([example.label for example in tested[:TESTED]])

    def look() -> Epoch:
        asked = predict_feed(training.model, training.validation_feed, choosing=True)
        there = predict_feed(training.model, test_feed, choosing=True)
        return Epoch(
            np.array([one.choice for one in asked]) == labels,
            np.array([one.loss for one in asked]),
            softened_losses([one.probabilities for one in asked], labels),
            np.array([one.choice for one in there]) == test_labels,
        )

    found: dict[str, list[Epoch]] = {"constant": [], "decay": []}
    weights = []
    for _ in range(EPOCHS):
        training._train_epoch()
        found["constant"].append(look())
        training.progress.close_epoch({"accuracy": 0.0, "loss": 0.0})
        weights.append(trained_tensors(training.model.module))
    optimizer = copy.deepcopy(training.optimizer.state_dict())
    progress = copy.deepcopy(training.progress)
    for start in weights:
        put_back(training.model.module, start)
        training.optimizer.load_state_dict(copy.deepcopy(optimizer))
        training.progress = copy.deepcopy(progress)
        standing = training.progress.standing
        standing.ended, standing.decay_from, standing.decay_epochs = "patience", EPOCHS + 1, 1
        training._train_epoch()
        found["decay"].append(look())
    return found


def measure(case: Case, method: str, seed: int, asked: argparse.Namespace) -> None:
    """Follow one training, and keep what was seen.

    Raises:
        Absent: the data or the model are not here.
    """
    entry: Any = {method: {"training": {"learning_rate": RATES[method]}}}
    settings = tunewise.Study.read(study_of(case, asked.data, [entry], [seed])).settings
    with TemporaryDirectory() as place:
        folder = StudyFolder.create(Path(place) / "study")
        with folder.lock():
            store(prepare(settings), folder)
        (job,) = [one for one in next_jobs(folder.study(), {}, {}) if one.kind == "trial"]
        seen: dict[str, list[Epoch]] = {}

        def run(training: Training) -> None:
            seen.update(follow(training, folder.path))
            raise Followed

        with patch.object(Training, "run", run):
            run_job(job, folder.path, lambda: False)  # which takes `Followed` for a failure
    keep(f"{case.dataset}-{method}-{seed}", seen, asked.results)


def keep(name: str, seen: dict[str, list[Epoch]], results: Path) -> None:
    rows = [
        {"phase": phase, "epoch": number, **epoch._asdict()}
        for phase, epochs in seen.items()
        for number, epoch in enumerate(epochs, 1)
    ]
    shapes = [("phase", pa.string()), ("epoch", pa.int8()), ("right", pa.list_(pa.bool_()))]
    shapes += [("losses", pa.list_(pa.float32())), ("softened", pa.list_(pa.float32()))]
    schema = pa.schema([*shapes, ("test", pa.list_(pa.bool_()))])
    results.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.Table.from_pylist(rows, schema=schema), results / f"{name}.parquet", compression="zstd"
    )
    write_json(results / f"{name}.json", {"made_by": made_by("")})


def kept_epochs(path: Path) -> dict[str, list[Epoch]]:
    seen: dict[str, list[Epoch]] = {}
    for row in pq.read_table(path).to_pylist():
        values = (np.array(row[name], dtype=np.float64) for name in Epoch._fields)
        seen.setdefault(row["phase"], []).append(Epoch(*values))
    return seen


Better = Callable[[Epoch, Epoch, bool], bool]
"""Whether the first replaces the second as the best; whether it is one of the decay."""


def by_score(new: Epoch, best: Epoch, decays: bool) -> bool:
    return (new.right.mean(), -new.losses.mean()) > (best.right.mean(), -best.losses.mean())


def by_loss(new: Epoch, best: Epoch, decays: bool) -> bool:
    return bool(new.losses.mean() < best.losses.mean())


def beyond(errors: float, *, softened: bool = False) -> Better:
    """By score beyond so many standard errors, else by loss."""

    def is_better(new: Epoch, best: Epoch, decays: bool) -> bool:
        if is_higher(new.right, best.right, errors=errors):
            return True
        if is_higher(best.right, new.right, errors=errors):
            return False
        ours, theirs = (one.softened if softened else one.losses for one in (new, best))
        return bool(ours.mean() < theirs.mean())

    return is_better


def as_the_product(new: Epoch, best: Epoch, decays: bool) -> bool:
    standing = Standing(ended="patience" if decays else None)
    standing.is_best(best.right.tolist(), best.losses.tolist())
    return standing.is_best(new.right.tolist(), new.losses.tolist())


RULES: dict[str, Better] = {
    "the higher score": by_score,
    "the lower loss": by_loss,
    "score beyond one standard error, else loss": beyond(1.0),
    "score beyond two, else loss": beyond(2.0),
    "score beyond two, else the softened loss": beyond(2.0, softened=True),
    "the product's": as_the_product,
}


def on_test(seen: dict[str, list[Epoch]], is_better: Better) -> float:
    """Accuracy of what a rule keeps of a training."""
    best = 0
    for number, epoch in enumerate(seen["constant"]):
        if number and is_better(epoch, seen["constant"][best], False):
            best = number
    before, after = seen["constant"][best], seen["decay"][best]
    return float((after if is_better(after, before, True) else before).test.mean())


def table(results: Path) -> None:
    found = {path.stem: kept_epochs(path) for path in sorted(results.glob("*.parquet"))}
    groups = list(dict.fromkeys(name.rpartition("-")[0] for name in found))
    print("% on test".ljust(44), *(f"{group:>26}" for group in groups))
    for rule, is_better in RULES.items():
        means = [
            np.mean([on_test(one, is_better) for name, one in found.items() if name[:-2] == group])
            for group in groups
        ]
        print(rule.ljust(44), *(f"{100 * mean:>26.1f}" for mean in means))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=["sst5"])
    parser.add_argument("--methods", nargs="+", choices=RATES, default=list(RATES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    torch.set_num_threads(1)
    wanted = [(d, m, s) for d in asked.datasets for m in asked.methods for s in asked.seeds]
    for dataset, method, seed in wanted if asked.measure else []:
        try:
            measure(Case(dataset, asked.rows, MINILM), method, seed, asked)
        except Absent as absent:
            print(f"{dataset}: skipped, because {absent}")
    if asked.table:
        table(asked.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
