"""A whole study folder made by hand, so that reports can be tested without training anything.

Five contenders answer simulated examples: an example has a difficulty, a contender a skill, and
both decide together whether the answer is right, so answers of different contenders on one example
agree about as often as those of real models do. Everything follows from one generator.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tunewise.core.canonical import digest
from tunewise.core.files import mark_complete, write_json
from tunewise.methods.base import METHODS
from tunewise.statistics.metrics import METRICS, Columns
from tunewise.tasks.base import TASKS

LABELS = ("very bad", "bad", "fair", "good", "very good")
PLACES = ("room", "flat", "attic", "studio", "cellar")
REMARKS = (
    "a window that never shuts and a tap that never stops",
    "smaller than the pictures, and the stairs creak all night",
    "what one expects for the price, no more",
    "bright in the morning and quiet after nine",
    "the best kitchen I have ever cooked in, and a kind landlord",
)
POINTS = ({"training.learning_rate": 1e-4}, {"training.learning_rate": 5e-4})
HIGH = {"training.learning_rate": 1e-3}
WHERE = "an invented computer"
MODEL = {"source": "embedded:encoder", "revision": None, "hash": "c0ffee00c0ffee00"}


@dataclass(frozen=True)
class Invented:
    """A contender: its skill on the logit scale, per search point, and what it costs."""

    name: str
    method: str
    skills: tuple[float, ...]
    seconds: float
    points: tuple[dict[str, Any], ...] = ({},)
    parameters: dict[str, int] | None = None
    trained: bool = True
    artefact: int = 1000
    settings: dict[str, Any] = field(default_factory=dict)
    fails: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    checks: tuple[dict[str, Any], ...] = ()


CONTENDERS = (
    Invented("majority", "majority", (-1.3,), 0.01, trained=False, artefact=180),
    Invented("tfidf", "tfidf", (-0.35,), 1.4, trained=False, artefact=412_000),
    Invented(
        "head",
        "head",
        (-0.5, -0.25, -0.15),
        9.0,
        points=(*POINTS, HIGH),
        parameters={"total": 22_715_141, "trainable": 1_925, "head": 1_925},
        artefact=9_100,
    ),
    Invented(
        "lora rank=16",
        "lora",
        (0.3, 0.72, 0.5),
        88.0,
        points=(*POINTS, HIGH),
        parameters={"total": 23_010_053, "trainable": 296_837, "head": 1_925},
        artefact=1_190_000,
        settings={"rank": 16, "alpha": 32.0, "dropout": 0.0, "targets": ["query", "value"]},
    ),
    Invented(
        "full",
        "full",
        (0.8, 0.55, 0.0),
        131.0,
        points=(*POINTS, HIGH),
        parameters={"total": 22_715_141, "trainable": 22_715_141, "head": 1_925},
        artefact=90_860_000,
        fails={(2, 0): ("diverged", "The loss was not a number at step 41 (epoch 1).")},
    ),
)


@dataclass(frozen=True)
class Plan:
    """What the invented study looks like."""

    name: str = "rooms"
    contenders: tuple[Invented, ...] = CONTENDERS
    seeds: tuple[int, ...] = (0, 1, 2)
    epochs: int = 6
    labels: tuple[str, ...] = LABELS
    validation: int = 300
    test: int = 600
    has_test: bool = True
    pair: bool = False
    texts: tuple[str, ...] = ()  # put in place of the first examples' texts
    accept_leakage: str | None = None
    warnings: tuple[str, ...] = ("2 texts of test also stand in train (0.3 % of test).",)
    ran: bool = True
    rng_seed: int = 7
    host: str = WHERE
    pace: float = 1.0  # every measured time is multiplied by this
    require: dict[str, float] | None = None
    metrics: tuple[str, ...] = ("accuracy", "f1_macro")
    margin: float | None = None  # of equivalence
    slices: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("flat", "room", "cellar")  # of the column `kind`, example by example


def fabricate(folder: Path, plan: Plan | None = None) -> Path:
    """Write the study folder and return it."""
    plan = plan or Plan()
    rng = np.random.default_rng(plan.rng_seed)
    examples = {"validation": _items(plan, "validation", rng)}
    if plan.has_test:
        examples["test"] = _items(plan, "test", rng)
    folder.mkdir(parents=True, exist_ok=True)
    for split, chosen in examples.items():
        _write_split(folder, plan, split, chosen)
    study = _study(plan, examples)
    write_json(folder / "study.json", study)
    (folder / "study.yaml").write_text(f"name: rooms\nseeds: {list(plan.seeds)}\n")
    if not plan.ran:
        return folder
    for contender, described in zip(plan.contenders, study["contenders"], strict=True):
        _Run(folder, plan, contender, described, examples, rng).everything()
    return folder


@dataclass(frozen=True)
class _Items:
    ids: list[str]
    texts: list[str]
    labels: np.ndarray
    difficulty: np.ndarray


def _items(plan: Plan, split: str, rng: np.random.Generator) -> _Items:
    count = plan.validation if split == "validation" else plan.test
    labels = rng.integers(len(plan.labels), size=count)
    texts = [
        f"The {PLACES[int(rng.integers(len(PLACES)))]}: {REMARKS[label % len(REMARKS)]}."
        for label in labels
    ]
    texts[: len(plan.texts)] = plan.texts[:count]
    ids = [f"{split}-{number}" for number in range(count)]
    return _Items(ids, texts, labels, rng.normal(0.0, 1.6, count))


def _write_split(folder: Path, plan: Plan, split: str, examples: _Items) -> None:
    columns: dict[str, Any] = {"id": examples.ids, "text": examples.texts}
    if plan.pair:
        columns["question"] = ["Would you stay again?"] * len(examples.ids)
    columns["label"] = examples.labels
    if plan.slices:
        columns["kind"] = [plan.kinds[n % len(plan.kinds)] for n in range(len(examples.ids))]
    (folder / "data").mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / "data" / f"{split}.parquet")


def _study(plan: Plan, examples: dict[str, _Items]) -> dict[str, Any]:
    task = {
        "kind": "classification",
        "text": ["question", "text"] if plan.pair else ["text"],
        "label": "label",
        "labels": list(plan.labels),
        "metrics": list(plan.metrics),
        "pooling": "library",
    }
    counts = {
        split: {
            name: int((chosen.labels == number).sum()) for number, name in enumerate(plan.labels)
        }
        for split, chosen in examples.items()
    }
    counts["train"] = dict.fromkeys(plan.labels, 2000 // len(plan.labels))
    return {
        "schema": 1,
        "name": plan.name,
        "settings": {"name": plan.name, "task": task, "seeds": list(plan.seeds)},
        "seeds": list(plan.seeds),
        "task": task,
        "metrics": list(plan.metrics),
        "equivalence_margin": plan.margin,
        "labels": list(plan.labels),
        "contenders": [_contender(plan, task, contender) for contender in plan.contenders],
        "descriptions": descriptions(task, {row.method for row in plan.contenders}),
        "data": {
            "hash": "5f0c9a1be2d34478",
            "rows": {
                "train": 2000,
                **{split: len(chosen.ids) for split, chosen in examples.items()},
            },
            "label_counts": counts,
            "audit": {
                "warnings": list(plan.warnings),
                "facts": {"truncated_share": {"validation": 0.013}, "empty_texts": 0},
            },
            "accept_leakage": plan.accept_leakage,
            "has_test": plan.has_test,
        },
        "require": plan.require,
        "slices": list(plan.slices),
        "models": {"embedded:encoder": MODEL},
        "environment": {"python": "3.11.9", "torch": "2.13.0", "platform": "Linux", "cores": 2},
    }


def descriptions(task: dict[str, Any], methods: set[str]) -> dict[str, Any]:
    """What a prepared study keeps of what its task and methods say of themselves."""
    classes = [METHODS.classes[name] for name in sorted(methods)]
    return {
        "task": TASKS.classes[task["kind"]].description,
        "methods": {one.name: one.description for one in classes},
        "references": {key: text for one in classes for key, text in one.references.items()},
    }


def _contender(plan: Plan, task: dict[str, Any], contender: Invented) -> dict[str, Any]:
    uses_model = contender.parameters is not None

    def settings(point: dict[str, Any]) -> dict[str, Any]:
        training = {"epochs": plan.epochs, "batch_size": 32}
        training |= {key.removeprefix("training."): value for key, value in point.items()}
        return {
            "task": task,
            "data": {"hash": "5f0c9a1be2d34478"},
            "model": MODEL if uses_model else None,
            "method": {"name": contender.method, "version": 1, "settings": contender.settings},
            "training": training if contender.trained else {},
        }

    return {
        "name": contender.name,
        "model": "embedded:encoder" if uses_model else None,
        "method": contender.method,
        "settings": contender.settings,
        "seeded": contender.trained,
        "trained": contender.trained,
        "search": ["training.learning_rate"] if len(contender.points) > 1 else [],
        "points": [
            {"point": point, "settings": settings(point), "identity": settings(point)}
            for point in contender.points
        ],
        "parameters": contender.parameters,
        "features": None,
        "spoken": METHODS.classes[contender.method].spoken,
        "constant": METHODS.classes[contender.method].constant,
        "reads_only": METHODS.build(contender.method, contender.settings).reads_only,
    }


@dataclass(frozen=True)
class _Run:
    """What the trials of one contender have in common."""

    folder: Path
    plan: Plan
    contender: Invented
    described: dict[str, Any]
    items: dict[str, _Items]
    rng: np.random.Generator

    def id(self, number: int, seed: int) -> str:
        return digest({**self.described["points"][number]["identity"], "seed": seed})

    def everything(self) -> None:
        """Every search point with the first seed, the best with the others, then the tests."""
        first = self.plan.seeds[0]
        points = range(len(self.contender.points))
        scores = [self.trial(number, first) for number in points]
        best = max(points, key=lambda number: scores[number])
        if scores[best] < 0:
            return
        seeds = self.plan.seeds if self.contender.trained else (first,)
        for seed in seeds[1:]:
            self.trial(best, seed)
        for seed in seeds if self.plan.has_test else ():
            if (best, seed) not in self.contender.fails:
                self.test(best, seed)

    def trial(self, number: int, seed: int) -> float:
        """Write one trial and return its validation accuracy, -1 if it failed."""
        folder = self.folder / "trials" / self.id(number, seed)
        skill = self.contender.skills[number]
        failure = self.contender.fails.get((number, seed))
        status, error = failure or ("done", None)
        epochs: list[dict[str, Any]] = []
        metrics: dict[str, dict[str, float]] = {}
        if not failure:
            epochs = _curve(self.plan, skill, self.rng) if self.contender.trained else []
            metrics["validation"] = self.answers(folder, "validation", skill)
        result = {
            "schema": 1,
            "id": folder.name,
            "settings": {**self.described["points"][number]["settings"], "seed": seed},
            "status": status,
            "error": error,
            "flags": ["degenerate"] if self.contender.method == "majority" else [],
            "metrics": metrics,
            "best_epoch": len(epochs) or None,
            "epochs": epochs,
            "parameters": self.contender.parameters,
            "steps": 63 * len(epochs),
            "tokens": {"real": 51_200, "padded": 53_760},
            "truncated_share": {"validation": 0.013},
            "checks": list(self.contender.checks),
        }
        write_json(folder / "result.json", result)
        write_json(folder / "costs.json", _costs(self.plan, self.contender, self.rng))
        _write_log(folder, self.plan, epochs, self.rng)
        mark_complete(folder)
        return metrics["validation"]["accuracy"] if metrics else -1.0

    def test(self, number: int, seed: int) -> None:
        folder = self.folder / "tests" / self.id(number, seed)
        metrics = {"test": self.answers(folder, "test", self.contender.skills[number])}
        result = {"schema": 1, "id": folder.name, "status": "done", "metrics": metrics}
        write_json(folder / "result.json", result)
        seconds = self.contender.seconds / 1e4
        timed = {"batch_size": 1, "median_seconds": seconds, "p95_seconds": 1.5 * seconds}
        costs = {"schema": 1, "opened": "2026-08-22T11:00:00+00:00", "at_one": timed}
        write_json(folder / "costs.json", costs | {"at_best": timed | {"batch_size": 8}})
        mark_complete(folder)

    def answers(self, where: Path, split: str, skill: float) -> dict[str, float]:
        """Write the predictions of one split and return their metrics."""
        examples, rng = self.items[split], self.rng
        count, classes = len(examples.ids), len(self.plan.labels)
        right = rng.random(count) < 1 / (1 + np.exp(examples.difficulty - 1.5 * skill))
        wrong = (examples.labels + rng.integers(1, classes, count)) % classes
        choice = np.where(right, examples.labels, wrong)
        if self.contender.method == "majority":
            choice = np.full_like(choice, int(np.bincount(examples.labels).argmax()))
        sure = 0.4 + 0.5 * rng.random(count)
        probabilities = np.repeat((1 - sure)[:, None] / (classes - 1), classes, axis=1)
        probabilities[np.arange(count), choice] = sure
        loss = -np.log(probabilities[np.arange(count), examples.labels])
        columns = {
            "id": examples.ids,
            "label": pa.array(examples.labels, pa.int32()),
            "choice": pa.array(choice, pa.int32()),
            "probabilities": probabilities.tolist(),
            "loss": pa.array(loss, pa.float64()),
        }
        path = where / "predictions" / f"{split}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), path)
        answered = Columns(examples.labels, choice, probabilities)
        names = dict.fromkeys((*self.plan.metrics, "accuracy", "f1_macro", "loss"))
        scores = {name: METRICS[name].of(answered) for name in names}
        return {name: score for name, score in scores.items() if score is not None}


def _curve(plan: Plan, skill: float, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Training loss falls; validation loss turns for the strongest learners."""
    epochs = []
    for epoch in range(1, plan.epochs + 1):
        learned = 1.0 - math.exp(-epoch / 1.5)
        loss = 1.6 - (0.6 + 0.5 * skill) * learned + float(rng.normal(0, 0.01))
        turn = max(0.0, skill) * 0.03 * epoch**1.3
        epochs.append(
            {
                "epoch": epoch,
                "train_loss": loss - 0.05 * epoch * max(skill, 0.0),
                "validation": {
                    "accuracy": 0.2 + (0.34 + 0.26 * skill) * learned + float(rng.normal(0, 0.006)),
                    "f1_macro": 0.1 + (0.44 + 0.26 * skill) * learned + float(rng.normal(0, 0.006)),
                    "loss": loss + 0.05 + turn,
                },
            }
        )
    return epochs


def _costs(plan: Plan, contender: Invented, rng: np.random.Generator) -> dict[str, Any]:
    train = contender.seconds * float(rng.uniform(0.95, 1.05)) * plan.pace
    return {
        "schema": 1,
        "seconds": {
            "load": 0.4,
            "train": train,
            "evaluate": 1.5,
            "save": 0.1,
            "total": train + 2.0,
        },
        "bytes": {
            "peak_resident": int(3e8 + (contender.parameters or {}).get("trainable", 0) * 16),
            "artefact": contender.artefact,
        },
        "tokens_per_second": 51_200 / train,
        "started": "2026-08-22T10:00:00Z",
        "host": plan.host,
        "environment": {"python": "3.11.9", "torch": "2.13.0"},
    }


def _write_log(
    trial: Path, plan: Plan, epochs: list[dict[str, Any]], rng: np.random.Generator
) -> None:
    lines: list[dict[str, Any]] = [{"event": "start", "steps": 63 * plan.epochs, "epochs": 6}]
    before = 1.6
    for epoch in epochs:
        for step in range(63 * (epoch["epoch"] - 1) + 9, 63 * epoch["epoch"] + 1, 9):
            left = 1 - (step - 63 * (epoch["epoch"] - 1)) / 63
            noisy = epoch["train_loss"] + (before - epoch["train_loss"]) * left
            noisy += float(rng.normal(0, 0.03))
            lines.append(
                {
                    "event": "step",
                    "epoch": epoch["epoch"],
                    "step": step,
                    "loss": noisy,
                    "learning_rate": 1e-4,
                    "gradient_norm": 1.0,
                    "seconds": step * 0.02,
                }
            )
        before = epoch["train_loss"]
    lines.append({"event": "end", "status": "done"})
    (trial / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def without(plan: Plan, *names: str) -> Plan:
    """The same study with some contenders left out."""
    kept = tuple(contender for contender in plan.contenders if contender.name not in names)
    return replace(plan, contenders=kept)
