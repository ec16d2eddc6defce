"""The look at the data before any training: what would make a result wrong, and what to know.

The texts and labels of the test split are read here; no score is computed on it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import Problem
from tunewise.core.format import first_of, plural
from tunewise.data.audit.leakage import Keys, SharedTexts, shared_groups, shared_texts, text_keys
from tunewise.data.labels import Labels, is_missing
from tunewise.data.table import PLACE, Row, Splits, twice_in

MOST_SHARED = 0.01  # of the smaller split; more common texts than this are an error
FEW = 30  # rows of a split that is scored; below, hardly any difference can be seen

TokenLengths = Callable[[Sequence[tuple[str, ...]]], Sequence[int]]


@dataclass(frozen=True)
class Audit:
    """What was found. A study with problems does not start; warnings and facts are stored."""

    problems: list[Problem]
    warnings: list[str]
    facts: JSONObject  # JSON values


def audit(
    splits: Splits,
    *,
    texts: Sequence[str],
    label: str,
    labels: Labels | None,
    accept_leakage: str | None = None,
    token_lengths: TokenLengths | None = None,
    max_length: int | None = None,
    parts: Sequence[str] = (),
) -> Audit:
    """Look at everything that can be seen without a model.

    Args:
        splits: rows with ``id``, ``_place``, the texts and the label as the data has them.
        texts: the columns that the model reads, one or two.
        label: the column of the right answers.
        labels: as resolved; None where that failed, and nothing is reported about labels.
        accept_leakage: the reason of the study's author for going on although more than 1 % of
            a split stands in another one too.
        token_lengths: the tokens of each text (or pair), special ones included.
        max_length: tokens after which a text is cut; with `token_lengths`, the fraction is
        reported.
        parts: columns that a text was made of, which therefore group nothing.
    """
    found = Audit([], [], {"splits": {name: {"rows": len(splits[name])} for name in splits}})
    keys = text_keys(splits, texts)
    _check_texts(found, splits, texts, keys)
    _check_ids(found, splits)
    _check_shared(found, shared_texts(splits, texts, keys), accept_leakage)
    _check_groups(found, splits, texts, [label, *parts])
    if labels is not None:
        _check_labels(found, splits, label, labels)
        _check_contradictions(found, splits, label, labels, keys)
    if token_lengths is not None and not found.problems:  # only texts have tokens
        _check_lengths(found, splits, texts, token_lengths, max_length)
    return found


def not_texts(splits: Splits, texts: Sequence[str]) -> list[Problem]:
    """Values of text columns that are none. The audit finds them too; before it, they have no hash.

    Bytes, dates and numbers that are not finite come from Parquet, and are no JSON.
    """
    problems = []
    for rows, column in product(splits.values(), texts):
        wrong = [row for row in rows if not isinstance(row.get(column), str)]
        if not wrong:
            continue
        place, value, many = wrong[0][PLACE], wrong[0].get(column), plural(len(wrong), "row")
        what = "null" if value is None else f"{repr(value)[:80]} ({type(value).__name__})"
        message = (
            f"'{column}' is {what}, not a text; so in {many} "
            f'({first_of([row[PLACE] for row in wrong])}). Write texts in quotes, and "" for an '
            "empty one."
        )
        if isinstance(value, bytes):
            message = f"'{column}' holds bytes that are not UTF-8 text; so in {many}. "
            message += "Decode the column before it is stored."
        problems.append(Problem(place, message))
    return problems


def _check_texts(found: Audit, splits: Splits, texts: Sequence[str], keys: Keys) -> None:
    found.problems.extend(not_texts(splits, texts))
    for name, rows in splits.items():
        whole = [[row[column] for column in texts if isinstance(row[column], str)] for row in rows]
        empty = [
            row[PLACE]
            for row, parts in zip(rows, whole, strict=True)
            if not all(part.strip() for part in parts)
        ]
        if empty:
            found.warnings.append(
                f"{name}: {plural(len(empty), 'empty text')} ({first_of(empty)}); kept, because an "
                "answer is asked for all the same."
            )
        characters = [sum(map(len, parts)) for parts in whole]
        words = [sum(len(part.split()) for part in parts) for parts in whole]
        found.facts["splits"][name] |= {
            "empty_texts": len(empty),
            "repeated_texts": len(rows) - len(set(keys[name])),
            "characters": _summary(characters),
            "words": _summary(words),
        }
        if name != "train" and len(rows) < FEW:
            found.warnings.append(
                f"{name}: only {plural(len(rows), 'row')}; differences between contenders will "
                "hardly show."
            )


def _summary(counts: Sequence[int]) -> dict[str, float]:
    return {
        "mean": round(sum(counts) / len(counts), 1),
        "median": median(counts),
        "largest": max(counts),
    }


def _check_ids(found: Audit, splits: Splits) -> None:
    twice = twice_in([row["id"] for rows in splits.values() for row in rows])
    if twice:
        name = twice[0]
        where = [row[PLACE] for rows in splits.values() for row in rows if row["id"] == name]
        found.problems.append(
            Problem(
                where[1],
                f"the id '{name}' also stands at {where[0]}; {plural(len(twice), 'id')} occur more "
                "than once. Contenders are compared example by example, so each row needs its "
                "own; if 'id' means something else here, rename it: data.columns: {group: id}",
            )
        )


def _check_shared(found: Audit, shared: Sequence[SharedTexts], reason: str | None) -> None:
    found.facts["shared_texts"] = [pair.facts() for pair in shared]
    for pair in shared:
        text = (
            f"{pair.of}: {plural(pair.alike, 'row')} ({pair.share:.1%}) with a text that "
            f"{pair.within} has too"
        )
        where = "; ".join(f"{here} and {there}" for here, there in pair.examples[:2])
        if pair.share > MOST_SHARED and not (reason and reason.strip()):
            found.problems.append(
                Problem(
                    "data",
                    f"{text}, more than {MOST_SHARED:.0%}, so scores would be too good ({where}). "
                    "Remove them, or say why it does not matter: accept_leakage: <reason>",
                )
            )
        elif pair.share > MOST_SHARED:
            found.warnings.append(f"{text}. Accepted: {reason}")
        elif pair.alike:
            found.warnings.append(f"{text} ({where}).")
        if pair.near:
            found.warnings.append(
                f"{pair.of}: {plural(pair.near, 'more row')} with nearly the text of a row of "
                f"{pair.within}."
            )
    if any(pair.near is None for pair in shared):
        found.warnings.append("Nearly equal texts were not looked for: there is too much text.")


def _check_groups(
    found: Audit, splits: Splits, texts: Sequence[str], ignore: Sequence[str]
) -> None:
    groups = shared_groups(splits, texts, ignore=ignore)
    found.facts["shared_groups"] = [group.facts() for group in groups]
    for group in groups:
        what = "the beginning of their id" if group.column == "id" else f"their '{group.column}'"
        found.warnings.append(
            f"{group.split}: {group.share:.0%} of the rows share {what} with rows of train. Where "
            "such rows are alike, scores are too good; data.split.group keeps them together."
        )


def _check_labels(found: Audit, splits: Splits, label: str, labels: Labels) -> None:
    found.facts["labels"] = {"options": list(labels.options), "spellings": dict(labels.spellings)}
    if len(labels.options) < 2:
        found.problems.append(
            Problem("data", f"'{label}' has one value, {labels.options[0]!r}: nothing to decide.")
        )
        return
    for name, rows in splits.items():
        counts = Counter(labels.position(row[label]) for row in rows if not is_missing(row[label]))
        found.facts["splits"][name]["labels"] = {
            option: counts[position] for position, option in enumerate(labels.options)
        }
        absent = [option for at, option in enumerate(labels.options) if not counts[at]]
        if len(counts) == 1:
            text = f"every row of {name} is {labels.options[next(iter(counts))]!r}"
            if name == "test":
                found.warnings.append(f"{text}: no score on it tells contenders apart.")
            else:
                use = (
                    "nothing can be learned"
                    if name == "train"
                    else "no settings can be chosen on it"
                )
                found.problems.append(Problem("data", f"{text}: {use}."))
        elif absent and name == "train":
            found.warnings.append(
                f"train has no example of {first_of(absent)}: it cannot be learned."
            )
        elif absent:
            found.warnings.append(f"{name} has no example of {first_of(absent)}.")


def _check_contradictions(
    found: Audit, splits: Splits, label: str, labels: Labels, keys: Keys
) -> None:
    repeated = frozenset(twice_in([key for part in keys.values() for key in part]))
    same: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for name, rows in splits.items():
        for key, row in zip(keys[name], rows, strict=True):
            if key in repeated and any(key) and not is_missing(row[label]):
                same[key].append(row)
    torn = [
        rows for rows in same.values() if len({labels.position(row[label]) for row in rows}) > 1
    ]
    found.facts["contradictory_texts"] = len(torn)
    if torn:
        examples = "; ".join(
            " and ".join(f"{row[PLACE]} ({row[label]!r})" for row in rows[:2]) for rows in torn[:2]
        )
        found.warnings.append(
            f"{plural(len(torn), 'text')} with different labels in different rows: {examples}."
        )


def _check_lengths(
    found: Audit,
    splits: Splits,
    texts: Sequence[str],
    token_lengths: TokenLengths,
    max_length: int | None,
) -> None:
    for name, rows in splits.items():
        lengths = token_lengths([tuple(row[column] for column in texts) for row in rows])
        facts: JSONObject = {"tokens": _summary(lengths)}
        if max_length is not None:
            cut = sum(length > max_length for length in lengths)
            facts["truncated_share"] = cut / len(lengths)
            if cut:
                found.warnings.append(
                    f"{name}: {cut / len(lengths):.1%} of the texts are longer than {max_length} "
                    "tokens and will be cut (training.max_length)."
                )
        found.facts["splits"][name] |= facts
