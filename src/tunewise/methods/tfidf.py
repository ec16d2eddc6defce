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

from tunewise.backbones.model import Model
from tunewise.core.errors import DamagedFile, InputError, SettingError
from tunewise.core.files import read_json, write_bytes, write_json
from tunewise.core.settings import refuse_below, setting
from tunewise.data.examples import Example, Prediction
from tunewise.methods.answers import answers
from tunewise.methods.base import METHODS, Direct
from tunewise.methods.logistic_path import Labeled, LogisticPath

WORDS_FILE = "tfidf.json"
WEIGHTS_FILE = "tfidf.safetensors"
PENALTIES = tuple(10 ** (k / 2) for k in range(-2, 9))
"""Of C, strong to weak: where nothing is given, the one of least validation loss is taken."""
UNCHOSEN = 10.0  # C without a validation split to choose it on


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
    C: float | None = setting(
        None,
        "Inverse strength of the L2 penalty, as in scikit-learn. If unset, chosen by validation "
        "loss from 0.1 to 10,000.",
    )
    min_count: int = setting(1, "Texts that an n-gram must occur in.")
    max_features: int | None = setting(
        None, "Most frequent n-grams that are kept of each text. If unset, all."
    )

    version = 3
    uses_model = False
    seeded = False
    cannot = MappingProxyType(
        {"write": "it chooses among a few options by counted words, and cannot write a text"}
    )

    def __post_init__(self) -> None:
        if len(self.ngrams) != 2 or not 1 <= self.ngrams[0] <= self.ngrams[1]:
            raise SettingError("ngrams", self.ngrams, "shortest and longest, as in [1, 2].")
        if self.C is not None and self.C <= 0:
            raise SettingError("C", self.C, "a number above 0.")
        refuse_below(1, self, "min_count", "max_features")

    def fit(
        self,
        train: Sequence[Example],
        options: Sequence[str],
        *,
        validation: Sequence[Example] = (),
        model: Model | None = None,
        seed: int = 0,
    ) -> WeightedWords:
        """Count the n-grams of the training split and fit the classifier.

        Raises:
            InputError: no n-gram occurs in `min_count` texts.
        """
        words = []
        for texts in zip(*(example.texts for example in train), strict=True):
            counted = vectorizer(self.ngrams, min_df=self.min_count, max_features=self.max_features)
            try:
                counted.fit(texts)
            except ValueError as error:  # scikit-learn's word for an empty vocabulary
                raise InputError(
                    f"tfidf: no words occur in min_count = {self.min_count} texts ({error})"
                ) from error
            words.append(counted)
        path, held = LogisticPath(_labeled(words, train), len(options)), _labeled(words, validation)
        if self.C is not None or len(held.y) == 0:
            C = self.C or UNCHOSEN
            classifier = path.fit(C)
        else:
            classifier, tried = path.best(PENALTIES, held)
            C = min(tried, key=lambda one: one.validation_loss).C
        return WeightedWords(
            tuple(options), self.ngrams, words, classifier.weight, classifier.bias, C
        )

    def load(self, folder: Path, *, model: Model | None = None) -> WeightedWords:
        stored = read_json(folder / WORDS_FILE)
        try:
            tensors = load_file(folder / WEIGHTS_FILE)
            words = []
            for number, vocabulary in enumerate(stored["vocabularies"]):
                known = vectorizer(stored["ngrams"], vocabulary=vocabulary)
                known.idf_ = tensors[f"idf.{number}"]
                words.append(known)
            return WeightedWords(
                tuple(stored["options"]),
                tuple(stored["ngrams"]),
                words,
                tensors["weights"],
                tensors["bias"],
                stored.get("C"),
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
    C: float | None  # given or chosen; None of an older version

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
            "C": self.C,
            "vocabularies": [words.get_feature_names_out().tolist() for words in self.words],
        }
        write_json(folder / WORDS_FILE, stored)


def vectorizer(ngrams: Sequence[int], **settings: Any) -> TfidfVectorizer:
    """Words of any length, in lower case; the logarithm of a count, so that repeating is no
    argument.
    """
    return TfidfVectorizer(
        ngram_range=tuple(ngrams), token_pattern=r"\b\w+\b", sublinear_tf=True, **settings
    )


def _labeled(words: Sequence[TfidfVectorizer], examples: Sequence[Example]) -> Labeled:
    """The examples that have a label."""
    known = [example for example in examples if example.label is not None]
    if not known:
        return Labeled(csr_matrix((0, 0)), np.empty(0, dtype=np.int64))
    return Labeled(_features(words, known), np.array([example.label for example in known]))


def _features(words: Sequence[TfidfVectorizer], examples: Sequence[Example]) -> csr_matrix:
    columns = zip(*(example.texts for example in examples), strict=True)
    parts = [known.transform(texts) for known, texts in zip(words, columns, strict=True)]
    return csr_matrix(hstack(parts))
