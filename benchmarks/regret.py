"""What a measured learning rate loses against the best of nine that are trained whole.

    python benchmarks/regret.py [--cases reviews-lora sst5-full] [--workers 2]
    python benchmarks/regret.py --table

Each case is a method, a data set and a model, with 400 rows, about 200 steps and one seed. It runs
twice: as a study that says nothing of the rate, and with the nine rates of that search in full. The
regret is the best of the nine minus the one that was measured, on validation, by which both choose,
and on test. Cost is in search lengths beyond the survivor's own.

Studies lie in runs/regret and go on where they were cut short. What each gave is kept in
benchmarks/results/regret.json. The exit code of --table is 1 where a bound is missed: median 0.5
points, worst 2 on validation, cost 0.9.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from reference.cases import Absent, Case, study_of
from reference.records import made_by

import tunewise
from tunewise.core.files import read_json, write_json
from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.store.identity import RUNG, trial_of

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "regret.json"
ROWS, EPOCHS = 400, 16  # 13 steps of 32 an epoch: 208
MOST_COST, MOST_MEDIAN, MOST_WORST = 0.9, 0.005, 0.02
COLUMNS = "{:<18} {:>8} {:>8} {:>6} {:>6} {:>7} {:>6}  {}"

REVIEWS = {
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "embedded:reviews"},
    "models": ["embedded:encoder"],
}
QUESTIONS = {
    "task": {"kind": "classification", "text": ["question", "passage"], "label": "answer"},
    "data": {"source": "embedded:questions"},
    "models": ["embedded:encoder"],
}
EMBEDDED: dict[str, dict[str, Any]] = {"reviews": REVIEWS, "questions": QUESTIONS}
CASES = [
    *(("reviews", method) for method in ("lora", "full", "prefix", "bitfit")),
    *(("questions", method) for method in ("lora", "full")),
    *(("sst5", method) for method in ("lora", "full")),
    *(("tweeteval-emotion", method) for method in ("lora", "full")),
    *(("tweeteval-irony", method) for method in ("lora", "full")),
]


def study(dataset: str, method: str, data: Path) -> dict[str, Any]:
    """The study of a case, which says how long it trains and nothing of the rate.

    Raises:
        Absent: data or model are not here.
    """
    found: dict[str, Any] = EMBEDDED.get(dataset) or study_of(Case(dataset, ROWS), data, [], [0])
    limit = {"train": ROWS, "validation": ROWS}
    more = {"data": {**found["data"], "limit": limit}, "training": {"epochs": EPOCHS}}
    return {**found, **more, "name": f"{dataset}-{method}", "methods": [method], "seeds": [0]}


def run(settings: dict[str, Any], folder: Path, workers: int) -> Evidence:
    return tunewise.Study.read(settings).run(folder, workers=workers).evidence


def measure(dataset: str, method: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Run both studies of a case, or what of them has not run yet."""
    settings = study(dataset, method, asked.data)
    place = asked.runs / settings["name"]
    measured = run(settings, place / "measured", asked.workers)
    (ours,) = measured.contenders
    rates = [point.chosen["training.learning_rate"] for point in ours.described.points]
    in_full = {**settings, "search": {"learning_rate": rates}}
    (nine,) = run(in_full, place / "nine", asked.workers).contenders
    metric = measured.headline
    return {
        "measured": scores(ours, metric),
        "nine": scores(nine, metric),
        "validation": {
            f"{point.values['training.learning_rate']:g}": point.score(metric)
            for point in nine.points
        },
        "learned_nothing": {"measured": ours.learned_nothing, "nine": nine.learned_nothing},
        "cost": cost(place / "measured", ours),
        "made_by": {
            **made_by(""),
            "command": f"python benchmarks/regret.py --cases {settings['name']}",
        },
    }


def scores(contender: Contender, metric: str) -> dict[str, Any]:
    """The rate that was chosen, and what it gave."""
    (trial,) = contender.finished
    assert contender.chosen is not None
    return {
        "learning_rate": contender.chosen.values["training.learning_rate"],
        **{split: trial.metrics(split)[metric] for split in ("validation", "test")},
    }


def cost(folder: Path, contender: Contender) -> float:
    """Steps of all rates but the survivor's, in search lengths, which here are whole trainings."""
    (survivor,) = contender.finished
    reached: dict[str, int] = {}
    for record in tunewise.open(folder).folder.records().values():
        id, _, step = record.result.id.partition(RUNG)
        reached[id] = max(reached.get(id, 0), int(step or record.result.steps))
    rest = sum(steps for id, steps in reached.items() if id != trial_of(survivor.record.result.id))
    own = survivor.record.result.steps
    assert own
    return rest / own


def table(results: dict[str, Any]) -> int:
    """Print what each case gave; 1 where a bound is missed."""
    header = ("case", "measured", "best of 9", "valid.", "test", "nothing", "cost")
    print(COLUMNS.format(*header, "points of regret on validation and on test"))
    regrets: dict[str, list[float]] = {"validation": [], "test": []}
    for name, one in results.items():
        lost = {split: one["nine"][split] - one["measured"][split] for split in regrets}
        for split, points in lost.items():
            regrets[split].append(points)
        rates = (f"{one[which]['learning_rate']:g}" for which in ("measured", "nine"))
        losses = (f"{100 * lost[split]:+.1f}" for split in regrets)
        nothing = "yes" if one["learned_nothing"]["measured"] else "no"
        print(COLUMNS.format(name, *rates, *losses, nothing, f"{one['cost']:.2f}", "").rstrip())
    for split, points in regrets.items():
        median, worst = 100 * statistics.median(points), 100 * max(points)
        print(f"{split}: median {median:+.2f} points, worst {worst:+.2f}, {len(points)} cases")
    missed = (
        statistics.median(regrets["validation"]) > MOST_MEDIAN
        or max(regrets["validation"]) > MOST_WORST
        or any(one["cost"] > MOST_COST for one in results.values())
        or any(one["learned_nothing"]["measured"] for one in results.values())
    )
    return int(missed)


def main() -> int:
    names = {f"{dataset}-{method}": (dataset, method) for dataset, method in CASES}
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases", nargs="+", choices=names, metavar="CASE", default=list(names))
    parser.add_argument("--table", action="store_true", help="print what is recorded, run nothing")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "regret")
    asked = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    results = read_json(RESULTS) if RESULTS.is_file() else {}
    for name in [] if asked.table else asked.cases:
        try:
            results[name] = measure(*names[name], asked)
        except Absent as absent:
            print(f"{name}: skipped, because {absent}")
            continue
        ordered = {name: results[name] for name in names if name in results}
        write_json(RESULTS, ordered)
        print(f"{name}: {results[name]['measured']} {results[name]['nine']}", flush=True)
    return table({name: results[name] for name in names if name in results})


if __name__ == "__main__":
    sys.exit(main())
