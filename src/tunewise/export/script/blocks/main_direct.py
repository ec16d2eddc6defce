"""The course of a script that fits in one go, without steps."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from tunewise.export.script.blocks.constants import LABEL_COLUMN, LABELS
from tunewise.export.script.blocks.files import Row, load_splits, parse_arguments
from tunewise.export.script.blocks.fitted.tfidf import fit
from tunewise.export.script.blocks.metrics import evaluate_splits

Matrix = NDArray[np.float64]


def main() -> None:
    args = parse_arguments()
    splits = load_splits(args)
    classifier = fit(splits, args)

    def predict_rows(rows: list[Row]) -> list[Row]:
        return with_labels(rows, classifier(rows))

    results = evaluate_splits(splits, predict_rows, args.output)
    (args.output / "evaluation_results.json").write_text(json.dumps(results, indent=2))


def with_labels(rows: list[Row], probabilities: Matrix) -> list[Row]:
    """The most probable class of each row; of equally probable ones the first."""
    return [
        {
            "id": row["id"],
            "label": row[LABEL_COLUMN],
            "prediction": LABELS[int(np.argmax(own))],
            "probabilities": own.tolist(),
        }
        for row, own in zip(rows, probabilities, strict=True)
    ]


if __name__ == "__main__":
    main()
