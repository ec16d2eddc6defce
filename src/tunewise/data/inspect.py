"""A look at data nobody has described: what could be studied with it, and why we think so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Literal

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import first_of, listed, plural
from tunewise.data.audit.audit import Audit, audit
from tunewise.data.cleaning.rules import CleanRules
from tunewise.data.column_guess import SPAN_TEXTS, Roles, Wishes, guess_roles, holds_spans
from tunewise.data.conversations import (
    ANSWER,
    CONVERSATION,
    Columns,
    conversation_columns,
    shaped,
)
from tunewise.data.first_look.languages import languages_of
from tunewise.data.first_look.portrait import portrait
from tunewise.data.first_look.profile import Profile, class_counts, shared_uncleaned, word_counts
from tunewise.data.first_look.proposals import propose
from tunewise.data.labels import as_text, is_missing, resolve
from tunewise.data.locate import kind_of, resolved
from tunewise.data.opening import Source, open_source
from tunewise.data.prepared import label_counts, prepared_rows
from tunewise.data.readers.files import WORKBOOKS, data_files, read_file
from tunewise.data.readers.saved import is_saved
from tunewise.data.readers.workbook import sheets_in
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.data.sources import Data, read_data, whole_rows
from tunewise.data.spans import settled_answers
from tunewise.data.table import SPLITS, Row, Splits, Table, split_named

_LISTED = re.compile(r"[,;|]")  # what separates several labels of a row
ENOUGH = 1000  # rows from which on a tenth is enough to score on


@dataclass(frozen=True)
class Guess:
    """A task that could be studied. `write_study` makes a study file of it.

    Where answers are spans of a context, there are no options, and `label` names the answers.

    `reasons` say why it was chosen so, `warnings` what the audit noticed, `problems` what would
    keep the study from starting; rows and counts are those after the split.
    """

    settings: DataSettings
    texts: tuple[str, ...]
    label: str
    names: tuple[str, ...] | None  # to be written down, where the data alone would be ambiguous
    options: tuple[str, ...]
    rows: dict[str, int]
    counts: dict[str, dict[str, int]]
    words: float  # mean words of a row's texts, in train
    bytes: float  # and their mean length in UTF-8, which tells of scripts without spaces too
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    problems: tuple[str, ...]
    profile: Profile
    kind: Literal["classification", "question-answering", "chat"] = "classification"
    task: Mapping[str, str] = field(default_factory=dict)  # columns that its settings name


def look(source: str, base: Path = Path(), wishes: Wishes | None = None) -> Guess:
    """Look at a file, a folder, embedded data or a hub id.

    Args:
        source: as a study file in `base` would name it.
        base: the folder that the study file will lie in.
        wishes: what a person has said about the columns.

    Raises:
        InputError: unreadable, or no classification of texts; it says what it is instead.
    """
    wishes = wishes or Wishes()
    settings, opened, reasons = _opened(source, base, wishes)
    main = opened.tables.get("train") or next(iter(opened.tables.values()))
    if holds_spans(main.columns, main.rows) and not (wishes.texts or wishes.label):
        return _spans(settings, opened, base, reasons)
    conversations = conversation_columns(main.columns, main.rows)
    if conversations is not None and not (wishes.texts or wishes.label):
        return _conversations(settings, opened, base, reasons, conversations)
    roles = guess_roles(main.columns, main.rows, source, wishes)
    # what the data need: one text of several, a rule for the splits they lack, cleaning
    combine = {roles.texts[0]: list(roles.parts)} if roles.parts else None
    rule = _rule(opened, roles, wishes.group)
    settings = replace(settings, combine=combine, split=rule)
    # Rows that lack a text are told of as such, like those of which it is empty.
    all_kept = replace(settings, clean=CleanRules(empty="drop"))
    splits = whole_rows(opened, all_kept, [*roles.texts, roles.label], label=roles.label)
    found = propose(splits, roles.texts, roles.label, rule)
    settings = replace(settings, clean=found)
    settings = replace(settings, on_unseen_label=_on_unseen(splits, roles.label, found, rule))
    names = _names(main.rows, roles.label)
    return _audited(settings, opened, base, roles, names, (*roles.reasons, *reasons))


def _opened(source: str, base: Path, wishes: Wishes) -> tuple[DataSettings, Source, list[str]]:
    sheet, reasons = _sheet(source, base, wishes)
    settings = DataSettings(source=source, sheet=sheet)
    if kind_of(source, base) == "folder":
        folder = resolved(source, base)
        named = any(split_named(path.stem) == "train" for path in data_files(folder))
        if not named and not is_saved(folder):
            files, reasons = _guess_files(folder, source)
            if files:
                settings = DataSettings(source=source, files=files)
                return settings, open_source(settings, base), reasons
    return settings, open_source(settings, base), reasons


def _sheet(source: str, base: Path, wishes: Wishes) -> tuple[str | None, list[str]]:
    """The sheet of a workbook: the one that was asked for, else the one with the most rows."""
    path = resolved(source, base)
    if wishes.sheet or not (path.suffix.lower() in WORKBOOKS and path.is_file()):
        return wishes.sheet, []
    sheets = sheets_in(path, source)
    if len(sheets) < 2:
        return None, []
    most = max(sheets, key=lambda name: sheets[name])
    if wishes.ask:
        most = wishes.ask("Which sheet?", list(sheets), most)
    others = listed([f"'{name}' ({plural(rows, 'row')})" for name, rows in sheets.items()])
    return most, [f"The sheet is '{most}', which has the most rows of {others}."]


def _guess_files(folder: Path, source: str) -> tuple[dict[str, str], list[str]]:
    """Files whose names hold the name of a split: train_subset.jsonl, reviews-dev.csv."""
    found: dict[str, list[Path]] = {}
    for path in data_files(folder):
        splits = {split for word in re.split(r"[\W_]+", path.stem) if (split := split_named(word))}
        if len(splits) == 1:
            found.setdefault(splits.pop(), []).append(path)
    if not found and len(paths := data_files(folder)) == 1:
        return {"train": paths[0].name}, [f"{paths[0].name} is the only data file there."]
    if "train" not in found:
        return {}, []
    tables = {
        path: read_file(path, f"{source.rstrip('/')}/{path.name}")
        for paths in found.values()
        for path in paths
    }
    common = [set(tables[paths[0]].columns) for paths in found.values() if len(paths) == 1]
    files, reasons = {}, []
    for split in SPLITS:
        if split in found:
            ranked = sorted(found[split], key=lambda path: _file_rank(path, tables[path], common))
            files[split] = ranked[0].name
            others = f"; not {first_of([path.name for path in ranked[1:]])}" if ranked[1:] else ""
            reasons.append(f"{ranked[0].name} serves as {split} by its name{others}.")
    return files, reasons


def _file_rank(path: Path, table: Table, common: Sequence[set[str]]) -> tuple[bool, int, int]:
    """The likeliest first: named exactly like a split, with the columns of the others, long."""
    shared = sum(len(columns & set(table.columns)) for columns in common)
    return (split_named(path.stem) is None, -shared, -len(table.rows))


def _on_unseen(
    splits: Splits, label: str, rules: CleanRules | None, rule: SplitRule | None
) -> Literal["error", "drop"]:
    """Whether a split that the data brought has classes that its train lacks."""
    meant = (rules and rules.labels) or {}
    seen = {
        name: {
            meant.get(as_text(row[label]), as_text(row[label]))
            for row in rows
            if not is_missing(row.get(label))
        }
        for name, rows in splits.items()
        if name != (rule.from_ if rule else None)
    }
    known = {
        meant.get(as_text(row[label]), as_text(row[label]))
        for row in splits.get("train", [])
        if not is_missing(row.get(label))
    }
    return "drop" if any(labels - known - {None} for labels in seen.values()) else "error"


def _rule(opened: Source, roles: Roles, group: str | None = None) -> SplitRule | None:
    rows = {
        name: sum(not is_missing(row.get(roles.label)) for row in table.rows)
        for name, table in opened.tables.items()
    }
    has = {name for name, count in rows.items() if count}
    if "train" not in has or has >= {"train", "validation", "test"}:
        return None
    part = 0.1 if rows["train"] >= ENOUGH else 0.2
    if has == {"train"}:
        rule = SplitRule(train=round(1 - 2 * part, 1), validation=part, test=part)
    elif "validation" not in has:
        rule = SplitRule(validation=part)
    elif rows["validation"] >= ENOUGH:
        rule = SplitRule(from_="validation", test=0.5)
    else:
        rule = SplitRule(test=part)
    return replace(rule, group=group or _group(opened.tables[rule.from_].rows, roles.texts))


def _group(rows: Sequence[Row], texts: Sequence[str]) -> str | None:
    """The longer text of a pair, where it stands in many rows: several questions on a passage."""
    if len(texts) < 2:
        return None
    longer = max(texts, key=lambda text: sum(len(str(row.get(text))) for row in rows))
    repeated = len({str(row.get(longer)) for row in rows}) * 1.05 <= len(rows)
    return longer if repeated else None


def _spans(settings: DataSettings, opened: Source, base: Path, reasons: Sequence[str]) -> Guess:
    """Question answering, by the names of the columns."""
    rule = _rule(opened, Roles(SPAN_TEXTS, "answers", ()))
    settings = replace(settings, split=rule)
    data = read_data(settings, [*SPAN_TEXTS, "answers"], base)
    kept, facts, notes = settled_answers(data.splits, context="context", answers="answers")
    found = audit(kept, texts=SPAN_TEXTS, label="answers", labels=None)
    why = "The columns are SQuAD's: questions, contexts, and answers that stand in them."
    without = sum(part["without_answer"] for part in facts.values())
    more = [f"{without:,} questions have no answer in their context."] if without else []
    data = replace(data, splits=kept, notes=(*data.notes, *notes))
    roles = {**dict.fromkeys(SPAN_TEXTS, "text"), "answers": "answers"}
    return _written(settings, opened, data, found, roles, (why, *reasons, *more))


def _conversations(
    settings: DataSettings, opened: Source, base: Path, reasons: Sequence[str], columns: Columns
) -> Guess:
    """Conversations, by the form of a column or by the names of two."""
    names = columns.names
    settings = replace(settings, split=_rule(opened, Roles((), names[-1], ())))

    def read(settings: DataSettings) -> tuple[Data, Audit]:
        data = read_data(
            settings,
            names,
            base,
            texts=[CONVERSATION],
            source=opened,
            shape=lambda splits: shaped(splits, columns),
        )
        return data, audit(data.splits, texts=[CONVERSATION], label=ANSWER, labels=None)

    data, found = read(settings)
    if any(facts["alike"] for facts in found.facts["shared_texts"]):
        settings = replace(settings, clean=CleanRules(duplicates="drop"))
        data, found = read(settings)
    why = f"'{names[0]}' holds conversations: turns of who says what."
    roles, task = {names[0]: "turns"}, {"messages": columns.messages}
    if columns.prompt is not None:
        why = "By their names the columns are what is asked and what is answered."
        roles = dict.fromkeys(columns.asked_in, "asked") | {names[-1]: "answer"}
        pair = {"prompt": columns.prompt, "input": columns.input, "completion": columns.completion}
        task = {setting: name for setting, name in pair.items() if name is not None}
    guess = _written(settings, opened, data, found, roles, (why, *reasons))
    return replace(guess, kind="chat", texts=(CONVERSATION,), label=ANSWER, task=task)


def _written(  # noqa: PLR0917  # each is another part of the guess
    settings: DataSettings,
    opened: Source,
    data: Data,
    found: Audit,
    roles: Mapping[str, str],
    reasons: Sequence[str],
) -> Guess:
    """A guess whose answers are written, so that there are no classes."""
    main = opened.tables.get("train") or next(iter(opened.tables.values()))
    texts = [name for name in SPAN_TEXTS if name in roles] or [CONVERSATION]
    return Guess(
        settings=settings,
        texts=tuple(texts),
        label="answers",
        names=None,
        options=(),
        rows={name: len(part) for name, part in data.splits.items()},
        counts={},
        words=found.facts["splits"]["train"]["words"]["mean"],
        bytes=_mean_bytes(data.splits["train"], texts),
        reasons=tuple(reasons),
        warnings=(*data.notes, *found.warnings),
        problems=tuple(str(problem) for problem in found.problems),
        profile=Profile(
            rows={name: len(table.rows) for name, table in opened.tables.items()},
            columns=tuple(portrait(name, main.rows) for name in main.columns),
            roles=dict(roles),
            words=word_counts(data.splits, texts),
            languages=languages_of(data.splits, texts),
            cleaned=data.facts.get("clean"),
            notes=tuple(note for table in opened.tables.values() for note in table.notes),
        ),
        kind="question-answering",
    )


def _mean_bytes(rows: Sequence[Row], texts: Sequence[str]) -> float:
    return fmean(
        sum(len(str(row[text]).encode(errors="replace")) for text in texts) for row in rows
    )


def _shortened(found: Audit) -> list[str]:
    """The audit's warnings, with one about all columns that may group rows."""
    columns = dict.fromkeys(group["column"] for group in found.facts["shared_groups"])
    others = [text for text in found.warnings if "data.split.group" not in text]
    if not columns:
        return others
    named = listed([f"'{name}'" for name in columns], most=6)
    return [
        *others,
        f"Values of {named} stand in several splits. Where rows with one value are alike, scores "
        "would be too good: `tunewise init --group COLUMN` keeps them in one split.",
    ]


def _several(options: Sequence[str]) -> list[str]:
    """A warning where classes look like lists of classes, as "billing, shipping"."""
    parts = {name: tuple(filter(None, map(str.strip, _LISTED.split(name)))) for name in options}
    joined = {name: found for name, found in parts.items() if len(found) > 1}
    alone = [name for found in parts.values() for name in found]
    shared = [name for name in joined if all(alone.count(one) > 1 for one in joined[name])]
    if not shared or 2 * len(shared) < len(joined):
        return []
    return [
        f"Some rows seem to have several labels, such as '{shared[0]}': each combination is a "
        "class of its own here, because a text gets one class."
    ]


def _names(rows: Sequence[Row], label: str) -> tuple[str, ...] | None:
    """Numbers below zero can only be names, and are then listed in their order."""
    values = {row.get(label) for row in rows if not is_missing(row.get(label))}
    try:
        ordered = sorted(int(value) for value in values)  # type: ignore[arg-type]  # tried
    except (TypeError, ValueError, OverflowError):
        return None
    return tuple(map(str, ordered)) if ordered[0] < 0 else None


def _audited(  # noqa: PLR0917  # each is another part of the guess
    settings: DataSettings,
    opened: Source,
    base: Path,
    roles: Roles,
    names: tuple[str, ...] | None,
    reasons: Sequence[str],
) -> Guess:
    """Read it all as a study would, so that what would stop one is known now."""
    columns = [*roles.texts, roles.label]
    data = read_data(settings, columns, base, texts=roles.texts, label=roles.label, source=opened)
    labels = resolve(data.splits, roles.label, given=names, found=data.names, own=data.own)
    found = audit(
        data.splits, texts=roles.texts, label=roles.label, labels=labels, parts=roles.parts
    )
    rows = {name: len(part) for name, part in data.splits.items()}
    if min(rows.values()) < len(labels.options):
        sizes = ", ".join(f"{name} {count}" for name, count in rows.items())
        message = f"too few rows ({sizes}) for {len(labels.options)} classes."
        raise InputError([Problem(str(settings.source), message)])
    prepared = prepared_rows(data.splits, roles.texts, roles.label, labels)
    counts = label_counts(prepared, roles.label, labels)
    raw = whole_rows(opened, settings, columns, label=roles.label)
    group = {settings.split.group: "group"} if settings.split and settings.split.group else {}
    return Guess(
        settings=settings,
        texts=roles.texts,
        label=roles.label,
        names=names,
        options=labels.options,
        rows=rows,
        counts=counts,
        words=found.facts["splits"]["train"]["words"]["mean"],
        bytes=_mean_bytes(data.splits["train"], roles.texts),
        reasons=tuple(reasons),
        warnings=(*data.notes, *_several(labels.options), *_shortened(found)),
        problems=tuple(str(problem) for problem in found.problems),
        profile=Profile(
            rows={name: len(table.rows) for name, table in opened.tables.items()},
            columns=roles.portraits,
            roles={**group, **dict.fromkeys(roles.read, "text"), roles.label: "label"},
            classes=class_counts(counts),
            words=word_counts(data.splits, roles.texts),
            languages=languages_of(data.splits, roles.texts),
            shared=shared_uncleaned(raw, settings.split, roles.texts, roles.label),
            cleaned=data.facts.get("clean"),
            notes=tuple(note for table in opened.tables.values() for note in table.notes),
        ),
    )
