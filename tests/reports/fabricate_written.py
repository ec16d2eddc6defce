"""A full study of question answering made by hand: rank x targets x learning rate, as in a recipe.

The design is that of recipes/squad-gpt2.yaml: the model as it is, LoRA of every rank on both
kinds of targets, full fine-tuning, three learning rates each, several ways of decoding. What a
contender answers follows from its skill and from how hard the question is, and a wrong answer is
wrong in one of the ways in which real ones are. Everything follows from one generator.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.reports.fabricate import descriptions

from tunewise.core.canonical import digest
from tunewise.core.files import mark_complete, write_json
from tunewise.statistics.squad import exact_match, f1

MODEL = "gpt2"
GPT2 = 124_439_808
PER_RANK = {"attention": 55_296, "mlp": 92_160}  # numbers of one rank in twelve blocks
TASK = "question-answering"
DECODING = (
    *("greedy", "top-k 10", "top-k 25", "top-k 50", "top-p 0.8", "top-p 0.9", "top-p 0.95"),
    *("temperature 0.7", "temperature 1.0", "temperature 1.3"),
)
NAMES = ("Mrs Hale", "Mr Okoro", "the Browns", "Ines Falk")
PLACES = ("right of the window", "behind the skylight", "in the attic", "next to the door")
COUNTS = ("two", "three", "five", "eleven")
COLOURS = ("green", "dark blue", "off-white", "red")


@dataclass(frozen=True)
class WrittenPlan:
    """How large the invented study is."""

    name: str = "squad"
    ranks: tuple[int, ...] = (4, 8, 16, 32)
    targets: tuple[tuple[str, ...], ...] = (("attention",), ("attention", "mlp"))
    rates: tuple[float, ...] = (1e-4, 2e-4, 5e-4)
    seeds: tuple[int, ...] = (0, 1, 2)
    epochs: int = 5
    validation: int = 200
    test: int = 600
    decoding: tuple[str, ...] = DECODING
    samples: int = 5
    phases: bool = True  # whether the memory and time of each phase were measured
    texts: tuple[str, ...] = ()  # put in place of the first questions, contexts and answers
    rng_seed: int = 11


@dataclass(frozen=True)
class _Row:
    name: str
    method: str
    settings: dict[str, Any]
    skills: tuple[float, ...]  # a point
    trained: int


def fabricate_written(folder: Path, plan: WrittenPlan | None = None) -> Path:
    """Write the study folder and return it."""
    plan = plan or WrittenPlan()
    rng = np.random.default_rng(plan.rng_seed)
    asked = {split: _asked(split, plan, rng) for split in ("validation", "test")}
    (folder / "data").mkdir(parents=True)
    for split, rows in asked.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / "data" / f"{split}.parquet")
    study = _study(plan)
    write_json(folder / "study.json", study)
    (folder / "study.yaml").write_text(f"name: {plan.name}\nseeds: {list(plan.seeds)}\n")
    hard = {split: rng.normal(0.0, 1.5, len(rows)) for split, rows in asked.items()}
    for row, described in zip(_rows(plan), study["contenders"], strict=True):
        _Writer(folder, plan, row, described, asked, hard, rng).everything()
    return folder


def _asked(split: str, plan: WrittenPlan, rng: np.random.Generator) -> list[dict[str, Any]]:
    rows = []
    for number in range(getattr(plan, split)):
        name, place, things, color = (
            str(rng.choice(words)) for words in (NAMES, PLACES, COUNTS, COLOURS)
        )
        year = str(rng.integers(1850, 1990))
        context = (
            f"House {number} was built in {year}. {name} lets a room with {things} clocks. A "
            f"{color} wardrobe stands {place}."
        )
        word, question, answer = (
            ("where", "Where does the wardrobe stand?", place),
            ("how", "How many clocks are there?", things),
            ("what", "What color is the wardrobe?", color),
            ("who", "Who lets the room?", name),
            ("when", "When was the house built?", year),
        )[number % 5]
        if number < len(plan.texts):
            question = context = answer = word = plan.texts[number]
        rows.append(
            {
                "id": f"{split}-{number}",
                "context": context,
                "question": question,
                "answers": {"text": [answer], "answer_start": [context.index(answer)]},
                "question_word": word,
            }
        )
    return rows


def _rows(plan: WrittenPlan) -> list[_Row]:
    """Quality rises with the rank and with more targets; of three rates the middle one is best."""
    bend = [0.35 * abs(place - 1) for place in range(len(plan.rates))]
    rows = [_Row("untuned", "untuned", {}, (-4.0,), 0)]
    for targets in plan.targets:
        for rank in plan.ranks:
            skill = -0.4 + 0.12 * np.log2(rank) + 0.3 * (len(targets) - 1)
            trained = rank * sum(PER_RANK[target] for target in targets)
            name = f"lora rank={rank} targets={'+'.join(targets)}"
            settings = {"rank": rank, "alpha": 32.0, "targets": list(targets)}
            rows.append(_Row(name, "lora", settings, tuple(skill - b for b in bend), trained))
    return [*rows, _Row("full", "full", {}, tuple(0.5 - b for b in bend), GPT2)]


def _study(plan: WrittenPlan) -> dict[str, Any]:
    task: dict[str, Any] = {
        "kind": TASK,
        "context": "context",
        "question": "question",
        "answers": "answers",
    }
    task |= {"decoding": list(plan.decoding), "samples": plan.samples, "max_new_tokens": 32}
    sizes = {"train": 4000, "validation": plan.validation, "test": plan.test}
    return {
        "schema": 1,
        "name": plan.name,
        "settings": {"name": plan.name, "task": task, "seeds": list(plan.seeds)},
        "seeds": list(plan.seeds),
        "task": task,
        "texts": ["question", "context"],
        "metrics": ["f1", "exact_match"],
        "labels": [],
        "contenders": [_contender(plan, task, row) for row in _rows(plan)],
        "descriptions": descriptions(task, {row.method for row in _rows(plan)}),
        "data": {
            "hash": "a97468a731261832",
            "rows": sizes,
            "label_counts": {
                split: {"with an answer": rows, "without an answer": 0}
                for split, rows in sizes.items()
            },
            "audit": {
                "warnings": ["12 contexts of train were shortened to fit 512 tokens."],
                "facts": {
                    "splits": {
                        split: {
                            "rows": rows,
                            "words": {"mean": 31.2, "median": 31.0, "largest": 48},
                            "tokens": {"mean": 44.0, "median": 44.0, "largest": 66},
                            "truncated_share": 0.003,
                            "repeated_texts": 0,
                            "without_answer": 0,
                        }
                        for split, rows in sizes.items()
                    },
                    "shared_texts": [
                        {
                            "of": split,
                            "within": "train",
                            "rows": sizes[split],
                            **{"same": 0, "alike": 1, "near": 2, "share": 3 / sizes[split]},
                        }
                        for split in ("validation", "test")
                    ],
                },
            },
            "accept_leakage": None,
            "has_test": True,
        },
        "models": {MODEL: {"source": MODEL, "revision": None, "hash": "dc133cfd4e1cc868"}},
        "environment": {"python": "3.11.9", "torch": "2.13.0", "transformers": "5.23.0"},
    }


def _contender(plan: WrittenPlan, task: dict[str, Any], row: _Row) -> dict[str, Any]:
    def settings(rate: float | None) -> dict[str, Any]:
        training: dict[str, Any] = {} if rate is None else {"epochs": plan.epochs, "batch_size": 16}
        if rate is not None:
            training |= {"learning_rate": rate, "optimizer": "adamw", "schedule": "linear"}
        return {
            "task": task,
            "data": {"hash": "a97468a731261832"},
            "model": {"source": MODEL, "revision": None, "hash": "dc133cfd4e1cc868"},
            "method": {"name": row.method, "version": 1, "settings": row.settings},
            "training": training,
        }

    rates: tuple[float | None, ...] = plan.rates if row.trained else (None,)
    return {
        "name": row.name,
        "model": MODEL,
        "method": row.method,
        "settings": row.settings,
        "seeded": bool(row.trained),
        "trained": bool(row.trained),
        "search": ["training.learning_rate"] if row.trained else [],
        "points": [
            {
                "point": {} if rate is None else {"training.learning_rate": rate},
                "settings": settings(rate),
                "identity": settings(rate),
            }
            for rate in rates
        ],
        "parameters": {"total": GPT2 + row.trained % GPT2, "trainable": row.trained, "head": 0},
        "features": None,
    }


@dataclass(frozen=True)
class _Writer:
    """What the trials of one contender have in common."""

    folder: Path
    plan: WrittenPlan
    row: _Row
    described: dict[str, Any]
    asked: dict[str, list[dict[str, Any]]]
    hard: dict[str, np.ndarray]
    rng: np.random.Generator

    def everything(self) -> None:
        first = self.plan.seeds[0]
        points = range(len(self.row.skills))
        scores = [self.trial(point, first) for point in points]
        best = max(points, key=lambda point: scores[point])
        seeds = self.plan.seeds if self.row.trained else (first,)
        for seed in seeds[1:]:
            self.trial(best, seed)
        for seed in seeds:
            self.test(best, seed)

    def id(self, point: int, seed: int) -> str:
        return digest({**self.described["points"][point]["identity"], "seed": seed})

    def trial(self, point: int, seed: int) -> float:
        folder = self.folder / "trials" / self.id(point, seed)
        skill = self.row.skills[point] + float(self.rng.normal(0, 0.08))
        scores = self.answers(folder, "validation", skill)
        epochs = self.curve(skill) if self.row.trained else []
        result = {
            "schema": 1,
            "id": folder.name,
            "settings": {**self.described["points"][point]["settings"], "seed": seed},
            "status": "done",
            "error": None,
            "flags": [],
            "metrics": {"validation": scores},
            "best_epoch": len(epochs) or None,
            "epochs": epochs,
            "parameters": self.described["parameters"],
            "steps": 125 * len(epochs),
            "tokens": None,
            "truncated_share": {"validation": 0.0},
            "checks": [],
        }
        write_json(folder / "result.json", result)
        write_json(folder / "costs.json", self.costs())
        events = [{"event": "start"}, {"event": "end", "status": "done"}]
        (folder / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in events))
        mark_complete(folder)
        return scores["f1"]

    def test(self, point: int, seed: int) -> None:
        folder = self.folder / "tests" / self.id(point, seed)
        skill = self.row.skills[point] + float(self.rng.normal(0, 0.08))
        metrics = {"test": self.answers(folder, "test", skill)}
        result = {"schema": 1, "id": folder.name, "status": "done", "metrics": metrics}
        write_json(folder / "result.json", result)
        write_json(folder / "costs.json", {"schema": 1, "opened": "2026-08-22T11:00:00+00:00"})
        mark_complete(folder)

    def answers(self, where: Path, split: str, skill: float) -> dict[str, float]:
        """Write the answers of every way of decoding; the first way counts."""
        columns: dict[str, list[Any]] = {}
        ways = self.plan.decoding if split == "test" else self.plan.decoding[:1]
        for row, hard in zip(self.asked[split], self.hard[split].tolist(), strict=True):
            right = row["answers"]["text"]
            for place, way in enumerate(ways):
                # The wilder the way of decoding, the more it strays from what is known.
                sure = 1 / (1 + np.exp(hard - 1.5 * (skill - 0.1 * place)))
                for sample in range(self.plan.samples if place else 1):
                    message = self.reply(row, bool(self.rng.random() < sure))
                    stored = {"id": row["id"], "strategy": way, "sample": sample, "answer": message}
                    stored |= {
                        "references": right,
                        "tokens": len(message.split()),
                        "stopped": "end",
                    }
                    stored |= {"exact_match": exact_match(message, right), "f1": f1(message, right)}
                    for key, value in stored.items():
                        columns.setdefault(key, []).append(value)
        path = where / "predictions" / f"{split}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), path)
        counted = [place for place, way in enumerate(columns["strategy"]) if way == ways[0]]
        text = {name: [columns[name][place] for place in counted] for name in ("f1", "exact_match")}
        return {name: float(np.mean(values)) for name, values in text.items()}

    def reply(self, row: dict[str, Any], right: bool) -> str:
        answer = str(row["answers"]["text"][0])
        if right:
            return answer
        elsewhere = [*row["context"].split(), "and", "so", "on"]
        start = int(self.rng.integers(len(elsewhere) - 2))
        return str(
            self.rng.choice(
                [
                    f"the {answer}".rsplit(maxsplit=1)[-1],
                    f"{answer} of the house",
                    " ".join(elsewhere[start : start + 2]),
                    row["question"],
                    "",
                ],
                p=[0.3, 0.25, 0.35, 0.05, 0.05],
            )
        )

    def curve(self, skill: float) -> list[dict[str, Any]]:
        """Training loss falls; validation loss turns, the sooner the more is trained."""
        epochs = []
        haste = 1 + self.row.trained / GPT2
        for epoch in range(1, self.plan.epochs + 1):
            learned = 1 - float(np.exp(-epoch * haste / 1.5))
            loss = 2.0 - learned * (1 + 0.3 * skill) + float(self.rng.normal(0, 0.01))
            message = {"f1": 0.5 * learned * (1 + 0.3 * skill), "exact_match": 0.4 * learned}
            message["loss"] = loss + 0.02 * haste**2 * epoch**1.2
            epochs.append(
                {"epoch": epoch, "train_loss": loss - 0.03 * epoch, "validation": message}
            )
        return epochs

    def costs(self) -> dict[str, Any]:
        train = (400.0 + self.row.trained / 1e6) * float(self.rng.uniform(0.95, 1.05))
        train = train if self.row.trained else 0.0
        found: dict[str, Any] = {
            "schema": 1,
            "seconds": {"load": 0.4, "train": train, "evaluate": 20.0, "total": train + 20.4},
            "bytes": {"peak_resident": int(9e8) + 12 * self.row.trained, "artefact": 310},
            "started": "2026-08-22T10:00:00Z",
            "host": "an invented computer",
            "environment": {"python": "3.11.9"},
        }
        if self.plan.phases and self.row.trained:
            numbers = 4 * self.row.trained
            peaks = {"forward": 6e8, "backward": 6.5e8 + numbers, "update": 5e8 + 3 * numbers}
            found["memory"] = {
                "weights_bytes": 4 * GPT2,
                "trainable_bytes": numbers,
                "gradients_bytes": numbers,
                "optimizer_bytes": 2 * numbers,
                "activations_bytes": 90_000_000,
                "peak_bytes": {phase: int(value) for phase, value in peaks.items()},
                "peak_phase": max(peaks, key=lambda phase: peaks[phase]),
                "counted": {"examples": 16, "tokens": 66, "parts": 1, "padded_tokens": 1056},
            }
            found["step_seconds"] = {"forward": 1.1, "backward": 1.6, "update": 0.02, "steps": 624}
        return found
