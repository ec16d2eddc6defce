"""A study folder as Python sees it. No torch."""

from __future__ import annotations

from pathlib import Path

from tunewise.core.canonical import JSONObject
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.results import Results
from tunewise.reports.facts.verdict.verdict import Verdict
from tunewise.reports.outputs.record import record
from tunewise.store.study import StudyFolder


class StudyResults:
    """The results of a study as it was when opened; each is computed once, when asked for."""

    def __init__(self, path: Path | str) -> None:
        self.folder = StudyFolder.open(Path(path))
        self.facts = Facts.of(self.folder)

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

    def as_json(self) -> JSONObject:
        """All of it as JSON values; what was measured stands under keys named ``measured``."""
        return record(self.facts)
