"""Which contender of a study is meant, and where its weights lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewise.core.errors import InputError, Problem, unknown
from tunewise.data.cleaning.combine import TextRules
from tunewise.results import StudyResults
from tunewise.store.records import ContenderRecord, StudyRecord, TrialSettings
from tunewise.store.study import StudyFolder
from tunewise.store.trials import TrialRecord
from tunewise.studies.chosen import chosen_ids
from tunewise.studies.rate_search import Records


@dataclass(frozen=True)
class Chosen:
    """A contender with the trial that stands for it: the first seed of its chosen point."""

    name: str
    record: TrialRecord
    weights: Path
    rules: TextRules  # from the study's data to what the contender reads

    @property
    def settings(self) -> TrialSettings:
        return self.record.result.settings


def choose(opened: StudyResults, name: str | None, *, weights: bool = True) -> Chosen:
    """The contender of that name, or the best of the verdict; `weights` says that they are needed.

    Raises:
        InputError: there is no such contender, it has no result, or its weights were removed.
        DamagedStudy: its weights are not what was saved.
    """
    folder = opened.folder
    study, records = folder.study(), folder.records()
    contenders = {row.name: row for row in study.contenders}
    if name is not None and name not in contenders:
        raise InputError([Problem("--contender", unknown("contender", name, contenders))])
    name = name or opened.verdict.best
    ids = chosen_ids(study, contenders[name], records) if name else []
    if name is None or not ids:
        who = "no contender has a result" if name is None else f"'{name}' has no result"
        raise InputError([Problem(str(folder.path), f"{who} yet. {_go_on(folder)}")])
    if weights and not folder.has_weights(ids[0]):
        ready = [
            other
            for other, row in contenders.items()
            if any(folder.has_weights(id) for id in _first(study, row, records))
        ]
        raise InputError(_gone(folder, name, ids[0], ready))
    rules = TextRules.from_json(study.settings.get("data") or {})
    where = folder.weights(ids[0]) if weights else folder.weights_folder(ids[0])
    return Chosen(name, records[ids[0]], where, rules)


def _first(study: StudyRecord, row: ContenderRecord, records: Records) -> list[str]:
    return chosen_ids(study, row, records)[:1]


def _gone(folder: StudyFolder, name: str, id: str, ready: Sequence[str]) -> str:
    note = folder.removed_weights().get(id)
    why = f"were removed ({note.reason})" if note else "are not there"
    others = f"There are weights of {', '.join(ready)}." if ready else "No weights were kept."
    return (
        f"{folder.path}: the weights of '{name}' {why}. {others} To keep all of them, run the "
        f"study into another folder: tunewise run {folder.path / 'study.yaml'} "
        f"--set keep=all --out ANOTHER"
    )


def _go_on(folder: StudyFolder) -> str:
    return f"Resume with: tunewise run {folder.path / 'study.yaml'} --out {folder.path}"
