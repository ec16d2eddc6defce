"""How near the sizes alone come to what a plan counts, for every well-known model.

    python benchmarks/by_size.py [NAME ...]

Plans the study that `tunewise init` would draft for the embedded reviews with each model, from its
configuration alone, and prints memory and time beside what `estimate.by_size` says of them. Both
are for the calibration of this machine.
"""

from __future__ import annotations

import sys

from tunewise.backbones.known import known_model, known_models
from tunewise.core.format import duration, size
from tunewise.costs.calibration import Calibration
from tunewise.data.first_look.profile import word_counts
from tunewise.estimate.by_size import Workload, peak_bytes, study_seconds
from tunewise.estimate.plan import plan
from tunewise.studies.rows import rows_of
from tunewise.studyfile.studyfile import read_study

STUDY = {
    "name": "by-size",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "embedded:reviews", "limit": {"train": 500, "validation": 150, "test": 150}},
    "methods": ["majority", "tfidf", "head", {"lora": {"rank": 8}}, "full"],
    "seeds": [0, 1, 2],
}
LINE = "{:<55} {:>9} {:>9} {:>6} {:>10} {:>10} {:>6}"


def main() -> None:
    names = sys.argv[1:] or [one.name for one in known_models() if one.forms[0] == "choose"]
    print(LINE.format("", "planned", "by size", "", "planned", "by size", ""))
    for name in names:
        model = known_model(name)
        if model is None:
            sys.exit(f"{name}: not among the well-known models")
        settings = read_study({**STUDY, "models": [model.name]})
        found = plan(settings, workers=1)
        splits = rows_of(settings).splits
        rows = {split: len(part) for split, part in splits.items()}
        words = word_counts(splits, ["text"])[:2]
        work = Workload("choose", ("en",), rows["train"], rows["validation"], *words)
        peak = max(row.peak_bytes or 0 for row in found.contenders) + found.libraries_bytes
        guess = peak_bytes(model, work)
        time = study_seconds(model, work, Calibration(**found.calibration))
        cells = (size(peak), size(guess), f"{guess / peak - 1:+.0%}")
        times = (duration(found.seconds), duration(time), f"{time / found.seconds - 1:+.0%}")
        print(LINE.format(model.name, *cells, *times), flush=True)


if __name__ == "__main__":
    main()
