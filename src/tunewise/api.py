"""The Python interface: the command line's verbs as functions.

import tunewise

study = tunewise.Study.read("study.yaml")
results = study.run("runs/sst5")
print(results.verdict.headline)
print(results.best.predict(["a quiet room"]))
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tunewise.core.errors import InputError, Problem, StudyBusy, TunewiseError
from tunewise.core.format import plural
from tunewise.core.lazy import Later
from tunewise.costs.calibration import training_flops
from tunewise.data.column_guess import Wishes
from tunewise.data.in_memory import is_table, stored_table
from tunewise.data.inspect import look
from tunewise.data.settings import DataSettings
from tunewise.data.study_template import study_name, write_study
from tunewise.estimate.batch_size import with_batch_sizes
from tunewise.estimate.budget import expected, with_budget, worth_a_plan
from tunewise.estimate.devices import with_devices
from tunewise.estimate.needs import needs_of, together_on
from tunewise.estimate.plan import plan
from tunewise.estimate.plan_types import Plan
from tunewise.estimate.precision import with_precision
from tunewise.store.study import StudyFolder, is_study
from tunewise.studies.engines.base import Engine, EngineEnded
from tunewise.studies.engines.known import EngineName, started
from tunewise.studies.engines.pool import usable_cores
from tunewise.studies.events import Event, Finished, Notice, OnEvent
from tunewise.studies.launch import Outcome, run_jobs
from tunewise.studies.prepare import Prepared, Say, default_folder, prepare, store
from tunewise.studies.race.clock import Clock
from tunewise.studies.reuse import reused
from tunewise.studies.together import RIGHT, can_any
from tunewise.studies.watching.progress import lines_of_progress, show_progress
from tunewise.studies.watching.timing import Timing
from tunewise.studyfile.expand import expand
from tunewise.studyfile.overrides import override
from tunewise.studyfile.reading import read_text
from tunewise.studyfile.settings import ModelChoice, StudySettings
from tunewise.studyfile.studyfile import read_study, settings_of_document
from tunewise.trackers.follow import Follower
from tunewise.trackers.send import check_trackers, track

if TYPE_CHECKING:
    from tunewise import notebook, results
    from tunewise.analysis import facts as reported
    from tunewise.reports.outputs import write
    from tunewise.studies import shortlist as shortlisting
else:  # charts and statistics take a second to load, and the first trial does not wait for them
    notebook = Later("tunewise.notebook")
    results = Later("tunewise.results")
    reported = Later("tunewise.analysis.facts")
    write = Later("tunewise.reports.outputs.write")
    shortlisting = Later("tunewise.studies.shortlist")  # it loads torch

DATA_KEYS = {field.name for field in fields(DataSettings)}


class Study:
    """A study that was read and holds together: of Python values, a file, or drafted from data.

    In a notebook it shows what it compares, and `run` shows how far it has come. A study is a
    value: it never changes, and running it twice trains nothing twice.
    """

    settings: StudySettings

    def __init__(
        self,
        data: Any,
        *,
        methods: Sequence[Any],
        text: str | Sequence[str] | None = None,
        label: str | None = None,
        models: str | Path | Sequence[Any] = (),
        task: Mapping[str, Any] | None = None,
        name: str = "study",
        seeds: Sequence[int] = (0,),
        budget: str | None = None,
        **more: Any,
    ) -> None:
        """A study of Python values, of the same names as in a study file.

        Args:
            data: a table of pandas, Polars, Arrow or `datasets`, a list of dictionaries, a
                mapping from splits to tables, a path, a hub id, ``embedded:reviews``, or a whole
                ``data`` section as a mapping. A single table needs ``split`` in such a section;
                `Study.draft` finds one.
            methods: the ways to adapt, such as ``["tfidf", {"lora": {"rank": 8}}]``.
            text: the column of the texts, or two for pairs; with `label`, the task is
                classification. Other tasks are given as `task`.
            label: the column of the label.
            models: names, folders or ``embedded:encoder``; one alone need not stand in a list.
            task: a whole ``task`` section, in place of `text` and `label`.
            name: of the study and of its folder under ``runs``.
            seeds: random seeds; under a `budget`, those that it may come to.
            budget: what it may take, such as ``"30 min"``.
            more: any other section of a study file: training, search, require, slices, ...

        Raises:
            InputError: with every mistake found.
        """
        if task is None:
            task = {"kind": "classification", "text": text or "text", "label": label or "label"}
        elif text is not None or label is not None:
            message = "text and label are part of task; give them there or alone."
            raise InputError([Problem("task", message)])
        whole = isinstance(data, Mapping) and not DATA_KEYS.isdisjoint(data)
        values = {
            "name": name,
            "task": dict(task),
            "data": data if whole else {"source": str(data) if isinstance(data, Path) else data},
            "models": [models] if isinstance(models, (str, Path)) else list(models),
            "methods": [methods] if isinstance(methods, str) else list(methods),
            "seeds": None if budget and tuple(seeds) == (0,) else list(seeds),
            "budget": budget,
            **more,
        }
        values["models"] = [str(m) if isinstance(m, Path) else m for m in values["models"]]
        self.settings = read_study({key: each for key, each in values.items() if each is not None})

    @classmethod
    def read(cls, source: Path | str | Mapping[str, Any], overrides: Sequence[str] = ()) -> Study:
        """Read a study file, or the same as a mapping.

        Raises:
            InputError: with all mistakes found.
        """
        return cls._of(read_study(source, overrides))

    @classmethod
    def draft(
        cls,
        data: Any,
        *,
        text: str | Sequence[str] = (),
        label: str | None = None,
        group: str | None = None,
        drop: Sequence[str] = (),
        overrides: Sequence[str] = (),
    ) -> Study:
        """The study that ``tunewise init`` writes for data: columns, splits, cleaning, methods.

        Args:
            data: a table, a path, a hub id or ``embedded:reviews``.
            text: columns of texts, where the guess shall not decide; so too the next three.
            label: the column of the label.
            group: a column whose values stand in one split only.
            drop: columns that are neither.
            overrides: settings to change, such as ``"models=[bert-base-uncased]"``.

        Raises:
            InputError: the data is unreadable, or holds no task that can be guessed.
        """
        source = stored_table(data) if is_table(data) else str(data)
        texts = (text,) if isinstance(text, str) else tuple(text)
        guess = look(source, Path(), Wishes(texts, label, group, tuple(drop)))
        name = "study" if is_table(data) else study_name(source)
        flops = training_flops(len(usable_cores()))
        written = write_study(guess, name, flops_per_second=flops)
        document = read_text(written, name=f"{name}.yaml")
        return cls._of(settings_of_document(override(document, overrides)))

    @classmethod
    def _of(cls, settings: StudySettings) -> Study:
        study = cls.__new__(cls)
        study.settings = settings
        return study

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Study) and self.settings == other.settings

    def __hash__(self) -> int:
        return hash(self.settings.text)

    def __repr__(self) -> str:
        contenders = plural(len(expand(self.settings).contenders), "contender")
        return f"<study {self.settings.name}: {contenders}>"

    def _repr_html_(self) -> str:
        return notebook.study_html(self.settings)

    @property
    def yaml(self) -> str:
        """The study file; write it down, and ``tunewise run`` runs the same study."""
        return self.settings.text

    def prepare(self, *, say: Say = lambda text: None) -> Prepared:
        """Read and audit the data, find the models, count each contender. Writes nothing."""
        return prepare(self.settings, say=say)

    def plan(self, *, workers: int | None = None, say: Say = lambda text: None) -> Plan:
        """What it would take and could tell; of each model only the configuration is needed."""
        return plan(self.settings, workers=workers or len(usable_cores()), say=say)

    def shortlist(
        self, models: str | Path | Sequence[str | Path] = (), *, say: Say = lambda text: None
    ) -> shortlisting.Shortlist:
        """Compare models by their frozen features, before any of them is trained.

        Reads train and validation once with each model; the test split stays sealed. In a notebook
        the shortlist shows itself; `keep` are the models that are not shown to be worse than the
        best, best first.

        Args:
            models: names and folders; those of the study if none are given.
            say: hears how far it has come.

        Raises:
            InputError: the task is no classification of texts, something is wrong with the data, or
                no model is at hand; one of several that is not stands in `missing`.
        """
        named = [models] if isinstance(models, (str, Path)) else models
        chosen = [ModelChoice.of(str(name)) for name in named]
        return shortlisting.shortlist(self.settings, chosen, say=say)

    def run(
        self,
        out: Path | str | None = None,
        *,
        workers: int | None = None,
        engine: EngineName = "local",
        together: int = 1,
    ) -> results.StudyResults:
        """Run the study, or go on with it, in the folder `out` (``runs/<name>``).

        `engine` is ``"local"`` for this machine, or ``"ray"`` for the cluster at RAY_ADDRESS. Up
        to `together` LoRA trials of one model are trained as one batch, where they can be.
        """
        path = Path(out) if out else default_folder(self.settings)
        with started(engine) as running, lines_of_progress() as say:
            launched = launch(
                self.settings, path, engine=running, workers=workers, together=together, say=say
            )
        return results.StudyResults(path, launched.facts)


class Launched(NamedTuple):
    """How a launch ended, and the facts of its report, if it wrote one."""

    outcome: Outcome
    facts: reported.Facts | None


def launch(
    settings: StudySettings,
    out: Path | None,
    *,
    engine: Engine,
    workers: int | None = None,
    together: int = 1,
    trackers: Sequence[str] = (),
    added: float = 0.0,
    began: float | None = None,
    timing: Timing | None = None,
    say: Say = lambda text: None,
) -> Launched:
    """Prepare and store a study, run what it still needs, and write its report.

    `engine` runs the jobs, and comes up while the study is prepared. Up to `together` trials are
    trained by one process, where they can be. `trackers` are those of the command line, beside the
    study's own. One that fails is reported and ends nothing. `added` seconds come on top of the
    study's budget, which counts from `began` on. `timing` learns where the time goes.

    Raises:
        MissingExtra: the package of a tracker is not installed.
        InputError: something is wrong with the study; nothing was written.
        StudyBusy: somebody else runs it.
    """
    began = time.monotonic() if began is None else began
    path = out or default_folder(settings)
    _check_free(path)
    trackers = tuple(dict.fromkeys([*settings.trackers, *trackers]))
    check_trackers(trackers)
    timing = timing or Timing()
    timing.begin("preparing")
    if together > 1:
        _check_together(settings, engine, together)
    prepared, planned, places = _settled(
        settings, path, engine, workers, together=together, added=added, say=say
    )
    folder = StudyFolder.create(path)
    needs = needs_of(prepared.study, planned)
    for line in reused(prepared.study, folder):
        say(line)
    with folder.lock():
        for repaired in store(prepared, folder):
            say(f"note: {repaired}")
        del prepared  # from here on all rows lie in the folder alone
        with (
            show_progress(folder, workers=places) as on_event,
            Follower(path, trackers) as follower,
        ):
            hear = _followed(timing.watch(folder, places, on_event), follower)
            outcome = run_jobs(
                folder,
                engine=engine,
                workers=workers,
                needs=needs,
                on_event=hear,
                clock=(clock := Clock(path, began)),
                together=together_on(together, planned, engine.cards),
            )
        timing.begin("report")
        facts = None
        if outcome.progress.finished and not outcome.paused:  # for want of room it would fail
            facts = _reported(folder, trackers, say)
        if settings.budget is not None:
            clock.note(every=0)
    timing.begin("results")
    return Launched(outcome, facts)


def _check_free(path: Path) -> None:
    """Refuse a place that is no folder, or where somebody else is at work."""
    if path.is_file():
        right = "is a file; a folder for the study is needed, such as runs/small."
        raise InputError([Problem(str(path), right)])
    if path.is_dir() and (holder := StudyFolder(path).running()):
        raise StudyBusy(f"{path} is being run: {holder}.")


def _reported(folder: StudyFolder, trackers: Sequence[str], say: Say) -> reported.Facts:
    """The facts of the report that was written, and sent to trackers."""
    say("Writing the report ...")
    facts = reported.Facts.of(folder)
    write.write_page(facts, folder.path / "report")
    for name in trackers:
        _track(folder, name, say)
    return facts.for_another()


def _settled(
    settings: StudySettings,
    path: Path,
    engine: Engine,
    workers: int | None,
    *,
    together: int,
    added: float,
    say: Say,
) -> tuple[Prepared, Plan | None, int]:
    """The study with nothing left open, its plan where one was needed, and the places for jobs."""
    prepared = prepare(settings, say=say)
    for note in prepared.notes:
        say(f"note: {note}")
    if together > 1 and not can_any(prepared.study):
        say(f"note: --together {together} changes nothing here: it is for {RIGHT}.")
    places = _places(engine, workers)
    prepared = with_precision(prepared, path, say=say)
    prepared = with_batch_sizes(prepared, path, workers=places, engine=engine, say=say)
    planned, first = None, settings.budget is None and not is_study(path)
    if together > 1 or (worth_a_plan(prepared) and (first or engine.foresees)):
        planned = plan(settings, workers=places, prepared=prepared)
        for line in expected(planned) if first else ():
            say(line)
    prepared, planned = with_devices(prepared, path, planned, engine.cards, say=say)
    prepared = with_budget(prepared, path, workers=places, added=added, say=say)
    return prepared, planned, places


def _check_together(settings: StudySettings, engine: Engine, together: int) -> None:
    """Raises InputError where trials are never trained together."""
    if settings.budget is not None:
        right = "a budget counts the seconds of each trial alone; leave one of the two out."
    elif engine.elsewhere:
        right = "trials are trained together on this machine alone; leave out --engine."
    else:
        return
    raise InputError([Problem("--together", f"{together}: {right}")])


def _places(engine: Engine, workers: int | None) -> int:
    try:
        return engine.places(workers)
    except EngineEnded:
        raise engine.failure() from None


def _followed(on_event: OnEvent, follower: Follower) -> OnEvent:
    """Tells the trackers of finished trials, and the person of trackers that do not follow."""

    def hear(event: Event) -> None:
        on_event(event)
        if isinstance(event, Finished):
            follower.wake()
        for note in follower.notes():
            on_event(Notice(note))

    return hear


def _track(folder: StudyFolder, name: str, say: Say) -> None:
    try:
        sent = track(folder, name)
    except TunewiseError as error:
        say(f"note: {error}")
    else:
        say(f"{name}: look at the trials with: {sent.look}")
