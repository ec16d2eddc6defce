"""An expert's minutes: frozen sentence embeddings, and TF-IDF, each with a tuned classifier.

Scikit-learn alone: logistic regression along a path of penalties, the one that answers most
validation examples right; among equals, the one with the lower validation loss.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from reference.cases import Case, CaseRows, Rows, model_folder
from reference.records import (
    ExpertResult,
    as_letters,
    command_of,
    made_by,
    result_file,
    write_result,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from tunewise.backbones.transformers_logging import quiet

CONTENDERS = ("embeddings", "tfidf")
PENALTIES = tuple((10 ** np.arange(-2, 4.1, 0.5)).round(6).tolist())  # C, for vectors of norm 1
STANDARDIZED = tuple((10 ** np.arange(-5, 1.1, 0.5)).round(6).tolist())  # C, for deviations of 1
MOST_STEPS = 2000  # of the solver
MAX_TOKENS = 256  # as sentence-transformers cuts for this encoder
BATCH = 64


class Choice(NamedTuple):
    """A fitted classifier, with what it was chosen by."""

    settings: dict[str, Any]
    classifier: Any
    accuracy: float
    loss: float
    test: Any  # features of the test split


class Features(NamedTuple):
    """Three splits as features, dense or sparse, shape (rows, features) each."""

    train: Any
    validation: Any
    test: Any


def measure(case: Case, rows: CaseRows, results: Path, cache: Path) -> list[ExpertResult]:
    """Fit what is not there yet; the new results, written as soon as each is there."""
    new = []
    for contender in CONTENDERS:
        path = result_file(results, case, contender)
        if path.is_file():
            continue
        start = time.perf_counter()
        options = by_embeddings(case, rows, cache) if contender == "embeddings" else by_words(rows)
        best = max(options, key=lambda option: (option.accuracy, -option.loss))
        answers = best.classifier.predict(best.test)
        result = ExpertResult(
            contender,
            case.dataset,
            case.rows,
            case.model,
            rows.hash,
            best.settings,
            {
                "validation": best.accuracy,
                "test": float((answers == rows.test.labels).mean()),
            },
            best.loss,
            round(time.perf_counter() - start, 1),
            as_letters(answers),
            made_by=made_by(command_of("expert-sklearn", case)),
        )
        write_result(path, result)
        new.append(result)
    return new


def by_embeddings(case: Case, rows: CaseRows, cache: Path) -> list[Choice]:
    """Every penalty, on embeddings as they are and standardized."""
    splits = [rows.train, rows.validation, rows.test]
    plain = Features(*embedded(splits, model_folder(case.model), cache / f"{case.model}.npz"))
    scaler = StandardScaler().fit(plain.train)
    scaled = Features(*map(scaler.transform, plain))
    return [
        *along_path(rows, plain, PENALTIES, {"standardized": False}),
        *along_path(rows, scaled, STANDARDIZED, {"standardized": True}),
    ]


def by_words(rows: CaseRows) -> list[Choice]:
    """Every penalty, on TF-IDF of words and pairs of words; columns are joined."""
    joined = [
        [" ".join(texts) for texts in split.texts]
        for split in (rows.train, rows.validation, rows.test)
    ]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(joined[0])
    return along_path(rows, Features(*map(vectorizer.transform, joined)), PENALTIES, {})


def along_path(
    rows: CaseRows, features: Features, penalties: Sequence[float], settings: dict[str, Any]
) -> list[Choice]:
    """A classifier for each penalty, with its validation scores."""
    fitted = []
    for penalty in penalties:
        classifier = LogisticRegression(C=penalty, max_iter=MOST_STEPS)
        classifier.fit(features.train, rows.train.labels)
        labels = rows.validation.labels
        probabilities = classifier.predict_proba(features.validation)
        accuracy = float((classifier.classes_[probabilities.argmax(1)] == labels).mean())
        loss = float(log_loss(labels, probabilities, labels=classifier.classes_))
        message = {**settings, "C": penalty}
        fitted.append(Choice(message, classifier, accuracy, loss, features.test))
    return fitted


def embedded(splits: Sequence[Rows], folder: Path, store: Path) -> list[NDArray[np.float32]]:
    """Each split as vectors, shape (rows, width); those in the file `store` are not made anew."""
    names = [[_name(texts) for texts in split.texts] for split in splits]
    known: dict[str, NDArray[np.float32]] = {}
    if store.is_file():
        with np.load(store) as stored:  # plain arrays: nothing pickled is read
            known = dict(zip(stored["names"].tolist(), stored["vectors"], strict=True))
    lacking = {
        name: texts
        for named, split in zip(names, splits, strict=True)
        for name, texts in zip(named, split.texts, strict=True)
        if name not in known
    }
    if lacking:
        known |= dict(
            zip(lacking, sentence_embeddings(list(lacking.values()), folder), strict=True)
        )
        store.parent.mkdir(parents=True, exist_ok=True)
        np.savez(store, names=np.array(list(known)), vectors=np.stack(list(known.values())))
    return [np.stack([known[name] for name in named]) for named in names]


@torch.inference_mode()
def sentence_embeddings(texts: Sequence[tuple[str, ...]], folder: Path) -> NDArray[np.float32]:
    """The mean over the tokens' last hidden states, scaled to norm 1: shape (texts, width).

    Source: sentence-transformers, `Pooling` and `Normalize` as this encoder's modules.json has
    them. Several columns are read as the tokenizer joins a pair.
    """
    with quiet():
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.AutoModel.from_pretrained(folder).eval()
    order = sorted(range(len(texts)), key=lambda at: sum(map(len, texts[at])))
    vectors = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        columns = [list(column) for column in zip(*(texts[at] for at in places), strict=True)]
        batch = tokenizer(
            *columns, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        states = model(**batch).last_hidden_state  # (batch, tokens, width)
        mask = batch["attention_mask"][..., None]
        means = (states * mask).sum(1) / mask.sum(1)
        vectors[places] = torch.nn.functional.normalize(means).numpy()
    return vectors


def _name(texts: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
