"""Time to a verdict: a study under a budget, beside its grid trained one by one by hand.

Both sides are written to one record, training by training, so that a measurement that was cut
short goes on.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from grids.one_by_one import rates_beside, trained
from grids.record import CONTENDERS, Asked, settings_of
from grids.recording import SPLITS, read_grid, recorded
from grids.replayed import Recorded, draw, full_grid, judged
from reference.cases import MINILM, READABLE, CaseRows, Rows
from reference.records import made_by

import tunewise
from tunewise.backbones.sources import locate
from tunewise.core.files import read_json, write_json
from tunewise.data.prepared import hash_of
from tunewise.store.race import read_race
from tunewise.store.records import ContenderRecord
from tunewise.studies.engines.pool import usable_cores
from tunewise.studies.prepare import Prepared

RESULTS = Path(__file__).resolve().parents[1] / "results"
ROOT = Path(__file__).resolve().parents[2]
LEAST_RATIO = 5.0
AMPLE = "12 h"  # a budget that ends no race: what counts is the time to its verdict


def search(words: list[str]) -> int:
    """Measure what is not measured yet, and print both sides; 1 where the ratio is missed."""
    asked = arguments(words)
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    torch.set_num_threads(len(usable_cores()))
    named = f"{asked.dataset}-{Path(asked.model).name}-{asked.rows}"
    path = asked.results / f"{named}.json"
    found: dict[str, Any] = read_json(path) if path.is_file() else {}
    settings = settings_of(asked.dataset, asked.model, asked.data, _grid(asked))
    settings |= {"name": named, "budget": AMPLE}
    prepared = tunewise.Study.read(settings).prepare()
    if "verdict" not in found.get("ours", {}):
        found["ours"] = ours(settings, asked, found.get("ours", {}))
        write_json(path, found)
    for row in (each for each in prepared.study.contenders if each.rates):
        theirs = found.setdefault("one_by_one", {}).setdefault(row.name, {})
        for rate in rates_beside(row):
            if f"{rate:.2e}" not in theirs:
                theirs[f"{rate:.2e}"] = by_hand(prepared, row, rate)
                write_json(path, found)
    found |= summary(found, prepared, asked)
    found["made_by"] = {**made_by(""), "command": " ".join(["python", *sys.argv])}
    write_json(path, found)
    for line in lines(found, named):
        print(line)
    return int(found["ratio"] < LEAST_RATIO)


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--dataset", choices=READABLE, default="tweeteval-emotion")
    parser.add_argument("--model", default=MINILM, help="its name, or a folder")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    parser.add_argument("--rates", type=int, default=5, help="of the grid, for each contender")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "search")
    parser.add_argument("--results", type=Path, default=RESULTS / "search")
    parser.add_argument("--recordings", type=Path, default=RESULTS / "replay")
    return parser.parse_args(words)


def _grid(asked: argparse.Namespace) -> Asked:
    return Asked(
        contenders=asked.contenders,
        rates=asked.rates,
        seeds=asked.seeds,
        rows=asked.rows,
        steps=asked.steps,
        workers=asked.workers,
    )


def ours(
    settings: dict[str, Any], asked: argparse.Namespace, before: dict[str, Any]
) -> dict[str, Any]:
    """The command from its start to the shell's prompt; launches that were cut short count."""
    folder = asked.runs / settings["name"]
    for place in (asked.runs, asked.results):
        place.mkdir(parents=True, exist_ok=True)
    write_json(asked.runs / f"{settings['name']}.yaml", settings)  # JSON is YAML
    command = [sys.executable, "-m", "tunewise", "run", f"{folder}.yaml", "--out", str(folder)]
    load, start, processor = os.getloadavg()[0], time.perf_counter(), _of_children()
    with (asked.runs / "log.txt").open("a") as log:
        ran = subprocess.run(
            [*command, "--workers", str(asked.workers)], stdout=log, stderr=log, check=False
        )
    found = {
        "seconds": round(before.get("seconds", 0.0) + time.perf_counter() - start, 1),
        "processor_seconds": round(
            before.get("processor_seconds", 0.0) + _of_children() - processor, 1
        ),
        "load_before": max(round(load, 1), before.get("load_before", 0.0)),
    }
    if ran.returncode:
        write_json(asked.results / f"{settings['name']}.json", {"ours": found})
        raise SystemExit(f"it ended with {ran.returncode}; see {asked.runs / 'log.txt'}")
    race, verdict = read_race(folder), tunewise.open(folder).verdict
    assert race is not None
    return {
        **found,
        "workers": asked.workers,
        "ended": race.ended,
        "seeds": {name: len(each) for name, each in race.seeds.items()},
        "dropped": list(race.dropped),
        "best": verdict.best,
        "verdict": verdict.headline,
    }


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def by_hand(prepared: Prepared, row: ContenderRecord, rate: float) -> dict[str, Any]:
    training = row.points[0].settings.training
    load = round(os.getloadavg()[0], 1)
    model = next(iter(prepared.settings.places)).source
    folder = locate(model) if model.startswith("embedded:") else model
    one = trained(row.name, str(folder), _rows(prepared), rate=rate, epochs=int(training["epochs"]))
    print(f"{row.name} at {rate:.1e}: {one['seconds']:.0f} s, test {one['test']:.3f}", flush=True)
    return {**one, "load_before": load}


def _rows(prepared: Prepared) -> CaseRows:
    study = prepared.study
    answer = str(study.answer)
    parts = {
        name: Rows(
            [tuple(str(row[text]) for text in study.texts) for row in rows],
            np.array([row[answer] for row in rows], dtype=np.int64),
        )
        for name, rows in prepared.splits.items()
    }
    return CaseRows(**parts, classes=len(study.labels), hash=hash_of(prepared.splits))


def summary(found: dict[str, Any], prepared: Prepared, asked: argparse.Namespace) -> dict[str, Any]:
    """Seconds of the whole grid, from two trainings of each contender, and the two answers."""

    def extrapolated(kind: str) -> float:
        measured = [each.values() for each in found["one_by_one"].values()]
        each_training = sum(np.mean([one[kind] for one in several]) for several in measured)
        return round(float(each_training) * asked.rates * asked.seeds, 1)

    grid = {kind: extrapolated(kind) for kind in ("seconds", "processor_seconds")}
    mine = found["ours"]
    loads = [mine["load_before"]]
    loads += [one["load_before"] for each in found["one_by_one"].values() for one in each.values()]
    return {
        "grid": {**grid, "extrapolated": True, "rates": asked.rates, "seeds": asked.seeds},
        "ratio": round(grid["seconds"] / mine["seconds"], 2),
        "processor_ratio": round(grid["processor_seconds"] / mine["processor_seconds"], 2),
        "most_load": max(loads),
        "recorded": _of_recording(prepared, asked),
    }


def _of_recording(prepared: Prepared, asked: argparse.Namespace) -> dict[str, Any] | None:
    """What the recorded grid recommends, where one was recorded of these rows."""
    if asked.dataset not in recorded(asked.recordings):
        return None
    source = Recorded(read_grid(asked.recordings, asked.dataset))
    if source.grid.study.data.hash != prepared.study.data.hash:
        return None
    every = {split: np.arange(len(source.grid.labels[split])) for split in SPLITS}
    compared = judged(full_grid(replace(draw(source, 0), examples=every)).rows)
    level = [*compared.tied, *compared.not_shown]
    return {"best": str(compared.best), "level": [name for name in level if name != compared.best]}


def lines(found: dict[str, Any], named: str) -> list[str]:
    """What was measured, for people."""
    mine, grid, theirs = found["ours"], found["grid"], found["recorded"]
    out = [f"{named}, the highest load before a measurement {found['most_load']:.1f}"]
    out.append(f"Tunewise: {mine['seconds']:.0f} s to '{mine['verdict']}'")
    trainings = sum(map(len, found["one_by_one"].values()))
    out.append(
        f"one by one: {grid['seconds']:.0f} s for {grid['rates']} rates and {grid['seeds']} seeds, "
        f"extrapolated from {trainings} trainings"
    )
    out.append(f"ratio {found['ratio']:.2f}, in processor time {found['processor_ratio']:.2f}")
    if theirs is None:
        return [*out, "no grid of these rows was recorded to compare with"]
    same = mine["best"] in (theirs["best"], *theirs["level"])
    agreed = "the same, or level with it" if same else "ANOTHER"
    return [*out, f"the recorded grid: {theirs['best']}; Tunewise: {mine['best']}: {agreed}"]
