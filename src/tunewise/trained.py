"""A finished contender of a study: which one is meant, where its weights lie, what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tunewise.core.errors import InputError, Problem, nearest, unknown
from tunewise.data.cleaning.combine import TextRules
from tunewise.data.examples import Example, Prediction
from tunewise.data.prediction_input import given_input
from tunewise.methods.base import Predictor
from tunewise.store.records import TrialSettings
from tunewise.store.study import StudyFolder
from tunewise.store.trials import TrialRecord
from tunewise.studies.chosen import chosen_ids
from tunewise.training.assembly import Parts
from tunewise.training.finished import load_predictor

if TYPE_CHECKING:
    from tunewise.results import StudyResults

Given = str | Sequence[str] | Mapping[str, str]
"""One example: a text, the texts of several columns in order, or texts by column."""


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


class Trained:
    """A contender that answers, as trained with the first seed. Made by `StudyResults.best`."""

    def __init__(self, opened: StudyResults, name: str) -> None:
        self.name = name
        self._folder = opened.folder.path
        self._chosen = choose(opened, name)

    def __repr__(self) -> str:
        return f"<{self.name} of {self._folder}>"

    def predict(self, texts: str | Sequence[Given]) -> list[str]:
        """The answer to each text: a label, or the text that the model writes.

        Args:
            texts: examples. Of a study that reads several columns each is a sequence of texts in
                the study's order, or a mapping from columns to texts. One text alone is a list
                of one.

        Raises:
            InputError: an example has other texts than the study reads.
        """
        options = self._parts.options
        found = self._answers(texts)
        return [one.written[0].text if one.written else options[one.choice] for one in found]

    def predict_proba(self, texts: str | Sequence[Given]) -> list[dict[str, float]]:
        """The probability of each label for each text, by label; empty where text is written.

        Arguments and errors are those of `predict`.
        """
        options = self._parts.options
        return [
            dict(zip(options, map(float, one.probabilities), strict=False))
            for one in self._answers(texts)
        ]

    @cached_property
    def _parts(self) -> Parts:
        return Parts.of(self._chosen.settings, self._folder)

    @cached_property
    def _predictor(self) -> Predictor:
        return load_predictor(self._parts, self._chosen.weights)

    def _answers(self, texts: str | Sequence[Given]) -> list[Prediction]:
        given = [texts] if isinstance(texts, str) else list(texts)
        reading = self._parts.task.reading
        if reading.image is not None:
            message = "this study reads images; `tunewise predict --input FILE` answers them."
            raise InputError([Problem("texts", message)])
        examples = [
            reading.given({**one, "id": f"row-{number}"})
            if reading.given and isinstance(one, Mapping) and {*reading.given_in} <= {*one}
            else _example(number, one, reading.texts, self._chosen.rules)
            for number, one in enumerate(given)
        ]
        return self._predictor.predict(examples) if examples else []


def _example(number: int, given: Given, texts: Sequence[str], rules: TextRules) -> Example:
    """An example of what somebody gave, its texts made as the study made them."""
    needed = rules.needed(texts)
    place = f"texts[{number}]"
    if isinstance(given, Mapping):
        if lacking := [name for name in needed if name not in given]:
            message = f"has no '{lacking[0]}'. {nearest(lacking[0], map(str, given))}"
            raise InputError([Problem(place, message)])
        given = [given[name] for name in needed]
    own = [given] if isinstance(given, str) else list(given)
    if len(own) != len(needed) or not all(isinstance(text, str) for text in own):
        message = f"found {given!r:.80}: a text for {' and '.join(needed)}, in this order."
        raise InputError([Problem(place, message)])
    return given_input(own, texts, rules)[0]._replace(id=f"row-{number}")


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
        command = f"tunewise run {folder.path / 'study.yaml'} --out {folder.path}"
        raise InputError([Problem(str(folder.path), f"{who} yet. Resume with: {command}")])
    if weights and not folder.has_weights(ids[0]):
        ready = [
            other
            for other, row in contenders.items()
            if any(folder.has_weights(id) for id in chosen_ids(study, row, records)[:1])
        ]
        raise InputError(_gone(folder, name, ids[0], ready))
    rules = TextRules.from_json(study.settings.get("data") or {})
    where = folder.weights(ids[0]) if weights else folder.weights_folder(ids[0])
    return Chosen(name, records[ids[0]], where, rules)


def _gone(folder: StudyFolder, name: str, id: str, ready: Sequence[str]) -> str:
    note = folder.removed_weights().get(id)
    why = f"were removed ({note.reason})" if note else "are not there"
    others = f"There are weights of {', '.join(ready)}." if ready else "No weights were kept."
    return (
        f"{folder.path}: the weights of '{name}' {why}. {others} To keep all of them, run the "
        f"study into another folder: tunewise run {folder.path / 'study.yaml'} "
        f"--set keep=all --out ANOTHER"
    )
