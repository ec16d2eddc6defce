"""Which of several models a study should take, by their frozen features: none of them is trained.

Each model is probed on train and scored on validation; the test split stays sealed for the study.
Two models are told apart by the same paired tests as the contenders of a study, Holm's correction
included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewise.backbones.sources import resolve
from tunewise.backbones.stored import SHARD
from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import InputError, Problem
from tunewise.core.lazy import Later
from tunewise.data.examples import Example
from tunewise.methods.base import Direct
from tunewise.methods.majority import Majority
from tunewise.methods.tfidf import TfIdf
from tunewise.statistics.comparison import Comparison, compare
from tunewise.statistics.power import detectable_difference
from tunewise.statistics.summary import Row
from tunewise.store.answers import Answers, row_scores
from tunewise.store.records import ModelRecord
from tunewise.studies.prepare import Say, audited, from_base
from tunewise.studies.probe import Probed, probed
from tunewise.studies.rows import rows_of
from tunewise.studyfile.settings import ModelChoice, StudySettings
from tunewise.tasks.base import Settled

if TYPE_CHECKING:
    from tunewise import shortlisted
else:  # what shows a shortlist lies above it, and is loaded when somebody looks
    shortlisted = Later("tunewise.shortlisted")

SEED = 0  # of resamples; nothing else is drawn
WITHOUT_MODEL: tuple[Direct, ...] = (Majority(), TfIdf())  # what every model should be above
USUAL_DISAGREEMENT = 0.2  # fraction of examples that exactly one of two models gets right


@dataclass(frozen=True)
class Shortlist:
    """Models by what their frozen features tell of validation.

    `probe` compares them by the solved head, `nearest` by the nearest training example. `missing`
    says why a model could not be probed. `keep` are the models that the probe does not show to be
    worse than the best one, best first; `smallest` is the one of them with the fewest parameters.
    """

    study: str
    metric: str
    rows: Mapping[str, int]  # of train and validation
    classes: int
    models: tuple[Probed, ...]
    missing: Mapping[str, str]
    probe: Comparison
    nearest: Comparison
    without_model: Mapping[str, Row]  # majority and TF-IDF, on the same examples

    @property
    def keep(self) -> tuple[str, ...]:
        worse = {pair.row for pair in self.probe.pairs if pair.outcome == "different"}
        scored = [row.name for row in self.probe.rows if row.mean is not None]
        return tuple(name for name in scored if name not in worse)

    @property
    def smallest(self) -> str:
        return min(self.keep, key=lambda name: self.model(name).parameters)

    @property
    def resolves(self) -> float | None:
        """The smallest difference in accuracy that so many examples usually show."""
        return detectable_difference(self.rows["validation"], USUAL_DISAGREEMENT)

    def model(self, name: str) -> Probed:
        return next(model for model in self.models if model.name == name)

    def _repr_html_(self) -> str:
        return shortlisted.html(self)

    def to_frame(self) -> Any:
        """A row for each model, best first, by the linear probe: scores and intervals as fractions.

        A data frame where pandas is installed, else a list of dictionaries.
        """
        return shortlisted.to_frame(self)

    def as_json(self) -> dict[str, Any]:
        return {
            "study": self.study,
            "metric": self.metric,
            "rows": dict(self.rows),
            "classes": self.classes,
            "keep": list(self.keep),
            "smallest": self.smallest,
            "models": [
                {
                    "name": model.name,
                    "parameters": model.parameters,
                    "pooling": model.pooling,
                    "width": model.width,
                    "cut": model.cut,
                    "measured": {"seconds": model.seconds},
                }
                for model in self.models
            ],
            "missing": dict(self.missing),
            "probe": self.probe.plain(),
            "nearest": self.nearest.plain(),
            "without_model": {name: row.mean for name, row in self.without_model.items()},
        }


def shortlist(
    settings: StudySettings,
    models: Sequence[ModelChoice] = (),
    *,
    say: Say = lambda text: None,
) -> Shortlist:
    """Probe models, those of the study if none are named; one not at hand is told in `missing`.

    Raises:
        InputError: the task is no classification of texts, something is wrong with the data, or no
            model is at hand.
    """
    task = settings.task
    if task.builder.form != "choose" or task.builder.images:
        message = f"{task.name}: frozen features are compared where a text gets one of few classes."
        raise InputError([Problem("task.kind", message)])
    models = models or settings.models
    if not models:
        message = "none is named: --models takes folders and hub ids, such as embedded:encoder."
        raise InputError([Problem("models", message)])
    say("Reading the data ...")
    settled = task.settle(rows_of(settings))
    if problems := audited(settings, settled, None).problems:
        raise InputError(problems)
    found, missing = _probed(settings, models, settled, say)
    if not found:
        raise InputError([Problem(f"models: {name}", why) for name, why in missing.items()])
    held = [task.read(row) for row in settled.splits["validation"]]
    held = [example for example in held if example.label is not None]
    metric = task.metrics[0]
    return Shortlist(
        study=settings.name,
        metric=metric,
        rows={"train": len(settled.splits["train"]), "validation": len(held)},
        classes=len(settled.options),
        models=tuple(found),
        missing=missing,
        probe=_compared({one.name: one.probe for one in found}, metric),
        nearest=_compared({one.name: one.nearest for one in found}, metric),
        without_model=_without_model(settings, settled, held),
    )


def _probed(
    settings: StudySettings, models: Sequence[ModelChoice], settled: Settled, say: Say
) -> tuple[list[Probed], dict[str, str]]:
    """Each model that is at hand, and of the others why it is not."""
    found: list[Probed] = []
    missing: dict[str, str] = {}
    rows = sum(len(settled.splits[split]) for split in ("train", "validation"))
    for model in dict.fromkeys(models):
        hear = _told(str(model), rows, say)
        try:
            source = from_base(model.source, settings.base)
            record = ModelRecord.from_json(resolve(source, model.revision))
            say(f"{model}: features of {rows:,} texts ...")
            with quiet():  # the library warns of inputs that are features
                one = probed(str(model), record, settings.task, settled, on_rows=hear)
            found.append(one)
        except InputError as error:
            missing[str(model)] = "; ".join(str(problem) for problem in error.problems)
    return found, missing


def _told(model: str, rows: int, say: Say) -> Callable[[int], None]:
    """Says after each shard how far the features of a model have come, where there are several.

    A shard is heard once more where it is taken over from the cache.
    """
    done = 0

    def hear(more: int) -> None:
        nonlocal done
        done += more
        if SHARD < done < rows:
            say(f"{model}: {done:,} of {rows:,}")

    return hear


def _compared(answers: Mapping[str, Answers], metric: str) -> Comparison:
    rows = [row_scores(name, {0: one}, seeded=False) for name, one in answers.items()]
    return compare(rows, metric, rng=np.random.default_rng(SEED))


def _without_model(
    settings: StudySettings, settled: Settled, held: Sequence[Example]
) -> dict[str, Row]:
    """What needs no model: the majority and counted words, fitted on train."""
    train = [settings.task.read(row) for row in settled.splits["train"]]
    train = [example for example in train if example.label is not None]
    found = {}
    for method in WITHOUT_MODEL:
        predictor = method.fit(train, settled.options, validation=held, model=None, seed=0)
        told = predictor.predict(held)
        answers = Answers(
            tuple(example.id for example in held),
            np.array([example.label for example in held], dtype=np.int64),
            np.array([one.choice for one in told], dtype=np.int64),
            np.array([one.probabilities for one in told], dtype=np.float64),
        )
        (found[method.name],) = _compared({method.name: answers}, settings.task.metrics[0]).rows
    return found
