"""Which columns of unknown data are the texts and which is the label: a guess with its reasons."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.format import listed, plural
from tunewise.data.first_look.evidence import predictability
from tunewise.data.first_look.portrait import Portrait, portrait
from tunewise.data.labels import as_text, is_missing, spelling
from tunewise.data.table import Row

MOST_CLASSES = 300
LONGEST_LABEL = 6  # words, on average
FEWEST_WORDS = 3  # on average, of a column that is put together with others
LONG = 8  # words on average, of what is prose whatever its column is called
CLOSE = 0.15  # two columns whose evidence differs by less could both be the label
WEAK = 0.05  # evidence below which the texts tell the label hardly better than guessing
BY_NAME = (0.5, 0.3)  # what a name is worth beside the evidence: of the first five, of the others

LABEL_KINDS = ("text", "whole number", "boolean")
LAST_RESORT = ("date", "code", "address")  # where no column of those could be the label

# Names as people give them, the likeliest first.
LABEL_NAMES = (
    *("label", "labels", "class", "category", "target", "sentiment", "intent", "emotion"),
    *("answer", "rating", "stars", "score", "polarity", "topic", "genre", "y", "gold"),
    "coarse_label",
)
TEXT_NAMES = (
    *("text", "sentence", "review", "content", "tweet", "comment", "body", "document", "message"),
    *("utterance", "question", "description", "abstract", "title", "headline", "query", "subject"),
)
PAIRS = (
    *(("question", "passage"), ("question", "context"), ("premise", "hypothesis")),
    *(("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("question1", "question2")),
    *(("text1", "text2"), ("text_a", "text_b"), ("query", "passage"), ("query", "document")),
    *(("question", "sentence"), ("claim", "evidence"), ("question", "answer")),
)
SPAN_TEXTS = ("question", "context")
IMAGES = ("image", "image_id", "image_path", "img", "picture", "photo")
_ID = re.compile(r"(.*[_ .])?(id|idx|index|uid|uuid|url|link|key|row|number|date|time)", re.I)
_NO_LABEL = re.compile(r"split|fold|subset|partition|lang(uage)?|year|month|day|version", re.I)
_PERSON = re.compile(
    r"(.*[_ .])?(name|author|user|username|customer|client|agent|assignee|owner|sender|recipient|"
    r"from|to|email|e-mail|mail|phone|address|street|city|country|company|file|filename|path)",
    re.I,
)
_AFTERWARDS = re.compile(  # what is often written once the answer is known
    r"(.*[_ .])?(resolution|resolved|reply|response|answer|solution|outcome|verdict|decision|"
    r"conclusion|explanation|rationale|reason|internal[_ ]notes?|agent[_ ]notes?|notes?)",
    re.I,
)

Ask = Callable[[str, Sequence[str], str], str]
"""A question to a person, what can be answered, and what is assumed; gives the answer."""


@dataclass(frozen=True)
class Wishes:
    """What a person has said about the columns, and whom to ask about the rest."""

    texts: tuple[str, ...] = ()
    label: str | None = None
    group: str | None = None
    drop: tuple[str, ...] = ()
    sheet: str | None = None  # of a workbook
    ask: Ask | None = None


@dataclass(frozen=True)
class Roles:
    """The chosen columns, and why in words. Texts that are put together are `parts` of one."""

    texts: tuple[str, ...]
    label: str
    reasons: tuple[str, ...]
    parts: tuple[str, ...] = ()
    portraits: tuple[Portrait, ...] = ()

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of the data that the texts come from."""
        return self.parts or self.texts


def holds_spans(columns: Sequence[str], rows: Sequence[Row]) -> bool:
    """Whether these are questions with answers inside a context, in SQuAD's form."""
    answers = rows[0].get("answers")
    return {*SPAN_TEXTS, "answers"} <= set(columns) and isinstance(answers, (dict, list))


def guess_roles(
    columns: Sequence[str], rows: Sequence[Row], shown: str, wishes: Wishes | None = None
) -> Roles:
    """The texts and the label of a classification.

    Raises:
        InputError: these data are no classification of texts, it says why; or a wish names a
            column that is not there.
    """
    wishes = wishes or Wishes()
    _check_wishes(columns, wishes)
    portraits = [portrait(name, rows) for name in columns]
    _refuse_other_tasks(portraits, shown)
    left = [one for one in portraits if one.name not in {*wishes.drop, wishes.group}]
    free = [one for one in left if one.name != wishes.label]
    other = [one for one in free if one.name not in wishes.texts]
    candidates = [one for one in other if _could_be_label(one)]
    candidates = candidates or [one for one in other if _could_be_label(one, kinds=LAST_RESORT)]
    if not candidates and wishes.label is None:
        raise InputError([Problem(shown, _no_label(left, shown))])
    texts = [one for one in free if one.name in wishes.texts or _could_be_text(one)]
    label, why_label = _choose_label(candidates, texts, rows, left, wishes)
    texts = [one for one in texts if one.name != label]
    if not texts:
        listing = "; ".join(map(str, portraits))
        raise InputError([Problem(shown, f"no column holds texts to classify: {listing}.")])
    chosen, why_texts = _choose_texts(texts, wishes)
    is_pair = tuple(name.lower() for name in chosen) in PAIRS
    parts = chosen if len(chosen) > 1 and not is_pair else ()
    names = ("text", "input", "all_text", *(f"text_{number}" for number in range(2, 10_000)))
    made = (next(name for name in names if name not in columns),) if parts else chosen
    return Roles(made, label, (*why_texts, *why_label), parts, tuple(portraits))


def _check_wishes(columns: Sequence[str], wishes: Wishes) -> None:
    named = [("--text", name) for name in wishes.texts] + [("--drop", name) for name in wishes.drop]
    named += [("--label", wishes.label)] if wishes.label else []
    named += [("--group", wishes.group)] if wishes.group else []
    problems = [
        Problem(option, f"no column '{name}'. {nearest(name, columns)}")
        for option, name in named
        if name not in columns
    ]
    if wishes.label in wishes.texts:
        problems.append(Problem("--label", f"'{wishes.label}' is a text too; it can be only one."))
    needed = (wishes.label, wishes.group, *wishes.texts)
    problems += [
        Problem("--drop", f"'{name}' is needed by another option; leave out one of the two.")
        for name in wishes.drop
        if name in needed
    ]
    if wishes.group is not None and wishes.group in (wishes.label, *wishes.texts):
        right = "a column that is neither text nor label, such as the customer."
        problems.append(Problem("--group", f"'{wishes.group}' is read already: {right}"))
    if problems:
        raise InputError(problems)


def _could_be_label(one: Portrait, *, kinds: Sequence[str] = LABEL_KINDS) -> bool:
    few = 2 <= one.distinct <= min(MOST_CLASSES, max(2, one.rows // 2))
    named = one.name.lower() in LABEL_NAMES
    short = one.kind != "text" or one.words <= LONGEST_LABEL
    barred = _ID.fullmatch(one.name) or _NO_LABEL.fullmatch(one.name)
    return (
        few and short and one.kind in kinds and (named or not barred) and one.missing < one.rows / 2
    )


def _choose_label(
    candidates: Sequence[Portrait],
    texts: Sequence[Portrait],
    rows: Sequence[Row],
    portraits: Sequence[Portrait],
    wishes: Wishes,
) -> tuple[str, list[str]]:
    if wishes.label:
        label = next(one for one in portraits if one.name == wishes.label)
        return label.name, [f"The label is the one that was named: {label}."]
    told = {one.name: _told(one, texts, rows) for one in candidates[:20]}
    ranked = sorted(
        (one for one in candidates if one.name in told),
        key=lambda one: -(told[one.name] + _by_name(one)),
    )
    label = ranked[0]
    scores = [told[one.name] + _by_name(one) for one in ranked]
    close = [one for one, score in zip(ranked, scores, strict=True) if scores[0] - score < CLOSE]
    if len(close) > 1 and wishes.ask:
        options = [one.name for one in close]
        answer = wishes.ask("Which column is the label?", options, label.name)
        label = next(one for one in ranked if one.name == answer)
    prose = [one for one in texts if one.words >= FEWEST_WORDS]
    others = [
        one
        for one in ranked
        if one is not label
        and one not in prose
        and (told[one.name] >= WEAK or one.name.lower() in LABEL_NAMES or one in close)
    ]
    alone = len(ranked) == 1
    return label.name, [_label_reason(label, others, told, alone=alone)]


def _told(one: Portrait, texts: Sequence[Portrait], rows: Sequence[Row]) -> float:
    """How well the words of all texts but this one's own tell its values."""
    columns = [text.name for text in texts if text.name != one.name]
    known = [row for row in rows if not is_missing(row.get(one.name))]
    whole = [
        " ".join(as_text(row[name]) for name in columns if not is_missing(row.get(name)))
        for row in known
    ]
    values = [spelling(row[one.name]).strip().casefold() for row in known]
    return predictability(whole, values)


def _by_name(one: Portrait) -> float:
    name = one.name.lower()
    if name in LABEL_NAMES:
        place = LABEL_NAMES.index(name)
        return BY_NAME[place >= 5] - place / 1000
    counted = one.kind == "whole number" and one.distinct > 12  # such as votes or ages
    return -(0.3 if counted else 0.0) - min(one.distinct, 100) / 10_000


def _could_be_text(one: Portrait) -> bool:
    name = one.name.lower()
    varied = one.distinct > max(10, one.rows / 20) or name in TEXT_NAMES
    named = _ID.fullmatch(one.name) or _PERSON.fullmatch(one.name)
    return one.kind == "text" and varied and (not named or one.words >= LONG)


def _choose_texts(texts: Sequence[Portrait], wishes: Wishes) -> tuple[tuple[str, ...], list[str]]:
    by_name = {one.name.lower(): one for one in texts}
    if wishes.texts:
        return wishes.texts, [f"{_reads(wishes.texts)}, as was asked."]
    for first, second in PAIRS:
        if first in by_name and second in by_name:
            pair = (by_name[first].name, by_name[second].name)
            return pair, [f"The texts are a pair by their names{_others(texts, pair)}."]
    if len(texts) == 1:
        return (texts[0].name,), [f"The text is the only column of texts: {texts[0]}."]
    late = [one.name for one in texts if _AFTERWARDS.fullmatch(one.name)]
    before = [one for one in texts if one.name not in late] or list(texts)
    longest = max(before, key=lambda one: one.words * (one.rows - one.missing))
    chosen = tuple(
        one.name
        for one in before
        if one is longest
        or (
            (one.words >= FEWEST_WORDS or one.name.lower() in TEXT_NAMES)
            and one.missing < 0.6 * one.rows
        )
    )
    why = [f"{_reads(chosen)}{_others(texts, chosen)}."]
    if late := [name for name in late if name not in chosen]:
        why.append(
            f"Left out, because it may be written once the label is known: {listed(late)}. "
            "--text takes it in."
        )
    return chosen, why


def _reads(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"The text is '{names[0]}'"
    return f"The text is put together of {listed([repr(name) for name in names])}"


def _others(texts: Sequence[Portrait], chosen: Sequence[str]) -> str:
    others = ", ".join(str(one) for one in texts if one.name not in chosen)
    return f"; also there: {others}" if others else ""


def _label_reason(
    label: Portrait, others: Sequence[Portrait], told: dict[str, float], *, alone: bool
) -> str:
    measured = f"words of the texts tell it ({told[label.name]:.2f}; 0 is guessing, 1 always right)"
    if told[label.name] < WEAK:
        measured = f"words of the texts hardly tell it ({told[label.name]:.2f}; 0 is guessing)"
    named = label.name.lower() in LABEL_NAMES
    why = f"by its name, and {measured}" if named else f"because {measured}"
    if alone:
        return f"The label is the only column with few values: {label}; {measured}."
    if not others:
        return f"The label was chosen {why}: {label}."
    could = ", ".join(f"'{one.name}' ({told[one.name]:.2f})" for one in others[:4])
    return f"The label was chosen {why}: {label}; it could also be: {could}."


def _no_label(portraits: Sequence[Portrait], shown: str) -> str:
    named = next((one for one in portraits if one.name.lower() in LABEL_NAMES), None)
    if named is None:
        listing = "; ".join(map(str, portraits))
        few = [one for one in portraits if 2 <= one.distinct <= MOST_CLASSES]
        message = f"no column could be a label (2 to {MOST_CLASSES} different values): {listing}."
        if not few:
            return message
        fewest = min(few, key=lambda one: one.distinct).name
        command = shlex.join(["tunewise", "init", shown, "--label", fewest])
        return f"{message} If '{fewest}' is one all the same: {command}"
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
