"""Weighted words and a linear classifier: what a pretrained model has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tunewise.backbones.model import Model
from tunewise.core.errors import DamagedFile, InputError, SettingError
from tunewise.core.files import read_json, write_bytes, write_json
from tunewise.core.settings import refuse_below, setting
from tunewise.data.examples import Example, Prediction
from tunewise.methods.answers import answers
from tunewise.methods.base import METHODS, Direct

WORDS_FILE = "tfidf.json"
WEIGHTS_FILE = "tfidf.safetensors"
NEVER_SEEN = -30.0  # logit of an option that training never showed: its loss stays finite
MOST_STEPS = 2000  # of the solver


@METHODS.register("tfidf")
@dataclass(frozen=True)
class TfIdf(Direct):
    """TF-IDF of word n-grams with logistic regression, through scikit-learn.

    Each text of a pair has a vocabulary of its own: a word in the question is another feature
    than the same word in the passage.
    """

    description = (
        "TF-IDF {sparck-jones-1972} weights word n-grams and fits a logistic regression. It uses "
        "no pretrained model, and so shows what a pretrained model is worth here."
    )
    references = MappingProxyType(
        {
            "sparck-jones-1972": "K. Spärck Jones, “A statistical interpretation of term "
            "specificity and its application in retrieval,” J. Documentation, vol. 28, pp. 11–21, "
            "1972."
        }
    )
    spoken = "TF-IDF"

    ngrams: tuple[int, int] = setting((1, 2), "Shortest and longest n-gram, in words.")
    # Of half decades from 0.1 to 10,000, on three data sets with 1,000 rows, 10 has the least or
    # nearly the least validation loss; 1 costs up to 8 points of accuracy (docs/measured.md).
    C: float = setting(10.0, "Inverse strength of the L2 penalty, as in scikit-learn.")
    min_count: int = setting(1, "Texts that an n-gram must occur in.")
    max_features: int | None = setting(
        None, "Most frequent n-grams that are kept of each text. If unset, all."
    )

    version = 2
    uses_model = False
    seeded = False
    cannot = MappingProxyType(
        {"write": "it chooses among a few options by counted words, and cannot write a text"}
    )

    def __post_init__(self) -> None:
        if len(self.ngrams) != 2 or not 1 <= self.ngrams[0] <= self.ngrams[1]:
            raise SettingError("ngrams", self.ngrams, "shortest and longest, as in [1, 2].")
        if self.C <= 0:
            raise SettingError("C", self.C, "a number above 0.")
        refuse_below(1, self, "min_count", "max_features")

    def fit(
        self,
        train: Sequence[Example],
        options: Sequence[str],
        *,
        model: Model | None = None,
        seed: int = 0,
    ) -> WeightedWords:
        """Count the n-grams of the training split and fit the classifier.

        Raises:
            InputError: no n-gram occurs in `min_count` texts.
        """
        words = []
        for texts in zip(*(example.texts for example in train), strict=True):
            counted = _vectorizer(
                self.ngrams, min_df=self.min_count, max_features=self.max_features
            )
            try:
                counted.fit(texts)
            except ValueError as error:  # scikit-learn's word for an empty vocabulary
                raise InputError(
                    f"tfidf: no words occur in min_count = {self.min_count} texts ({error})"
                ) from error
            words.append(counted)
        features = _features(words, train)
        weights, bias = self._classifier(features, [e.label for e in train], len(options))
        return WeightedWords(tuple(options), self.ngrams, words, weights, bias)

    def _classifier(
        self, features: csr_matrix, labels: Sequence[int | None], options: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights (options, features) and bias (options,), for options never seen too."""
        seen = sorted({label for label in labels if label is not None})
        weights = np.zeros((options, features.shape[1]))
        bias = np.full(options, NEVER_SEEN)
        bias[seen] = 0.0
        if len(seen) > 1:
            fitted = LogisticRegression(C=self.C, max_iter=MOST_STEPS).fit(features, labels)
            # Of two options scikit-learn keeps the weights of the second; the first has zeros.
            rows = seen if len(seen) > 2 else seen[1:]
            weights[rows], bias[rows] = fitted.coef_, fitted.intercept_
        return weights, bias

    def load(self, folder: Path, *, model: Model | None = None) -> WeightedWords:
        stored = read_json(folder / WORDS_FILE)
        try:
            tensors = load_file(folder / WEIGHTS_FILE)
            words = []
            for number, vocabulary in enumerate(stored["vocabularies"]):
                known = _vectorizer(stored["ngrams"], vocabulary=vocabulary)
                known.idf_ = tensors[f"idf.{number}"]
                words.append(known)
            return WeightedWords(
                tuple(stored["options"]),
                tuple(stored["ngrams"]),
                words,
                tensors["weights"],
                tensors["bias"],
            )
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise DamagedFile(f"{folder}: no TF-IDF classifier of ours ({error!r}).") from error


@dataclass(frozen=True, eq=False)
class WeightedWords:
    """A fitted classifier: ``softmax(weights tfidf(texts) + bias)``."""

    options: tuple[str, ...]
    ngrams: tuple[int, int]
    words: Sequence[TfidfVectorizer]  # one for each text of an example
    weights: NDArray[np.float64]  # (options, features)
    bias: NDArray[np.float64]  # (options,)

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        if not examples:
            return []
        logits = _features(self.words, examples) @ self.weights.T + self.bias
        return answers(examples, softmax(logits, axis=1))

    def save(self, folder: Path) -> None:
        """Write the words as JSON and the weights as safetensors."""
        tensors = {"weights": self.weights, "bias": self.bias}
        tensors |= {f"idf.{number}": words.idf_ for number, words in enumerate(self.words)}
        write_bytes(folder / WEIGHTS_FILE, save(tensors))
        stored = {
            "options": self.options,
            "ngrams": self.ngrams,
            "vocabularies": [words.get_feature_names_out().tolist() for words in self.words],
        }
        write_json(folder / WORDS_FILE, stored)


def _vectorizer(ngrams: Sequence[int], **settings: Any) -> TfidfVectorizer:
    """Words of any length, in lower case; the logarithm of a count, so that repeating is no
    argument.
    """
    return TfidfVectorizer(
        ngram_range=tuple(ngrams), token_pattern=r"\b\w+\b", sublinear_tf=True, **settings
    )


def _features(words: Sequence[TfidfVectorizer], examples: Sequence[Example]) -> csr_matrix:
    columns = zip(*(example.texts for example in examples), strict=True)
    parts = [known.transform(texts) for known, texts in zip(words, columns, strict=True)]
    return csr_matrix(hstack(parts))
