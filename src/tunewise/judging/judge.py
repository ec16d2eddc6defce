"""The door: runs of any source in, a verdict out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewise.analysis.comparability.finding import Finding
from tunewise.analysis.facts import Facts
from tunewise.analysis.results import Results
from tunewise.analysis.verdict.verdict import Verdict
from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem
from tunewise.core.format import is_fraction, listed
from tunewise.core.lazy import Later
from tunewise.data.table import twice_in
from tunewise.judging.answers import answered
from tunewise.judging.asked import NAME, Asked
from tunewise.judging.columns import checked_roles
from tunewise.judging.examples import answered_alike, on_the_same_examples
from tunewise.judging.given import Given, is_several, run_of
from tunewise.judging.grouping import grouped
from tunewise.judging.reading import read_runs
from tunewise.judging.runs import Entry, Run
from tunewise.judging.study import evidence_of
from tunewise.statistics.metrics import METRICS, metric_named

if TYPE_CHECKING:
    from tunewise.reports.outputs import forms as output_forms
    from tunewise.reports.outputs import record
else:  # charts take a second to load, and a verdict does not wait for them
    record = Later("tunewise.reports.outputs.record")
    output_forms = Later("tunewise.reports.outputs.forms")


@dataclass(frozen=True)
class Judgment:
    """What was found of runs that another program made; each part is computed when asked for."""

    facts: Facts

    @property
    def verdict(self) -> Verdict:
        """Which contender to use, how sure that is, and what would settle what is open."""
        return self.facts.verdict

    @property
    def results(self) -> Results:
        """One row per contender, with intervals and differences."""
        return self.facts.results

    @property
    def comparability(self) -> tuple[Finding, ...]:
        """What differs between the contenders beside the method, as far as the files say."""
        return self.facts.comparability

    @property
    def assumed(self) -> tuple[str, ...]:
        """What nobody said and was taken for granted."""
        return self.facts.evidence.study.elsewhere or ()

    def as_json(self) -> JSONObject:
        """All of it as JSON values, as ``evaluation_results.json`` has it."""
        return record.record(self.facts)

    def report(self, out: Path | str, forms: Sequence[str] = ("html",)) -> list[Path]:
        """Write the report into a folder: ``html`` (with JSON, tables and plots), ``pdf``, ``tex``.

        Raises:
            InputError: an unknown form.
            MissingExtra: a PDF is asked for and Typst is not installed.
        """
        return output_forms.write_forms(self.facts, Path(out), forms)


def judge_files(paths: Sequence[Path], asked: Asked) -> Judgment:
    """Judge the runs in files and folders; whose they are is seen from their content.

    Raises:
        InputError: all that is wrong with the files.
    """
    runs = read_runs(paths, asked)
    entries, assumed = grouped(runs, pattern=asked.pattern, table=asked.table)
    return _judged(entries, assumed, asked)


def judge(
    runs: Mapping[str, Given | Sequence[Given]],
    *,
    metric: str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Mapping[Any, Any] | Sequence[Any] | None = None,
    equivalence_margin: float | None = None,
    shared: bool = False,
    name: str = NAME,
) -> Judgment:
    """Judge runs that were made with any other tool.

    Args:
        runs: for each contender its runs, one a seed. A run is a data frame, a data set of
            `datasets`, an Arrow table, a mapping of columns or a list of rows with ``id``,
            ``label`` and ``prediction`` (or ``score``); a pair (labels, predictions); an array of
            one score for each example; a number, where only the score of a run is known; or the
            path of a file. Of a mapping of runs, the keys are the seeds.
        metric: by name, such as ``accuracy``, ``f1_macro``, ``exact_match`` or ``score``; None to
            take the one that the columns suggest.
        columns: columns by what they say, such as ``{"label": "gold"}``.
        labels: the right answers by id, or in the order of the rows, where the runs lack them.
        equivalence_margin: a difference too small to matter, in the unit of the metric.
        shared: judge by the examples that all runs have, where some lack a few.
        name: what a report is called.

    Raises:
        InputError: whatever is wrong with the runs.

    >>> found = judge({"new": [[1, 1, 1, 1, 1, 1, 1, 1, 0]], "old": [[0, 0, 0, 0, 0, 0, 0, 0, 0]]})
    >>> found.verdict.best, found.verdict.tied
    ('new', ())
    """
    if not isinstance(runs, Mapping) or not runs:
        raise InputError('judge: a mapping from names to runs is needed: {"lora": [run, run]}.')
    known = None
    if labels is not None:
        pairs = labels.items() if isinstance(labels, Mapping) else enumerate(labels)
        known = {str(id): label for id, label in pairs}
    asked = Asked(
        checked_roles(columns or {}),
        metric=metric,
        labels=known,
        shared=shared,
        margin=equivalence_margin,
        name=name,
    )
    problems: list[Problem] = []
    entries = []
    for label, own in runs.items():
        found: dict[int, Run] = {}
        by_seed: Any = own  # by number where nobody says which seeds they are
        if not isinstance(own, Mapping) or not all(isinstance(seed, int) for seed in own):
            by_seed = dict(enumerate(own)) if is_several(own) else {0: own}
        for seed, one in by_seed.items():
            try:
                found[seed] = run_of(one, f"{label}, run {seed}", asked)
            except InputError as error:
                problems += error.problems
        entries.append(Entry(str(label), found))
    for name_twice in twice_in([entry.name for entry in entries]):
        problems.append(Problem("", f"two contenders are called '{name_twice}'."))
    if problems:
        raise InputError(problems)
    return _judged(entries, [], asked)


def _judged(entries: Sequence[Entry], assumed: Sequence[str], asked: Asked) -> Judgment:
    runs = [run for entry in entries for run in entry.runs.values()]
    if asked.metric is not None:
        metric_named(asked.metric)
    assumed = [*assumed, *dict.fromkeys(text for run in runs for text in run.assumed)]
    scored = [run for run in runs if run.sheet is not None]
    alone = [run for run in runs if run.alone is not None]
    if scored and alone:
        message = (
            f"has a score and no answers, and {scored[0].place} has answers: they cannot be "
            "compared. Leave one kind out."
        )
        raise InputError([Problem(alone[0].place, message)])
    if not scored:
        metric, examples, says = _alone(runs, asked.metric)
        _check_margin(asked, metric)
        evidence = evidence_of(
            entries,
            None,
            asked,
            metrics=[metric],
            assumed=[*assumed, *says],
            examples=examples,
        )
        return Judgment(Facts(evidence))
    scored, same = on_the_same_examples(scored, shared=asked.shared)
    found = answered(scored, asked.metric)
    kept = iter(scored)
    entries = [
        Entry(
            entry.name,
            {
                seed: next(kept) if run.sheet is not None else run
                for seed, run in entry.runs.items()
            },
        )
        for entry in entries
    ]
    _check_margin(asked, found.metrics[0])
    evidence = evidence_of(
        entries,
        found,
        asked,
        metrics=found.metrics,
        assumed=[*assumed, *found.assumed, *same, *answered_alike(entries)],
    )
    return Judgment(Facts(evidence))


def _check_margin(asked: Asked, metric: str) -> None:
    """A margin of 1 or more leaves nothing to say of fractions, and was meant as points."""
    if asked.margin is not None and asked.margin >= 1 and is_fraction(metric):
        message = f"a margin of {asked.margin:g}: {metric} is a fraction; one point is 0.01."
        raise InputError(message)


def _alone(runs: Sequence[Run], metric: str | None) -> tuple[str, int, list[str]]:
    """The metric of scores without answers, how many examples each is of, and what to know.

    Raises:
        InputError: scores of several metrics or of several numbers of examples.
    """
    scores = [run.alone for run in runs if run.alone is not None]
    if not scores:
        failed = [Problem(run.place, f"it failed ({run.error}).") for run in runs if run.error]
        nothing = Problem("", "there is nothing to judge: no run has a score or an answer.")
        raise InputError([nothing, *failed])
    metrics = list(dict.fromkeys(one.metric or "score" for one in scores))
    counts = list(dict.fromkeys(one.examples for one in scores))
    if len(metrics) > 1 and metric is None:
        raise InputError(f"the runs have scores of several metrics: {listed(metrics)}.")
    if len(counts) > 1:
        places = [
            next(run.place for run in runs if run.alone and run.alone.examples == n) for n in counts
        ]
        told = listed([f"{n} in {place}" for n, place in zip(counts, places, strict=True)])
        raise InputError(f"the scores are of different numbers of examples: {told}.")
    found, examples = metric or metrics[0], counts[0] or 0
    if METRICS[found].kind == "proportion" and not all(0 <= one.score <= 1 for one in scores):
        raise InputError(f"metric = {found}: a fraction from 0 to 1 is needed.")
    says = ["Only scores are known, and no answers: no test can pair example with example."]
    if METRICS[found].kind == "proportion" and examples:
        says.append(
            f"The {examples:,} examples of each score are taken for a sample of its own, which is "
            "too cautious where they are the same."
        )
    else:
        says.append("Claims are about other seeds on these examples, not about other examples.")
    return found, examples, says
