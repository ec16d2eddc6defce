"""Weighted words and logistic regression."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tunewise.export.script.blocks.constants import (
    LABEL_COLUMN,
    LABELS,
    MAX_FEATURES,
    MIN_COUNT,
    NGRAMS,
    TEXT_COLUMNS,
    C,
)
from tunewise.export.script.blocks.decided import CHOOSES_PENALTY
from tunewise.export.script.blocks.files import Row
from tunewise.export.script.blocks.fitted.penalty import along_the_path, penalized


def fit(
    splits: dict[str, list[Row]], args: argparse.Namespace
) -> Callable[[list[Row]], NDArray[np.float64]]:
    """TF-IDF of word n-grams with logistic regression; each text of a pair has its own words."""
    vectorizers = [
        TfidfVectorizer(
            ngram_range=NGRAMS,
            token_pattern=r"\b\w+\b",  # also words of one letter
            sublinear_tf=True,  # repeating is no argument
            min_df=MIN_COUNT,
            max_features=MAX_FEATURES,
        ).fit([row[column] for row in splits["train"]])
        for column in TEXT_COLUMNS
    ]

    def features(rows: list[Row]) -> Any:
        columns = zip(vectorizers, TEXT_COLUMNS, strict=True)
        return csr_matrix(hstack([v.transform([row[c] for row in rows]) for v, c in columns]))

    def labeled(rows: list[Row]) -> tuple[Any, NDArray[np.int64]]:
        known = [row for row in rows if row[LABEL_COLUMN] is not None]
        return features(known), np.array([LABELS.index(row[LABEL_COLUMN]) for row in known])

    if CHOOSES_PENALTY:
        _, weights, bias = along_the_path(
            labeled(splits["train"]),
            labeled(splits["validation"]),
            [10 ** (k / 2) for k in range(-2, 9)],
            has_bias=True,
            tol=1e-4,
            max_iter=2000,
        )
    else:
        weights, bias = penalized(LogisticRegression(C=C, max_iter=2000), *labeled(splits["train"]))

    def classify(rows: list[Row]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = softmax(features(rows) @ weights.T + bias, axis=1)
        return found

    return classify
