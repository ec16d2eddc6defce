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


def fit(
    train: list[dict[str, Any]], args: argparse.Namespace
) -> Callable[[list[dict[str, Any]]], NDArray[np.float64]]:
    """TF-IDF of word n-grams with logistic regression; each text of a pair has its own words."""
    vectorizers = [
        TfidfVectorizer(
            ngram_range=NGRAMS,
            token_pattern=r"\b\w+\b",  # also words of one letter
            sublinear_tf=True,  # repeating is no argument
            min_df=MIN_COUNT,
            max_features=MAX_FEATURES,
        ).fit([row[column] for row in train])
        for column in TEXT_COLUMNS
    ]

    def features(rows: list[dict[str, Any]]) -> Any:
        columns = zip(vectorizers, TEXT_COLUMNS, strict=True)
        return csr_matrix(hstack([v.transform([row[c] for row in rows]) for v, c in columns]))

    x, y = features(train), np.array([LABELS.index(row[LABEL_COLUMN]) for row in train])
    seen = np.unique(y)
    weights = np.zeros((len(LABELS), x.shape[1]))
    bias = np.full(len(LABELS), -30.0)  # of a class that train never shows
    bias[seen] = 0.0
    if len(seen) > 1:
        fitted = LogisticRegression(C=C, max_iter=2000).fit(x, y)
        rows = seen if len(seen) > 2 else seen[1:]  # of two classes the first has zeros
        weights[rows], bias[rows] = fitted.coef_, fitted.intercept_

    def classify(rows: list[dict[str, Any]]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = softmax(features(rows) @ weights.T + bias, axis=1)
        return found

    return classify
