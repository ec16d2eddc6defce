"""TF-IDF with logistic regression, against scikit-learn's own pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tunewise.core.errors import InputError
from tunewise.data.examples import Example
from tunewise.methods.tfidf import PENALTIES, TfIdf, WeightedWords

TEXTS = ["good room", "bad bed", "not good", "fine room", "bad, bad room", "good bed"]


@pytest.mark.parametrize("labels", [[1, 0, 0, 1, 0, 1], [2, 0, 1, 1, 0, 2]])
def test_probabilities_are_those_of_scikit_learn(labels: list[int]) -> None:
    options = [str(label) for label in range(max(labels) + 1)]
    reference = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\b\w+\b", sublinear_tf=True),
        LogisticRegression(C=10, max_iter=2000),
    ).fit(TEXTS, labels)
    rows = [Example(str(i), (text,), labels[i]) for i, text in enumerate(TEXTS)]
    found = TfIdf(C=10.0).fit(rows, options).predict(rows)
    np.testing.assert_allclose(
        [prediction.probabilities for prediction in found],
        reference.predict_proba(TEXTS),
        rtol=1e-9,
    )


def test_the_penalty_is_chosen_on_validation_and_kept(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    words = np.array(["good", "bad", "bed", "room", "the", "not"])
    texts = [" ".join(draw.choice(words, size=5)) for _ in range(200)]
    rows = [Example(str(i), (text,), int("good" in text)) for i, text in enumerate(texts)]
    train, validation = rows[:120], rows[120:]
    fitted = TfIdf().fit(train, ["no", "yes"], validation=validation)
    assert fitted.C in PENALTIES
    for C in (PENALTIES[0], PENALTIES[-1]):
        given = TfIdf(C=C).fit(train, ["no", "yes"], validation=validation)
        assert given.C == C
        assert accuracy(given, validation) <= accuracy(fitted, validation)
    fitted.save(tmp_path)
    loaded = TfIdf().load(tmp_path)
    assert loaded.C == fitted.C
    assert loaded.predict(rows) == fitted.predict(rows)


def accuracy(fitted: WeightedWords, rows: list[Example]) -> float:
    answers = fitted.predict(rows)
    return float(np.mean([a.choice == r.label for a, r in zip(answers, rows, strict=True)]))


def test_the_texts_of_a_pair_are_distinguished() -> None:
    rows = [Example("a", ("good", "bad"), 0), Example("b", ("bad", "good"), 1)]
    assert [p.choice for p in TfIdf().fit(rows, ["first", "second"]).predict(rows)] == [0, 1]


def test_words_too_rare_to_count_are_an_error() -> None:
    rows = [Example("a", ("good",), 0), Example("b", ("bad",), 1)]
    with pytest.raises(InputError, match="min_count = 2"):
        TfIdf(min_count=2).fit(rows, ["no", "yes"])


@pytest.mark.parametrize(
    "settings", [{"ngrams": (2, 1)}, {"C": 0.0}, {"min_count": 0}, {"max_features": 0}]
)
def test_settings_without_meaning_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        TfIdf(**settings)
