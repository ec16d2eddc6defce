"""A study folder as Python sees it. No torch, until a contender is asked to answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewise.analysis.compare import Contest, contest
from tunewise.analysis.errors import HELD_OUT, contender_named, errors_of, examples_of
from tunewise.analysis.evidence import Contender, Evidence
from tunewise.analysis.facts import Facts
from tunewise.analysis.results import Results
from tunewise.analysis.verdict.verdict import Verdict
from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem, unknown
from tunewise.core.frame import frame
from tunewise.core.lazy import Later
from tunewise.reports.outputs.error_list import listing
from tunewise.reports.outputs.record import record
from tunewise.reports.sections.results import whole_rows
from tunewise.store.study import StudyFolder

if TYPE_CHECKING:
    from tunewise import trained
    from tunewise.reports.outputs import notebook
else:
    notebook = Later("tunewise.reports.outputs.notebook")
    trained = Later("tunewise.trained")


class StudyResults:
    """The results of a study as it was when opened; each is computed once, when asked for.

    In a notebook it shows the verdict and the table of scores. Tables are pandas data frames where
    pandas is installed, and lists of dictionaries with the same keys elsewhere.
    """

    def __init__(self, path: Path | str, facts: Facts | None = None) -> None:
        """`facts` are those of the folder, where they have just been computed."""
        self.folder = StudyFolder.open(Path(path))
        self.facts = Facts.of(self.folder) if facts is None else facts

    def __repr__(self) -> str:
        return f"<results of {self.folder.path}: {self.verdict.headline}>"

    def _repr_html_(self) -> str:
        return notebook.study_cell(self.facts)

    @property
    def evidence(self) -> Evidence:
        return self.facts.evidence

    @property
    def results(self) -> Results:
        """One row per contender, with intervals and differences."""
        return self.facts.results

    @property
    def verdict(self) -> Verdict:
        """Which contender to use, how sure that is, and what it costs."""
        return self.facts.verdict

    @property
    def best(self) -> trained.Trained:
        """The best contender, ready to answer texts.

        Raises:
            InputError: no contender has a result yet, or its weights were removed.
        """
        return self.contender(None)

    def contender(self, name: str | None) -> trained.Trained:
        """A contender by its name, ready to answer texts; the verdict's best for None.

        Raises:
            InputError: there is none of that name, it has no result, or its weights were removed.
        """
        chosen = trained.choose(self, name)
        return trained.Trained(self, chosen.name)

    def to_frame(self) -> Any:
        """A row for each contender, best first: scores with intervals, standing and costs.

        Scores and differences are fractions, times seconds, sizes bytes.
        """
        return frame(whole_rows(self.facts))

    def examples(
        self, contender: str | None = None, *, split: str | None = None, wrong: bool = False
    ) -> Any:
        """A row for each example: texts, label, prediction and the probability of each class.

        Seeds speak together: probabilities are means over seeds.

        Args:
            contender: its name; the best one for None.
            split: ``validation`` or ``test``; the one that the verdict rests on for None.
            wrong: only the wrong answers, the most confident first.

        Raises:
            InputError: no contender or split of that name, or nothing was answered yet.
        """
        if split not in (None, *HELD_OUT):
            message = unknown("split with answers", str(split), HELD_OUT)
            raise InputError([Problem("split", message)])
        own = self._contender(contender)
        found = examples_of(self.evidence, own, split or self.evidence.split)
        if wrong:
            found = sorted(
                (one for one in found if not one.right), key=lambda one: -(one.confidence or 0.0)
            )
        return frame(
            {
                "id": one.id,
                **one.texts,
                "label": one.label,
                "prediction": one.answer,
                "right": one.right,
                "seeds right": one.agreeing,
                **{f"probability {name}": p for name, p in one.probabilities.items()},
            }
            for one in found
        )

    def errors(self, contender: str | None = None) -> Any:
        """What to look at by hand: likely label mistakes first, then confident errors.

        The same list as ``tunewise errors``; see there for the method.
        """
        found = errors_of(self.evidence, self._contender(contender))
        return frame(listing(found) if found else [])

    def compare(self, first: str, second: str) -> Contest:
        """Two contenders side by side, with the examples on which they differ.

        Raises:
            InputError: no such contender, twice the same, or one without answers.
        """
        return contest(self.evidence, self.results, first, second)

    @property
    def charts(self) -> Mapping[str, Any]:
        """The report's charts by name, such as ``differences``, as charts of Altair."""
        return notebook.charts(self.facts)

    def as_json(self) -> JSONObject:
        """All of it as JSON values; what was measured stands under keys named ``measured``."""
        return record(self.facts)

    def _contender(self, name: str | None) -> Contender:
        name = name or self.verdict.best
        if name is None:
            message = "no contender has a result yet; run the study first."
            raise InputError([Problem(str(self.folder.path), message)])
        return contender_named(self.evidence, name)
