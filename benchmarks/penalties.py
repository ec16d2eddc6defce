"""By what a penalty should be chosen: four rules on frozen embeddings and on TF-IDF.

    python benchmarks/penalties.py [--datasets sst5] [--embeddings runs/expert/embeddings]

Each case of benchmarks/expert.py (seven data sets, 300 to 3,000 rows) is fitted along the product's
own paths, and the penalty chosen on validation by its loss, by the loss of the logits scaled to
suit it best (what the product does), or by accuracy; for TF-IDF also C = 10 for all. What is
printed is test accuracy less that of the expert, whose results are recorded: in points, the
median, the mean and the worst over the cases.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from reference.cases import DATASETS, MINILM, SIZES, Absent, Case, CaseRows, model_folder, rows_of
from reference.records import RESULTS, read_result, result_file
from reference.simple import embedded
from scipy.sparse import csr_matrix, hstack

from tunewise.methods.logistic_path import Labeled, LogisticPath, scaled, suited_scale
from tunewise.methods.tfidf import PENALTIES, vectorizer
from tunewise.training.linear_head import STRENGTHS, Scale

NGRAMS = (1, 2)
ROOT = Path(__file__).resolve().parents[1]


class Candidate(NamedTuple):
    """A classifier at one penalty: losses in nats and accuracies as fractions."""

    C: float
    loss: float
    scaled_loss: float
    accuracy: float
    test: float


RULES = {
    "validation loss": lambda one: (one.loss,),
    "loss after scaling": lambda one: (one.scaled_loss,),
    "validation accuracy": lambda one: (-one.accuracy, one.loss),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=DATASETS, metavar="NAME")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--embeddings", type=Path, default=ROOT / "runs" / "expert" / "embeddings")
    asked = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    found: dict[tuple[str, str], list[float]] = {}
    for case in (Case(name, rows) for name in asked.datasets for rows in SIZES):
        try:
            rows = rows_of(case, asked.data)
        except Absent as absent:
            print(f"{case.name}: skipped, because {absent}", flush=True)
            continue
        for kind, candidates in (
            ("embeddings", list(_embeddings(rows, asked.embeddings / f"{MINILM}.npz"))),
            ("tfidf", list(_words(rows))),
        ):
            path = result_file(RESULTS, case, kind)
            if path.is_file():
                expert = read_result(path).accuracy["test"]
                for rule, test in _chosen(kind, candidates).items():
                    found.setdefault((kind, rule), []).append(100 * (test - expert))
        print(f"{case.name}: done", flush=True)
    print(f"\n{'':11}{'chosen by':22}{'cases':>6}{'median':>8}{'mean':>7}{'worst':>7}")
    for (kind, rule), points in sorted(found.items()):
        told = (float(np.median(points)), float(np.mean(points)), min(points))
        print(f"{kind:11}{rule:22}{len(points):>6}{told[0]:>8.2f}{told[1]:>7.2f}{told[2]:>7.1f}")
    return 0


def _chosen(kind: str, candidates: Sequence[Candidate]) -> dict[str, float]:
    """Test accuracy of what each rule takes."""
    tests = {rule: min(candidates, key=key).test for rule, key in RULES.items()}
    if kind == "tfidf":
        tests["C = 10"] = next(one.test for one in candidates if np.isclose(one.C, 10))
    return tests


def _embeddings(rows: CaseRows, store: Path) -> Iterator[Candidate]:
    """As a head is solved: features standardized, and by one common scale."""
    x, x_val, x_test = (
        each.astype(np.float64)
        for each in embedded([rows.train, rows.validation, rows.test], model_folder(MINILM), store)
    )
    penalties = [1 / (len(x) * strength) for strength in STRENGTHS]
    for standardized in (True, False):
        scale = Scale.of(x, centered=True, standardized=standardized)
        splits = [scale(each) for each in (x, x_val, x_test)]
        yield from _along(rows, splits, penalties, 1e-5)


def _words(rows: CaseRows) -> Iterator[Candidate]:
    """As TF-IDF reads: each text of a pair has words of its own."""
    columns = range(len(rows.train.texts[0]))
    known = [vectorizer(NGRAMS).fit([row[n] for row in rows.train.texts]) for n in columns]
    splits = [
        csr_matrix(hstack([known[n].transform([row[n] for row in each.texts]) for n in columns]))
        for each in (rows.train, rows.validation, rows.test)
    ]
    yield from _along(rows, splits, PENALTIES, 1e-4)


def _along(
    rows: CaseRows, splits: Sequence[Any], penalties: Sequence[float], tolerance: float
) -> Iterator[Candidate]:
    """A candidate for each penalty, on train, validation and test as features."""
    x, x_val, x_test = splits
    path = LogisticPath(Labeled(x, rows.train.labels), rows.classes, tolerance=tolerance)
    validation = Labeled(x_val, rows.validation.labels)
    for penalty in penalties:
        fit = path.fit(penalty)
        suited = scaled(fit, suited_scale(fit, validation, path.seen), path.seen)
        right = fit.logits(x_val).argmax(1) == validation.y
        tested = fit.logits(x_test).argmax(1) == rows.test.labels
        yield Candidate(
            penalty,
            fit.loss(validation),
            suited.loss(validation),
            float(right.mean()),
            float(tested.mean()),
        )


if __name__ == "__main__":
    raise SystemExit(main())
