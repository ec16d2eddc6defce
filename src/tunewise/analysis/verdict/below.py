"""Trained contenders that end below what costs next to nothing, and what their curves say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tunewise.analysis.compare import Measure
from tunewise.analysis.evidence import Contender, Evidence
from tunewise.analysis.results import Results
from tunewise.analysis.verdict.enough import amount
from tunewise.analysis.wording import between
from tunewise.core.format import percent
from tunewise.core.sanitize import shown
from tunewise.statistics.intervals import Interval
from tunewise.statistics.summary import mean_known

ALPHA = 0.05  # over all trained contenders together
ON_TRAINING = "accuracy"  # the one metric that is also known of the training examples
BY_HEART = 0.1  # so many more are right on training examples than on new ones


@dataclass(frozen=True)
class Below:
    """A trained contender that is shown to be below one that was not trained by steps.

    `lead` is the other's, in the headline metric, with the interval of it over test examples.
    `on_training` and `on_validation` are mean accuracies at the chosen epochs, where known.
    """

    name: str
    other: str
    lead: float
    interval: Interval | None
    why: str
    remedy: str
    on_training: float | None
    on_validation: float | None

    def sentence(self, metric: str) -> str:
        over = f" (95 % interval {between(metric, self.interval)})" if self.interval else ""
        known = self.on_training is not None and self.on_validation is not None
        scores = (
            f" It has {percent(self.on_training)} % on training examples and "
            f"{percent(self.on_validation)} % on validation."
        )
        return (
            f"{shown(self.name)} ends {amount(metric, self.lead)} below {shown(self.other)}{over}: "
            f"{self.why}.{scores if known else ''} {self.remedy}"
        )


def below_the_obvious(
    evidence: Evidence,
    results: Results,
    measured: Callable[[str, str], Measure],
    lowest_losses: Mapping[str, tuple[float, bool]],
) -> list[Below]:
    """Each of them, worst first, against the best that was not trained by steps.

    Args:
        evidence: of a study; of one that is unfinished nothing is said.
        results: of the same.
        measured: the headline metric of two contenders by name, as `headline_measure` has it.
        lowest_losses: the epoch of the lowest validation loss, and whether it rose after it.
    """
    rows = [row for row in results.scored if row.standing not in {"unscored", "untested"}]
    is_trained = [evidence.by_name[row.name].described.trained for row in rows]
    if all(is_trained) or not results.finished:
        return []
    obvious = rows[is_trained.index(False)]
    found = []
    for row in reversed(rows[rows.index(obvious) :]):
        contender = evidence.by_name[row.name]
        if not contender.described.trained:
            continue
        measure = measured(obvious.name, row.name)
        p = measure.items.p
        if measure.difference is None or p is None or p * sum(is_trained) >= ALPHA:
            continue
        accuracies = _accuracies(contender, evidence.headline)
        rose = lowest_losses.get(row.name, (0.0, True))[1]
        why, remedy = _explained(contender, *accuracies, rose=rose)
        lead, interval = measure.difference, measure.items.interval
        if not results.higher_is_better:
            lead, interval = -lead, interval and interval.turned()
        found.append(Below(row.name, obvious.name, lead, interval, why, remedy, *accuracies))
    return found


def _accuracies(contender: Contender, metric: str) -> tuple[float | None, float | None]:
    """On training and on validation, each a mean over seeds at the epoch that was chosen."""
    if metric != ON_TRAINING:
        return None, None
    chosen = [
        epoch
        for trial in contender.finished
        for epoch in trial.record.result.epochs
        if epoch.epoch == trial.record.result.best_epoch
    ]
    return (
        mean_known(epoch.train_accuracy for epoch in chosen),
        mean_known(epoch.validation.get(ON_TRAINING) for epoch in chosen),
    )


def _explained(
    contender: Contender, on_training: float | None, on_validation: float | None, *, rose: bool
) -> tuple[str, str]:
    """What most likely kept it down, and what to do about it."""
    if contender.learned_nothing:
        why = "a training of it learned nothing, or gives one answer throughout"
        return why, "See which learning rates were tried, and at which its loss fell."
    if contender.at_limit:
        why = "its training ended at the limit of its length while validation loss still fell"
        return why, "Name more epochs for it."
    if not rose and not contender.out_of_patience:
        why = "its validation loss was still falling at the last epoch"
        return why, "Name more epochs for it, or none, and it goes on while it learns."
    if on_training is None or on_validation is None:
        return "its curves do not say why", "Look at its losses, and at the settings it was given."
    if on_training - on_validation > BY_HEART:
        why = "it knows the training examples better than new ones"
        return why, "More rows would help it, or fewer parameters to train."
    why = "it does not fit the training examples either"
    counts = contender.described.parameters
    trains_all = counts is not None and counts.trainable == counts.total
    more = "Give it more to train: a higher rank, more layers, or other rates."
    known = "Other rates or more epochs may help it, or a model that knows more of such data."
    return why, known if trains_all else more
