"""Cutting a split into several, and taking a part of each, the same way every time.

Nothing here draws from a generator: each row's place in the random order is a hash of the seed
and the row's id. So the same rows are chosen on every machine and with every version of Python,
and a smaller limit takes a part of what a larger one takes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.format import first_of, plural
from tunewise.data.settings import SplitRule
from tunewise.data.table import PLACE, SPLITS, Row, Splits

_UNUSED = "unused"


def apply_rule(
    splits: Splits,
    rule: SplitRule,
    *,
    label: str | None,
    together: Mapping[str, str] | None = None,
) -> tuple[Splits, int]:
    """The splits after cutting, and how many rows no part took.

    Every row keeps its id and the order of the file. With a group, the sizes are met as closely
    as whole groups allow. `together` names further groups: rows, by id, that no split separates.

    Raises:
        InputError: the split to cut is not there, a part exists already, a group is missing, or
            the sizes do not fit.
    """
    place = "data.split"
    if rule.from_ not in splits:
        raise InputError(
            [
                Problem(
                    f"{place}.from",
                    f"no '{rule.from_}' split. {nearest(rule.from_, splits)}",
                )
            ]
        )
    taken = [name for name in rule.sizes if name in splits and name != rule.from_]
    if taken:
        raise InputError(
            [
                Problem(
                    f"{place}.{name}",
                    f"the data has its own {name} split ({plural(len(splits[name]), 'row')}); "
                    "leave this part out, or choose the files with data.files.",
                )
                for name in taken
            ]
        )
    rows = splits[rule.from_]
    sizes = part_sizes(rule, len(rows))
    strata = label if rule.stratify else None
    if rule.group is None and not together:
        order = spread(rows, label=strata, seed=rule.seed, purpose="split")
        parts = _cut(order, sizes)
    else:
        groups = _groups(rows, rule.group, together or {})
        parts = _cut_groups(rows, sizes, groups, rule, label=strata)
    made = {name: [rows[at] for at in sorted(parts.get(name, []))] for name in rule.sizes}
    kept = {name: part for name, part in splits.items() if name != rule.from_}
    parted = {**kept, **made}
    return {name: parted[name] for name in SPLITS if name in parted}, sizes[_UNUSED]


def part_sizes(rule: SplitRule, rows: int) -> dict[str, int]:
    """How many of the rows each part takes, and how many are left unused.

    >>> part_sizes(SplitRule(train="rest", validation=0.1, test=20), 99)
    {'train': 69, 'validation': 10, 'test': 20, 'unused': 0}
    """
    sizes = {
        name: int(size * rows + 0.5) if isinstance(size, float) else size
        for name, size in rule.sizes.items()
        if size != "rest"
    }
    fractions = [name for name, size in rule.sizes.items() if isinstance(size, float)]
    if len(fractions) == len(rule.sizes) and abs(sum(map(float, rule.sizes.values())) - 1) < 1e-9:
        sizes[fractions[0]] += rows - sum(sizes.values())  # what rounding left over
    left = rows - sum(sizes.values())
    counts = {name: left if size == "rest" else sizes[name] for name, size in rule.sizes.items()}
    empty = [name for name, count in counts.items() if count <= 0]
    if empty or left < 0:
        asked = ", ".join(f"{name}: {size}" for name, size in rule.sizes.items())
        what = "more rows than there are" if left < 0 else f"no rows for {' and '.join(empty)}"
        raise InputError(
            [Problem("data.split", f"{{{asked}}} of {plural(rows, 'row')} asks for {what}.")]
        )
    return {**counts, _UNUSED: 0 if "rest" in rule.sizes.values() else left}


def limited(splits: Splits, limit: int | dict[str, int], *, label: str | None, seed: int) -> Splits:
    """At most `limit` rows of every split, or of the named ones, with the fractions of the labels.

    Each label keeps at least one row where there is room for all. The order stays the file's.
    """
    kept = {}
    for name, rows in splits.items():
        most = limit.get(name) if isinstance(limit, dict) else limit
        if most is None or most >= len(rows):
            kept[name] = rows
        else:
            order = spread(rows, label=label, seed=seed, purpose=f"limit {name}")
            kept[name] = [rows[at] for at in sorted(order[:most])]
    return kept


def spread(rows: Sequence[Row], *, label: str | None, seed: int, purpose: str) -> list[int]:
    """Positions of the rows in a random order of which every beginning is representative.

    In any beginning of length k, a label with fraction s has s*k rows, to within one row; each
    label's first row comes before any label's second, as far as the fractions allow.
    """
    draws = [_draw(seed, purpose, row["id"]) for row in rows]
    order = sorted(range(len(rows)), key=lambda at: (draws[at], at))
    if label is None:
        return order
    totals = Counter(_stratum(row, label) for row in rows)
    seen: Counter[Hashable] = Counter()
    progress = {}  # how much of its label has come before, from 0 up to, not including, 1
    for at in order:
        stratum = _stratum(rows[at], label)
        progress[at] = seen[stratum] / totals[stratum]
        seen[stratum] += 1
    return sorted(order, key=progress.__getitem__)  # stable: what ties stays in random order


def _draw(seed: int, purpose: str, name: str) -> bytes:
    text = f"{seed}/{purpose}/{name}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _stratum(row: Row, label: str | None) -> str:
    return "" if label is None else str(row.get(label))


def _cut(order: Sequence[int], sizes: dict[str, int]) -> dict[str, list[int]]:
    parts, start = {}, 0
    for name, size in sizes.items():
        parts[name] = list(order[start : start + size])
        start += size
    return parts


def _groups(rows: Sequence[Row], group: str | None, together: Mapping[str, str]) -> list[str]:
    """The group of every row: by the column, and joined where near duplicates connect two."""
    if group is None:
        return [together.get(row["id"], row["id"]) for row in rows]
    lacking = [row[PLACE] for row in rows if row.get(group) is None or not str(row[group]).strip()]
    if lacking:
        raise InputError(
            [
                Problem(
                    lacking[0],
                    f"'{group}' is empty here and in {plural(len(lacking), 'row')} in all "
                    f"({first_of(lacking)}); data.split.group needs a value in every row.",
                )
            ]
        )
    leader: dict[str, str] = {}  # of the values of the column that near duplicates connect

    def of(value: str) -> str:
        while leader.get(value, value) != value:
            value = leader[value]
        return value

    first: dict[str, str] = {}
    for row in rows:
        if cluster := together.get(row["id"]):
            one, other = sorted(
                (of(first.setdefault(cluster, str(row[group]))), of(str(row[group])))
            )
            leader[other] = one
    return [of(str(row[group])) for row in rows]


def _cut_groups(
    rows: Sequence[Row],
    sizes: dict[str, int],
    groups: Sequence[str],
    rule: SplitRule,
    *,
    label: str | None,
) -> dict[str, list[int]]:
    """Give whole groups, in random order, to the part that lacks their labels most."""
    place = "data.split.group" if rule.group else "data.clean.near_duplicates"
    what = f"'{rule.group}'" if rule.group else "near_duplicates: group"
    members: dict[str, list[int]] = {}
    for at, group in enumerate(groups):
        members.setdefault(group, []).append(at)
    if len(members) < sum(size > 0 for size in sizes.values()):
        raise InputError(
            [
                Problem(
                    place,
                    f"{what} has {plural(len(members), 'value')} for "
                    f"{sum(size > 0 for size in sizes.values())} parts; each part needs its own.",
                )
            ]
        )
    totals = Counter(_stratum(row, label) for row in rows)
    lacks = {  # rows of each label that a part still wants
        name: {stratum: total * size / len(rows) for stratum, total in totals.items()}
        for name, size in sizes.items()
        if size > 0
    }
    wanted = {name: dict(part) for name, part in lacks.items()}
    parts: dict[str, list[int]] = {name: [] for name in sizes}
    for value in sorted(members, key=lambda value: (_draw(rule.seed, "split group", value), value)):
        counts = Counter(_stratum(rows[at], label) for at in members[value])
        part = max(
            lacks,
            key=lambda name: sum(
                count * lacks[name][stratum] / wanted[name][stratum]
                for stratum, count in counts.items()
            ),
        )
        parts[part] += members[value]
        for stratum, count in counts.items():
            lacks[part][stratum] -= count
    empty = [name for name in lacks if not parts[name]]
    if empty:
        raise InputError(
            [
                Problem(
                    place,
                    f"no group of {what} is left for {' and '.join(empty)}: the groups are too "
                    f"large ({plural(len(members), 'value')} in {plural(len(rows), 'row')}).",
                )
            ]
        )
    return parts
