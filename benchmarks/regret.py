"""What a measured learning rate loses against the best of nine that are trained whole.

    python benchmarks/regret.py [--cases reviews-lora sst5-full] [--workers 2]
    python benchmarks/regret.py --again
    python benchmarks/regret.py --table

Each case is a method, a data set and a model, with 400 rows, about 200 steps and one seed. All nine
rates of its search are compared at every rung, trained whole and tested. Since a rate that the
search keeps gives what the same trial gives alone, what the search would have chosen, and what it
would have cost, is then a function of these records: --table replays the rule that the product has
now. The regret is the best of the nine minus the one that was measured, on validation, by which
both choose, and on test. Cost is in search lengths beyond the survivor's own.

With `--again`, for a rule that compares by something else: the search runs as the product's, and of
the nine only the rate that it measures and the one that was best are trained whole. The others keep
their scores, and the record says of each what made it.

Studies lie in runs/regret and go on where they were cut short. What each gave is kept in
benchmarks/results/regret: scores as JSON, losses at the rungs as Parquet. The exit code of --table
is 1 where a bound is missed: median 0.5 points, worst 2 on validation, cost 0.9, or where a rate
that was measured learned nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from reference.cases import Absent, Case, study_of
from reference.records import made_by

import tunewise
from tunewise.analysis.evidence import Contender
from tunewise.core.files import read_json, write_json
from tunewise.store.identity import rung_id, trial_id
from tunewise.store.race import RaceRecord
from tunewise.store.records import ContenderRecord, PointRecord, RateSearch, StudyRecord
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job, TrialCosts, TrialResult
from tunewise.store.trials import TrialRecord
from tunewise.studies import jobs
from tunewise.studies.rate_search import RateProgress, Records, rate_progress

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "regret"
ROWS, EPOCHS = 400, 16  # 13 steps of 32 an epoch: 208
MOST_TO_CHOOSE_ON = 1000  # validation rows: with 400, two points are within the noise
MOST_COST, MOST_MEDIAN, MOST_WORST = 0.9, 0.005, 0.02
ROUNDING = 1e-9  # two accuracies of 500 examples that differ by ten give a little over 0.02
COLUMNS = "{:<22} {:>8} {:>8} {:>6} {:>6} {:>7} {:>5}"

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
    limit = {"train": ROWS, "validation": MOST_TO_CHOOSE_ON}
    more = {"data": {**found["data"], "limit": limit}, "training": {"epochs": EPOCHS}}
    name = f"{dataset}-{method}"
    return {**found, **more, "name": name, "methods": [method], "seeds": [0], "keep": "all"}


def everything(
    study: StudyRecord,
    contender: ContenderRecord,
    search: RateSearch,
    records: Records,
    best: int | None = None,
) -> RateProgress:
    """A search that cuts nothing: each rate is compared at each rung, then trained whole.

    With `best`, the point of the best rate, the search is the product's, and that point is trained
    whole beside the measured one.
    """
    if best is not None:
        progress = rate_progress(study, contender, search, records)
        ended = {*progress.finalists, best} if progress.finalists else set()
        return replace(progress, finalists=tuple(sorted(ended)))
    points = range(len(contender.points))
    ids = [trial_id(point.identity, study.seeds[0]) for point in contender.points]
    seen: list[tuple[int, int]] = []
    for step in search.rungs:
        seen += [(point, step) for point in points]
        waiting = tuple((p, step) for p in points if rung_id(ids[p], step) not in records)
        if waiting:
            return RateProgress(tuple(seen), waiting, ())
    return RateProgress(tuple(seen), (), tuple(points))


def tests(study: StudyRecord, records: Records, race: RaceRecord | None) -> Iterator[Job]:
    """A test of every trial that was trained whole."""
    for row in study.contenders:
        for point in range(len(row.points)):
            trial = jobs._trial(row, point, study.seeds[0])
            if trial.id in records and records[trial.id].status == "done":
                yield replace(trial, kind="test")


@contextmanager
def nothing_cut(best: int | None = None) -> Iterator[None]:
    """Within this, studies train and test every rate; with `best` as `everything` has it."""
    all_rates = partial(everything, best=best)
    with (
        patch("tunewise.studies.jobs.rate_progress", all_rates),
        patch("tunewise.studies.choose.rate_progress", all_rates),
        patch("tunewise.studies.jobs._tests", tests),
    ):
        yield


def measure(dataset: str, method: str, asked: argparse.Namespace) -> None:
    """Run the study of a case, or what of it has not run yet, and keep what it gave."""
    settings = study(dataset, method, asked.data)
    name = settings["name"]
    kept = read_json(asked.results / f"{name}.json")["rates"] if asked.again else []
    with nothing_cut(best_of(kept) if kept else None):
        finished = tunewise.Study.read(settings).run(asked.runs / name, workers=asked.workers)
        evidence = finished.evidence
    (contender,) = evidence.contenders
    content = scores_of(contender, finished.folder, evidence.headline)
    losses = losses_of(contender.described, finished.folder.records())
    again = " --again" if asked.again else ""
    made = {**made_by(""), "command": f"python benchmarks/regret.py --cases {name}{again}"}
    rates = [
        {**rate, "made_by": f"{made['date']}, {made['commit']}, {made['device']}"}
        for rate in content["rates"]
    ]
    content["rates"] = [
        old if rate["status"] is None else rate
        for rate, old in zip(rates, kept or rates, strict=True)
    ]
    content["made_by"] = made
    asked.results.mkdir(parents=True, exist_ok=True)
    pq.write_table(losses, asked.results / f"{name}.parquet", compression="zstd")
    write_json(asked.results / f"{name}.json", content)


def scores_of(contender: Contender, folder: StudyFolder, metric: str) -> dict[str, Any]:
    """Each rate's scores and steps, and what the search starts from."""
    described, records, tested = contender.described, folder.records(), folder.tests()
    search = described.rates
    assert search is not None
    rates = []
    for point in described.points:
        id = trial_id(point.identity, 0)
        trial, test = records.get(id), tested.get(id)
        rates.append(
            {
                "learning_rate": point.chosen["training.learning_rate"],
                "status": None if trial is None else trial.status,
                "validation": trial and trial.metric(metric),
                "test": test and test.metric(metric, "test"),
                "steps": trial and trial.result.steps,
                "flags": list(trial.result.flags) if trial else [],
            }
        )
    return {"metric": metric, "search": search.as_json(), "rates": rates}


def losses_of(described: ContenderRecord, records: Records) -> pa.Table:
    """One row for each rate at each rung that it reached: the loss of each validation example."""
    rows = []
    assert described.rates is not None
    for point, settings in enumerate(described.points):
        for step in described.rates.rungs:
            record = records.get(rung_id(trial_id(settings.identity, 0), step))
            if record is not None and record.status == "done":
                rows.append({"point": point, "step": step, "losses": record.result.losses})
    columns = [("point", pa.int8()), ("step", pa.int32()), ("losses", pa.list_(pa.float32()))]
    return pa.Table.from_pylist(rows, schema=pa.schema(columns))


def replay(content: dict[str, Any], losses: pa.Table) -> tuple[int, float]:
    """The rate that the search would choose now, and its cost in lengths of a training."""
    search = RateSearch.from_json(content["search"])
    points = [PointRecord(identity={"point": at}) for at in range(len(content["rates"]))]
    contender = ContenderRecord("case", points=tuple(points), rates=search)
    study = StudyRecord(seeds=(0,))
    ids = [trial_id(point.identity, 0) for point in points]
    found = {
        rung_id(ids[row["point"]], row["step"]): tuple(row["losses"]) for row in losses.to_pylist()
    }
    records = {
        (id := rung_id(trial, step)): TrialRecord(
            id,
            "done" if id in found else "diverged",
            TrialResult(id, losses=found.get(id)),
            TrialCosts(),
            Path(),
        )
        for trial in ids
        for step in search.rungs
    }
    progress = rate_progress(study, contender, search, records)
    chosen = max(progress.finalists, key=lambda point: content["rates"][point]["validation"] or 0)
    reached = dict(sorted(progress.rungs, key=lambda due: due[1]))
    whole = max(rate["steps"] or 0 for rate in content["rates"])
    rest = sum(step for point, step in reached.items() if point not in progress.finalists)
    return chosen, (rest + whole * (len(progress.finalists) - 1)) / whole


def best_of(rates: list[dict[str, Any]]) -> int:
    """Which of the rates has the best validation score."""
    return int(np.argmax([rate["validation"] or 0 for rate in rates]))


def table(results: Path, names: list[str]) -> int:
    """Print what each case gave; 1 where a bound is missed."""
    print(COLUMNS.format("case", "measured", "best", "valid.", "test", "nothing", "cost"))
    regrets: dict[str, list[float]] = {"validation": [], "test": []}
    costs, nothing = [], []
    for name in names:
        if not (results / f"{name}.json").is_file():
            continue
        content = read_json(results / f"{name}.json")
        losses = pq.read_table(results / f"{name}.parquet")
        rates = content["rates"]
        point, cost = replay(content, losses)
        best = best_of(rates)
        lost = {
            split: rates[best][split] - rates[point][split]
            for split in regrets
            if None not in (rates[best][split], rates[point][split])
        }
        for split, points in lost.items():
            regrets[split].append(points)
        costs.append(cost)
        nothing.append(
            "degenerate" in rates[point]["flags"]
            and any("degenerate" not in rate["flags"] for rate in rates)
        )
        chosen = (f"{rates[at]['learning_rate']:.1e}" for at in (point, best))
        points_lost = (f"{100 * lost[split]:+.1f}" if split in lost else "–" for split in regrets)
        learned = "yes" if nothing[-1] else "no"
        print(COLUMNS.format(name, *chosen, *points_lost, learned, f"{cost:.2f}"))
    if not costs:
        return 1
    for split, points in ((split, points) for split, points in regrets.items() if points):
        median, worst = 100 * statistics.median(points), 100 * max(points)
        print(f"{split}: median {median:+.2f} points, worst {worst:+.2f}, {len(points)} cases")
    missed = (
        statistics.median(regrets["validation"]) > MOST_MEDIAN + ROUNDING
        or max(regrets["validation"]) > MOST_WORST + ROUNDING
        or max(costs) > MOST_COST
        or any(nothing)
    )
    return int(missed)


def main() -> int:
    names = {f"{dataset}-{method}": (dataset, method) for dataset, method in CASES}
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases", nargs="+", choices=names, metavar="CASE", default=list(names))
    parser.add_argument("--table", action="store_true", help="print what is recorded, run nothing")
    parser.add_argument("--again", action="store_true", help="search, and train two rates whole")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "regret")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    for name in [] if asked.table else asked.cases:
        try:
            measure(*names[name], asked)
        except Absent as absent:
            print(f"{name}: skipped, because {absent}")
            continue
        print(f"{name}: measured", flush=True)
    return table(asked.results, [name for name in names if name in asked.cases])


if __name__ == "__main__":
    sys.exit(main())
