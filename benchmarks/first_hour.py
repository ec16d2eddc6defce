"""The first hour with messy exports: `tunewise init` and `tunewise run`, and nothing edited.

    python benchmarks/first_hour.py [--exports "help desk" french] [--models FOLDER]
        [--budget 10min] [--folder runs/first-hour]

Makes each export of `messy_exports.py`, takes it to a verdict in two commands, and writes down:
whether the texts and the label were found, the budget, seconds on the clock and of processors until
the first interim verdict and the last one, and what the verdict is. Beside it stands what an expert
gets in ten lines on the same rows: TF-IDF with a logistic regression of scikit-learn.

Every result is written to benchmarks/results/first-hour.json as soon as it is there. The exit code
is 1 where a command failed, other columns were read, or TF-IDF lies more than three test examples
below the expert's.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from messy_exports import EXPORTS, Export
from reference.records import made_by
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tunewise.core.files import read_json, write_json
from tunewise.results import StudyResults
from tunewise.studyfile.studyfile import read_study
from tunewise.tasks.classification import Classification

RESULTS = Path(__file__).parent / "results" / "first-hour.json"
INTERIM = "So far, on validation: "
BELOW = 3  # test examples, by which our TF-IDF may lie below the expert's


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--exports", nargs="+", choices=EXPORTS, default=list(EXPORTS))
    parser.add_argument("--models", nargs="+", default=[], help="in place of the embedded one")
    parser.add_argument("--budget", help="of the run, where init writes none")
    parser.add_argument("--folder", type=Path, default=Path("runs/first-hour"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    faults = 0
    for name in asked.exports:
        found = measured(name, asked.folder.resolve(), asked.models, asked.budget)
        faults += bool(found["faults"])
        print(name, *(f"  {key}: {value}" for key, value in found.items()), sep="\n", flush=True)
        known = read_json(asked.results) if asked.results.is_file() else {}
        key = f"{name}, {', '.join(Path(one).name for one in asked.models) or 'embedded'}"
        words = (Path(word).name if Path(word).is_absolute() else word for word in sys.argv)
        command = shlex.join(["python", *words])
        write_json(
            asked.results, known | {key: {**found, "made_by": made_by("") | {"command": command}}}
        )
    return int(faults > 0)


def measured(name: str, folder: Path, models: list[str], budget: str | None) -> dict[str, Any]:
    """One export from its file to its verdict."""
    export, place = EXPORTS[name], folder / name.replace(" ", "-")
    place.mkdir(exist_ok=True)
    path = export.write(place)
    load = os.getloadavg()[0]
    options = ["--models", *models] if models else []
    init = said(["init", path.name, "--force", *options], place)
    study = init["output"].splitlines()[-1] if init["code"] == 0 else ""
    found: dict[str, Any] = {"init_seconds": init["seconds"], "load_before": round(load, 1)}
    if init["code"]:
        return found | {"faults": [init["errors"]]}
    given = ["--budget", budget] if budget else []
    ran = said(["run", study, *given, "--out", str(place / "out")], place)
    faults = [ran["errors"]] if ran["code"] else []
    return found | _verdict(place, study, export, ran, faults) | {"faults": faults}


def _verdict(
    place: Path, study: str, export: Export, ran: dict[str, Any], faults: list[str]
) -> dict[str, Any]:
    settings = read_study(place / study)
    chosen = settings.data.combine or {}
    task = settings.task
    assert isinstance(task, Classification)
    texts = next(iter(chosen.values()), tuple(task.text))
    if (tuple(texts), task.label) != (export.texts, export.label):
        faults.append(f"read {texts} and {task.label}")
    found: dict[str, Any] = {
        "budget": settings.budget,
        "first_interim_seconds": ran["interim"],
        "seconds": ran["seconds"],
        "processor_seconds": ran["processor"],
    }
    if ran["code"]:
        return found
    results = StudyResults(place / "out")
    scores = {
        row.name: round(row.scores(results.results.split)["accuracy"].mean, 4)
        for row in results.results.scored
    }
    expert, tested = experts_accuracy(place / "out")
    if scores["tfidf"] < expert - BELOW / tested:
        faults.append(f"tfidf {scores['tfidf']:.3f}, the expert's {expert:.3f}")
    verdict = results.verdict
    return found | {
        "verdict": verdict.headline,
        "finished": verdict.finished,
        "accuracy": scores,
        "seeds": {row.name: len(row.seeds) for row in results.results.scored},
        "experts_tfidf": round(expert, 4),
        "test_examples": tested,
    }


def said(words: list[str], place: Path) -> dict[str, Any]:
    """What a command said, how long it took, and when it first named an interim verdict."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tunewise", *words],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None and process.stdout is not None
    errors, interim = [], None
    for line in process.stderr:
        errors.append(line)
        if interim is None and INTERIM in line:
            interim = round(time.perf_counter() - start, 1)
    output = process.stdout.read()
    code = process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "code": code,
        "output": output,
        "errors": "".join(errors)[-2000:],
        "interim": interim,
        "seconds": round(time.perf_counter() - start, 1),
        "processor": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
    }


def experts_accuracy(out: Path) -> tuple[float, int]:
    """Test accuracy of ten lines of scikit-learn on the rows of the study; how many they are."""
    rows = {
        name: pq.read_table(out / "data" / f"{name}.parquet").to_pylist()
        for name in ("train", "test")
    }
    task = read_study(out / "study.yaml").task
    assert isinstance(task, Classification)
    texts = {
        name: [" ".join(row[one] for one in task.text) for row in part]
        for name, part in rows.items()
    }
    labels = {name: [row[task.label] for row in part] for name, part in rows.items()}
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    classifier = LogisticRegression(C=10, max_iter=2000)
    classifier.fit(vectors.fit_transform(texts["train"]), labels["train"])
    return float(classifier.score(vectors.transform(texts["test"]), labels["test"])), len(
        labels["test"]
    )


if __name__ == "__main__":
    sys.exit(main())
