"""How long until a study on images trains: the first time, and when all vectors are stored.

    python benchmarks/second_study.py [--data ../shared/data/daquar]

Runs two studies of one fusion each at the command line, with the embedded encoders and a cache of
their own; the second differs in its batch size. Without --data the questions are those on the
embedded drawings. Told are the seconds from the command to the first step, by what they went into.
The last line leaves out imports: those before the data are read, which the worker makes side by
side with the launcher, and that of pandas, which pyarrow makes at the first table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

FILES = {split: f"new_data_{split}.csv" for split in ("train", "test")} | {
    "validation": "new_data_val.csv"
}
PHASES = (
    "until data are read",  # imports, beside those of the worker
    "data, pictures, models",
    "until a worker is ready",
    "vectors and first step",
)
LATE = "import numpy, time; began = time.time(); import pandas; print(time.time() - began)"


def settings(data: Path | None, batch_size: int) -> dict[str, Any]:
    task: dict[str, Any] = {"kind": "visual-question-answering", "question": "question"}
    task |= {"answer": "answer", "image": "image_id" if data else "image", "most": 30}
    source: dict[str, Any] = {"source": "embedded:rooms"}
    if data:
        task["folder"] = "images"
        source = {"source": str(data.resolve()), "files": FILES}
    return {
        "name": f"batches-of-{batch_size}",
        "task": task,
        "data": source,
        "models": [{"image": "embedded:picture-encoder", "text": "embedded:encoder"}],
        "methods": ["fusion"],
        "training": {"epochs": 1, "batch_size": batch_size},
    }


def timed(study: dict[str, Any], place: Path) -> list[float]:
    """Run a study; seconds from one moment to the next, as in `PHASES`."""
    file, out = place / f"{study['name']}.yaml", place / study["name"]
    file.write_text(json.dumps(study))  # JSON is YAML
    began = time.time()
    run = subprocess.Popen(
        [sys.executable, "-m", "tunewise", "run", str(file), "--out", str(out)],
        env={**os.environ, "TUNEWISE_CACHE": str(place / "cache")},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert run.stderr is not None
    run.stderr.readline()  # "Reading the data ...", with all imports behind it
    moments = [began, time.time()]
    for pattern in ("study.json", "trials/.output/features-*", "trials/*/log.jsonl"):
        while not any(out.glob(pattern)):
            if run.poll():
                sys.exit(run.stderr.read().decode())
            time.sleep(0.005)
        moments.append(time.time())
    run.communicate()
    return [after - before for before, after in pairwise(moments)]


def late_import() -> float:
    """Seconds that pandas takes to import; median of three."""
    command = [sys.executable, "-c", LATE]
    taken = [subprocess.run(command, check=True, capture_output=True).stdout for _ in range(3)]
    return statistics.median(map(float, taken))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, help="a folder with images/ and DAQUAR's three files")
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as place:
        first, second = (timed(settings(data, size), Path(place)) for size in (64, 32))
    print(f"{'seconds':>28}  first  second")
    for phase, once, again in zip(PHASES, first, second, strict=True):
        print(f"{phase:>28} {once:6.2f} {again:7.2f}")
    print(f"{'from command to first step':>28} {sum(first):6.2f} {sum(second):7.2f}")
    late = late_import()
    rest = [one[1] + one[3] - late for one in (first, second)]
    print(f"{'all but imports':>28} {rest[0]:6.2f} {rest[1]:7.2f}")


if __name__ == "__main__":
    main()
