"""What two splits have in common: texts, and groups of rows that belong together."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from tunewise.core.canonical import JSONObject
from tunewise.data.audit.near_duplicates import NEAR, Shingles, jaccard, near_pairs, plain, shingles
from tunewise.data.table import PLACE, Row, Splits

MOST_WORDS = 4_000_000  # looking for nearly equal texts takes about a second a million words
MOST_EXAMPLES = 5
SUSPICIOUS = 0.05  # fraction of rows whose group also stands in train, from which on it is reported
Keys = dict[str, list[tuple[str, ...]]]
"""Of every row of every split, its texts as they are compared."""

_GENERATED_ID = re.compile(r"(row|train|validation|test)-\d+")
_NUMBERED_ID = re.compile(r"(.+?)[-_:./#]+q?\d+")
# words; a single letter that follows a digit is a unit, or stands in a time: 5m, 2026-01-05T10:00Z
_LETTERS = re.compile(r"(?!(?<=\d)[A-Za-z](?![^\W\d_]))[^\W\d_]+")
_OF_MEASURES = re.compile(  # what stands beside the digits of dates, times, sums and sizes
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|fév|avr|jui|aoû|aou|déc|"
    r"ene|abr|ago|set|dic|gen|mag|giu|lug|ott)\w*|utc|gmt|am|pm|mon|tues?|wed|thu(rs)?|fri|sat|sun|"
    r"mo|di|mi|do|fr|sa|so|lun|mer|jeu|ven|sam|dim|kw|weeks?|days?|h(ou)?rs?|min(ute)?s?|"
    r"sec(ond)?s?|ms|months?|years?|kb|mb|gb|kg|km|cm|mm|ml|eur|euros?|usd|gbp|chf|points?|stars?|"
    r"年|月|日|時|分"
)
_NUMBERED = re.compile(  # columns whose numbers name somebody or something
    r"(.*[^a-z])?(id|ids|key|no|nr|num|number|code|user|customer|client|account|patient|author|"
    r"person|session|thread|case|order|ticket|group|document|doc)[^a-z]*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SharedTexts:
    """How many rows of one split have a text that another split has too.

    `of` is the smaller split, whose rows are counted, and `rows` its size. `same` counts texts
    equal letter by letter, `alike` adds those equal but for case, punctuation and blanks, and
    `near` counts further ones that are nearly equal (None where there was too much to compare).
    """

    of: str
    within: str
    rows: int
    same: int
    alike: int
    near: int | None
    examples: tuple[tuple[str, str], ...]  # places: here, there

    @property
    def share(self) -> float:
        """The fraction of the rows of `of` that are alike."""
        return self.alike / self.rows

    def facts(self) -> JSONObject:
        return {
            **asdict(self),
            "share": self.share,
            "examples": [list(pair) for pair in self.examples],
        }


def text_keys(splits: Splits, texts: Sequence[str]) -> Keys:
    """The texts of every row as they are compared: without case, punctuation and blanks."""
    return {
        name: [tuple(plain(_as_text(row.get(column))) for column in texts) for row in rows]
        for name, rows in splits.items()
    }


def shared_texts(splits: Splits, texts: Sequence[str], keys: Keys) -> list[SharedTexts]:
    """Every pair of splits compared by their `text_keys`. Of a pair of texts, both must agree."""
    words = sum(len(part.split()) for parts in keys.values() for key in parts for part in key)
    runs = (
        {name: [shingles(" ".join(key)) for key in part] for name, part in keys.items()}
        if words <= MOST_WORDS
        else None
    )
    compared = []
    for first, second in combinations(splits, 2):
        of, within = sorted((second, first), key=lambda name: len(splits[name]))
        near = None if runs is None else _near(keys, runs, of, within)
        ours = frozenset(keys[of])
        there: dict[tuple[str, ...], int] = {}  # the first place of each of our texts
        for place, key in enumerate(keys[within]):
            if key in ours:
                there.setdefault(key, place)
        alike = [
            (place, there[key])
            for place, key in enumerate(keys[of])
            if key in there and any(key)  # empty texts are counted elsewhere
        ]
        letters = {
            _letters(row, texts)
            for key, row in zip(keys[within], splits[within], strict=True)
            if key in there
        }
        compared.append(
            SharedTexts(
                of=of,
                within=within,
                rows=len(splits[of]),
                same=sum(_letters(splits[of][here], texts) in letters for here, _ in alike),
                alike=len(alike),
                near=None if near is None else len(near),
                examples=tuple(
                    (splits[of][here][PLACE], splits[within][other][PLACE])
                    for here, other in [*alike, *(near or [])][:MOST_EXAMPLES]
                ),
            )
        )
    return compared


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _letters(row: Row, texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(_as_text(row.get(column)) for column in texts)


def _near(
    keys: Keys, runs: dict[str, list[Shingles]], of: str, within: str
) -> list[tuple[int, int]]:
    """Nearly equal rows that are not alike.

    The texts of a row are compared together and then each: a passage that stands in many rows
    must not hide that its questions differ.
    """
    ours, theirs = keys[of], keys[within]
    alike = set(theirs)
    return [
        (here, there)
        for here, there in near_pairs(runs[of], runs[within])
        if ours[here] not in alike
        and all(
            jaccard(shingles(one), shingles(other)) >= NEAR
            for one, other in zip(ours[here], theirs[there], strict=True)
        )
    ]


@dataclass(frozen=True)
class SharedGroup:
    """A column (or the beginning of the ids) whose values stand in train and in another split.

    `fraction` is the fraction of the rows of `split` whose value train has too.
    """

    column: str
    split: str
    share: float

    def facts(self) -> JSONObject:
        return asdict(self)


def shared_groups(
    splits: Splits, texts: Sequence[str], *, ignore: Sequence[str] = ()
) -> list[SharedGroup]:
    """Columns that look like groups, and whose values stand on both sides of a split.

    Such as a title, an author, or the longer text of a pair. A group has many values, several
    rows to a value, and shares a good part of them with train. Dates, counts and measures are
    none: numbers group rows where the column's name says that they stand for something.
    """
    train = splits.get("train", [])
    columns = {
        column: _value_of(column)
        for column in dict.fromkeys(column for row in train[:100] for column in row)
        if column not in {*ignore, "id", PLACE, *texts}
    }
    if len(texts) > 1:  # of a question and a passage, the passage is what rows share
        longest = max(texts, key=lambda text: sum(len(_as_text(row.get(text))) for row in train))
        columns[longest] = _value_of(longest)
    columns["id"] = _id_group
    found = []
    for column, value in columns.items():
        values = [value(row) for row in train]
        known = set(values) - {None}
        if len(known) < 10 or 1.05 * len(known) > len(train) or not _names(column, known):
            continue
        for split, rows in splits.items():
            crossing = sum(value(row) in known for row in rows)
            if split != "train" and crossing > SUSPICIOUS * len(rows):
                found.append(SharedGroup(column, split, crossing / len(rows)))
    return found


def _names(column: str, values: Collection[str | None]) -> bool:
    """Whether the values name what rows are of, in place of dating or measuring them."""
    measured = sum(_is_measured(value) for value in values if value is not None)
    return 2 * measured < len(values) or _NUMBERED.fullmatch(column) is not None


def _is_measured(value: str) -> bool:
    """Whether it is a date, a time, a count or a measure: digits, and hardly a word beside them.

    >>> [_is_measured(one) for one in ("5. Januar 2026", "12,50 EUR", "9:12 AM", "T-12", "Anna")]
    [True, True, True, False, False]
    """
    if not any(map(str.isdecimal, value)):
        return not _LETTERS.search(value)
    return all(map(_OF_MEASURES.fullmatch, _LETTERS.findall(value.casefold())))


def _value_of(column: str) -> Callable[[Row], str | None]:
    def value(row: Row) -> str | None:
        content = row.get(column)
        usable = isinstance(content, (str, int)) and not isinstance(content, bool)
        return str(content) if usable and content != "" else None

    return value


def _id_group(row: Row) -> str | None:
    """What comes before the number at the end of an id that the data brought."""
    name = str(row["id"])
    found = None if _GENERATED_ID.fullmatch(name) else _NUMBERED_ID.fullmatch(name)
    return found[1] if found else None
