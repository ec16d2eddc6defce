"""Which columns of unknown data are the texts and which is the label: a guess with its reasons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import plural
from tunewise.data.labels import is_missing, spelling
from tunewise.data.table import Row

MOST_CLASSES = 300
LONGEST_LABEL = 6  # words, on average

# Names as people give them, the likeliest first.
LABEL_NAMES = (
    *("label", "labels", "class", "category", "target", "sentiment", "intent", "emotion"),
    *(
        "answer",
        "rating",
        "stars",
        "score",
        "polarity",
        "topic",
        "genre",
        "y",
        "gold",
        "coarse_label",
    ),
)
TEXT_NAMES = (
    *("text", "sentence", "review", "content", "tweet", "comment", "body", "document", "message"),
    *("utterance", "question", "description", "abstract", "title", "headline", "query"),
)
PAIRS = (
    *(("question", "passage"), ("question", "context"), ("premise", "hypothesis")),
    *(("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("question1", "question2")),
    *(("text1", "text2"), ("text_a", "text_b"), ("query", "passage"), ("query", "document")),
    *(("question", "sentence"), ("claim", "evidence"), ("question", "answer")),
)
SPAN_TEXTS = ("question", "context")
IMAGES = ("image", "image_id", "image_path", "img", "picture", "photo")
_ID = re.compile(r"(.*[_ ])?(id|idx|index|uid|uuid|url|link|key|row|number|date|time)", re.I)
_WHOLE = re.compile(r"-?[0-9]+(\.0+)?")
_FRACTION = re.compile(r"-?[0-9]*\.[0-9]+([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Portrait:
    """What one column holds, over all rows that were looked at."""

    name: str
    kind: str  # text, whole number, boolean, number, other
    rows: int
    missing: int
    distinct: int
    words: float  # mean over the texts

    def __str__(self) -> str:
        what = f", {self.words:.0f} words on average" if self.kind == "text" else ""
        return f"'{self.name}' ({self.kind}, {plural(self.distinct, 'different value')}{what})"


@dataclass(frozen=True)
class Roles:
    """The chosen columns, and why in words."""

    texts: tuple[str, ...]
    label: str
    reasons: tuple[str, ...]


def portrait(name: str, rows: Sequence[Row]) -> Portrait:
    """Describe a column.

    >>> print(portrait("stars", [{"stars": "1"}, {"stars": "5"}, {"stars": ""}]))
    'stars' (whole number, 2 different values)
    """
    values = [row.get(name) for row in rows]
    present = [value for value in values if not is_missing(value)]
    kinds = {_kind(value) for value in present}
    if kinds == {"whole number", "number"}:
        kinds = {"number"}
    if kinds <= {"text", "whole number", "number"} and "text" in kinds:
        kinds = {"text"}
    texts = [value for value in present if isinstance(value, str)]
    return Portrait(
        name=name,
        kind=kinds.pop() if len(kinds) == 1 else "other",
        rows=len(values),
        missing=len(values) - len(present),
        distinct=len({spelling(value) for value in present}),
        words=sum(len(text.split()) for text in texts) / max(1, len(texts)),
    )


def holds_spans(columns: Sequence[str], rows: Sequence[Row]) -> bool:
    """Whether these are questions with answers inside a context, in SQuAD's form."""
    answers = rows[0].get("answers")
    return {*SPAN_TEXTS, "answers"} <= set(columns) and isinstance(answers, (dict, list))


def guess_roles(columns: Sequence[str], rows: Sequence[Row], shown: str) -> Roles:
    """The texts and the label of a classification.

    Raises:
        InputError: these data are no classification of texts; it says why.
    """
    portraits = [portrait(name, rows) for name in columns]
    _refuse_other_tasks(portraits, shown)
    labels = sorted((one for one in portraits if _could_be_label(one)), key=_label_rank)
    if not labels:
        raise InputError([Problem(shown, _no_label(portraits))])
    label = labels[0]
    texts = [one for one in portraits if one is not label and _could_be_text(one)]
    if not texts:
        listing = "; ".join(map(str, portraits))
        raise InputError([Problem(shown, f"no column holds texts to classify: {listing}.")])
    chosen, why = _choose_texts(texts)
    reasons = [why, _label_reason(label, [one for one in labels[1:] if one.name not in chosen])]
    return Roles(chosen, label.name, tuple(reasons))


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "whole number"
        case float():
            return "whole number" if value.is_integer() else "number"
        case str():
            return _kind_of_text(value)
        case _:
            return "other"


def _kind_of_text(text: str) -> str:
    """What a CSV file means by it."""
    if _WHOLE.fullmatch(text):
        return "whole number"
    return "number" if _FRACTION.fullmatch(text) else "text"


def _could_be_label(one: Portrait) -> bool:
    few = 2 <= one.distinct <= min(MOST_CLASSES, max(2, one.rows // 2))
    named = one.name.lower() in LABEL_NAMES
    short = one.kind in ("whole number", "boolean") or one.words <= LONGEST_LABEL
    return (
        few
        and short
        and one.kind in ("text", "whole number", "boolean")
        and (named or not _ID.fullmatch(one.name))
        and one.missing < one.rows / 2
    )


def _label_rank(one: Portrait) -> tuple[int, int]:
    """The likeliest label first: by its name, else the one with the fewest values."""
    name = one.name.lower()
    return (LABEL_NAMES.index(name) if name in LABEL_NAMES else len(LABEL_NAMES), one.distinct)


def _could_be_text(one: Portrait) -> bool:
    varied = one.distinct > max(10, one.rows / 20) or one.name.lower() in TEXT_NAMES
    return one.kind == "text" and varied and not _ID.fullmatch(one.name)


def _choose_texts(texts: Sequence[Portrait]) -> tuple[tuple[str, ...], str]:
    by_name = {one.name.lower(): one for one in texts}
    for first, second in PAIRS:
        if first in by_name and second in by_name:
            pair = (by_name[first].name, by_name[second].name)
            return pair, f"The texts are a pair by their names. Also there: {_others(texts, pair)}."
    ranked = sorted(texts, key=_text_rank)
    chosen = (ranked[0].name,)
    if len(texts) == 1:
        return chosen, f"The text is the only column of texts: {texts[0]}."
    why = "its name" if ranked[0].name.lower() in TEXT_NAMES else "the most words"
    return (
        chosen,
        f"The text was chosen by {why}: {ranked[0]}; also there: {_others(texts, chosen)}.",
    )


def _text_rank(one: Portrait) -> tuple[int, float]:
    name = one.name.lower()
    return (TEXT_NAMES.index(name) if name in TEXT_NAMES else len(TEXT_NAMES), -one.words)


def _others(texts: Sequence[Portrait], chosen: Sequence[str]) -> str:
    return ", ".join(str(one) for one in texts if one.name not in chosen) or "no other text"


def _label_reason(label: Portrait, others: Sequence[Portrait]) -> str:
    why = "its name" if label.name.lower() in LABEL_NAMES else "having the fewest values"
    if not others:
        return f"The label is the only column with few values: {label}."
    could = ", ".join(map(str, others))
    return f"The label was chosen by {why}: {label}; it could also be: {could}."


def _no_label(portraits: Sequence[Portrait]) -> str:
    named = next((one for one in portraits if one.name.lower() in LABEL_NAMES), None)
    if named is None:
        listing = "; ".join(map(str, portraits))
        return f"no column could be a label (2 to {MOST_CLASSES} different values): {listing}."
    if named.kind == "number":
        return (
            f"{named} holds numbers that are not whole: predicting a number is no classification."
        )
    if named.distinct < 2:
        return f"{named}: with one class there is nothing to decide."
    return (
        f"{named} has too many different values for {plural(named.rows, 'row')} to be classes "
        f"(at most {MOST_CLASSES}, with two rows each)."
    )


def _refuse_other_tasks(portraits: Sequence[Portrait], shown: str) -> None:
    names = {one.name.lower() for one in portraits}
    image = next((name for name in IMAGES if name in names), None)
    if "question" in names and image:
        raise InputError(
            [
                Problem(
                    shown,
                    f"these are questions about images ('{image}'): visual question answering, "
                    "no classification of texts. Drafts are made for classifications only.",
                )
            ]
        )
