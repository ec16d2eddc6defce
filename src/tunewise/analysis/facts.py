"""Everything that reports say of a study, each fact computed once, when it is first asked for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache, cached_property, partial
from typing import TypeVar

from tunewise.analysis.balance import balance
from tunewise.analysis.checks import checks
from tunewise.analysis.classes import by_class
from tunewise.analysis.comparability.checks import fairness
from tunewise.analysis.compare import headline_measure
from tunewise.analysis.costs import device_peaks, phases_of
from tunewise.analysis.curves import turns, validation_curve
from tunewise.analysis.disagreements import disagreements
from tunewise.analysis.errors import errors
from tunewise.analysis.evidence import Evidence
from tunewise.analysis.factors import factors
from tunewise.analysis.gather import gather
from tunewise.analysis.generated_answers import decoded, failures, unfinished
from tunewise.analysis.prompts.expert_form import expert_against
from tunewise.analysis.prompts.forms import chat_forms, forms
from tunewise.analysis.prompts.side_by_side import side_by_side
from tunewise.analysis.question_types import by_type
from tunewise.analysis.references import References
from tunewise.analysis.results import results_of
from tunewise.analysis.shortlist import FEW, shortlist
from tunewise.analysis.slices import sliced
from tunewise.analysis.tuning.race import race_facts
from tunewise.analysis.verdict.below import below_the_obvious
from tunewise.analysis.verdict.verdict import verdict
from tunewise.store.study import StudyFolder

Value = TypeVar("Value")


def once(compute: Callable[[Facts], Value]) -> cached_property[Value]:
    """A fact that is computed when it is first asked for, and never again."""
    return cached_property(compute)


class Facts:
    """The facts of a study as it was when it was read.

    `most` is how many contenders a document has room for; None where it shows all. `references`
    numbers the literature in the order in which the document's sections cite it.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.most: int | None = None
        self.references = References(evidence.study.descriptions.references)

    @classmethod
    def of(cls, folder: StudyFolder) -> Facts:
        return cls(gather(folder))

    def for_another(self) -> Facts:
        """The same facts, none of them computed again, for a document that cites anew."""
        other = copy.copy(self)
        other.references = References(self.evidence.study.descriptions.references)
        return other

    def for_paper(self) -> Facts:
        """As `for_another`, for a document with less room."""
        other = self.for_another()
        other.__dict__.pop("shortlist", None)
        other.most = FEW
        return other

    # What was found
    results = once(lambda of: results_of(of.evidence))
    verdict = once(lambda of: verdict(of.evidence, of.results))
    race = once(lambda of: race_facts(of.evidence))
    shortlist = once(lambda of: shortlist(of.evidence, of.results, of.most))
    measured_against = once(lambda of: cache(partial(headline_measure, of.evidence, of.results)))
    effects = once(lambda of: factors(of.evidence))
    sliced = once(lambda of: sliced(of.evidence, of.results))
    question_types = once(lambda of: by_type(of.evidence, of.sliced))
    by_class = once(lambda of: by_class(of.evidence))
    disagreements = once(lambda of: disagreements(of.evidence))
    balance = once(lambda of: balance(of.evidence, of.results))
    errors = once(lambda of: errors(of.evidence, [row.name for row in of.results.scored]))

    # Whether it can be believed
    comparability = once(lambda of: fairness(of.evidence))
    checks = once(lambda of: checks(of.evidence))

    # What it cost, and how training went
    phases = once(lambda of: phases_of(of.evidence, of.results))
    device_peaks = once(lambda of: device_peaks(of.evidence, of.results))
    validation_loss = once(lambda of: validation_curve(of.evidence, "loss"))
    lowest_losses = once(lambda of: turns(of.validation_loss))
    below_the_obvious = once(
        lambda of: below_the_obvious(of.evidence, of.results, of.measured_against, of.lowest_losses)
    )

    # Prompts and generated answers
    prompts = once(lambda of: side_by_side(of.evidence))
    prompt_forms = once(lambda of: forms(of.prompts) if of.prompts else [])
    expert_form = once(lambda of: expert_against(of.evidence, of.prompts) if of.prompts else [])
    chat_form = once(lambda of: chat_forms(of.prompts, of.prompt_forms) if of.prompts else [])
    unfinished = once(lambda of: unfinished(of.evidence))
    decoded = once(lambda of: decoded(of.evidence))
    wrong_answers = once(lambda of: failures(of.evidence))
