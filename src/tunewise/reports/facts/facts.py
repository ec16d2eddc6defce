"""Everything that reports say of a study, each fact computed once, when it is first asked for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache, cached_property, partial

from tunewise.reports.facts.balance import Balance, balance
from tunewise.reports.facts.checks import Checks, checks
from tunewise.reports.facts.classes import ByClass, by_class
from tunewise.reports.facts.comparability.checks import fairness
from tunewise.reports.facts.comparability.finding import Finding
from tunewise.reports.facts.compare import Measure, headline_measure
from tunewise.reports.facts.curves import CurvePoint, turns, validation_curve
from tunewise.reports.facts.disagreements import Disagreement, disagreements
from tunewise.reports.facts.errors import Errors, errors
from tunewise.reports.facts.evidence import Evidence, gather
from tunewise.reports.facts.factors import Factor, factors
from tunewise.reports.facts.generated_answers import Decoded, Failures, decoded, failures
from tunewise.reports.facts.phases import Phases, phases_of
from tunewise.reports.facts.prompts.chat_form import ChatForm, chat_forms
from tunewise.reports.facts.prompts.expert_form import Versus, expert_against
from tunewise.reports.facts.prompts.forms import Form, forms
from tunewise.reports.facts.prompts.side_by_side import SideBySide, side_by_side
from tunewise.reports.facts.question_types import ByType, by_type
from tunewise.reports.facts.references import References
from tunewise.reports.facts.results import Results, results_of
from tunewise.reports.facts.shortlist import FEW, Shortlist, shortlist
from tunewise.reports.facts.slices import Sliced, sliced
from tunewise.reports.facts.tuning.race import Race, race_facts
from tunewise.reports.facts.unfinished import Unfinished, unfinished
from tunewise.reports.facts.verdict.below import Below, below_the_obvious
from tunewise.reports.facts.verdict.verdict import Verdict, verdict
from tunewise.store.study import StudyFolder


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

    def for_paper(self) -> Facts:
        """The same facts, none of them computed again, for a document with less room."""
        other = copy.copy(self)
        other.__dict__.pop("shortlist", None)
        other.most = FEW
        other.references = References(self.evidence.study.descriptions.references)
        return other

    # What was found

    @cached_property
    def results(self) -> Results:
        return results_of(self.evidence)

    @cached_property
    def verdict(self) -> Verdict:
        return verdict(self.evidence, self.results)

    @cached_property
    def race(self) -> Race | None:
        return race_facts(self.evidence)

    @cached_property
    def shortlist(self) -> Shortlist:
        return shortlist(self.evidence, self.results, self.most)

    @cached_property
    def measured_against(self) -> Callable[[str, str], Measure]:
        """First minus second by the headline metric, computed once for each pair of names."""
        return cache(partial(headline_measure, self.evidence, self.results))

    @cached_property
    def below_the_obvious(self) -> list[Below]:
        return below_the_obvious(
            self.evidence, self.results, self.measured_against, self.lowest_losses
        )

    @cached_property
    def effects(self) -> list[Factor]:
        return factors(self.evidence)

    @cached_property
    def sliced(self) -> Sliced | None:
        return sliced(self.evidence, self.results)

    @cached_property
    def question_types(self) -> ByType | None:
        return by_type(self.evidence, self.sliced)

    @cached_property
    def by_class(self) -> list[ByClass]:
        return by_class(self.evidence)

    @cached_property
    def disagreements(self) -> list[Disagreement]:
        return disagreements(self.evidence)

    @cached_property
    def balance(self) -> Balance | None:
        return balance(self.evidence, self.results)

    @cached_property
    def errors(self) -> Errors | None:
        return errors(self.evidence, [row.name for row in self.results.scored])

    # Whether it can be believed

    @cached_property
    def comparability(self) -> tuple[Finding, ...]:
        return fairness(self.evidence)

    @cached_property
    def checks(self) -> Checks:
        return checks(self.evidence)

    # What it cost, and how training went

    @cached_property
    def phases(self) -> list[Phases]:
        return phases_of(self.evidence, self.results)

    @cached_property
    def validation_loss(self) -> list[CurvePoint]:
        return validation_curve(self.evidence, "loss")

    @cached_property
    def lowest_losses(self) -> dict[str, tuple[float, bool]]:
        """For each contender the epoch of its lowest validation loss, and whether it rose then."""
        return turns(self.validation_loss)

    # Prompts and generated answers

    @cached_property
    def prompts(self) -> SideBySide | None:
        found = side_by_side(self.evidence)
        return found if found is not None and found.items else None

    @cached_property
    def prompt_forms(self) -> list[Form]:
        return forms(self.prompts) if self.prompts else []

    @cached_property
    def expert_form(self) -> list[Versus]:
        return expert_against(self.evidence, self.prompts) if self.prompts else []

    @cached_property
    def chat_form(self) -> list[ChatForm]:
        return chat_forms(self.prompts, self.prompt_forms) if self.prompts else []

    @cached_property
    def unfinished(self) -> list[Unfinished]:
        return unfinished(self.evidence)

    @cached_property
    def decoded(self) -> list[Decoded]:
        return decoded(self.evidence)

    @cached_property
    def wrong_answers(self) -> list[Failures]:
        return failures(self.evidence)
