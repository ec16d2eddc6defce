"""A trial: its processes, what became of it, and what it leaves on the disk."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from tunewise.core.canonical import JSONObject
from tunewise.core.environment import environment
from tunewise.core.files import COMPLETE, mark_complete, remove_folder, sha256_of
from tunewise.core.outside import is_outside
from tunewise.costs.measure import peak_resident_bytes
from tunewise.costs.scarce import limited
from tunewise.methods.base import Adaptation, AsIs, Direct
from tunewise.store.identity import trial_of
from tunewise.store.trial_records import Job, TrialBytes, TrialCosts, TrialResult
from tunewise.store.trials import write_trial
from tunewise.training.log import NoLog
from tunewise.training.loop import Interrupted
from tunewise.training.outcome import described, folder_bytes, status_of, write_predictions
from tunewise.training.ranks.group import ALONE, Ranks, joined
from tunewise.training.ranks.launch import side_by_side
from tunewise.training.trial.adapt import adapt, load
from tunewise.training.trial.ask import ask
from tunewise.training.trial.fit import fit
from tunewise.training.trial.work import TrialWork

NO_FIXED_ORDER = "does not have a deterministic implementation"  # of a GPU's kernel, by torch


class TrialRun:
    """Trains or fits one contender at one point with one seed, and scores it on validation."""

    def __init__(
        self, job: Job, study_folder: Path, stop: Callable[[], bool], ranks: Ranks = ALONE
    ) -> None:
        self.work = TrialWork(job, study_folder, stop, ranks)
        self.memory_limit = job.memory_limit
        self.started = datetime.now(UTC)
        self.measured: TrialCosts | None = None  # by another process, which computed it

    def run(self) -> str:
        status, error = self._attempt()
        if status == "out-of-memory" and self._halve_parts():
            status, error = self._attempt()
        if status == "failed" and NO_FIXED_ORDER in (error or ""):
            torch.use_deterministic_algorithms(True, warn_only=True)
            self.work.note(flags=(*self.work.result.flags, "unrepeatable"))
            status, error = self._attempt()
        if status != "interrupted":
            self.work.note(status=status, error=error)
            self._finish()
        return status

    def _attempt(self) -> tuple[str, str | None]:
        """Status and error, as texts: an exception kept would keep the model in memory too."""
        work = self.work
        if work.processes == 1:
            return self._computed()
        try:
            if work.shards:  # all of them then share the memory of one whole model
                work.parts.check_model()
                work.loaded = load(work, work.parts.examples("train"))
            report = side_by_side(work.processes, self._as_a_rank, work.stop)
        except Exception as error:
            if is_outside(error):
                raise
            return status_of(error), str(error)
        finally:
            work.loaded = None
        work.result = TrialResult.from_json(report["result"])
        self.measured = TrialCosts.from_json(report["costs"])
        return report["status"], report["error"]

    def _as_a_rank(self, rank: int, meeting: Path, stop: Callable[[], bool]) -> JSONObject:
        """Compute the trial as one of its processes, of which the first writes."""
        work = self.work
        work.stop, work.ranks = stop, joined(rank, work.processes, meeting)
        if not work.ranks.is_first:
            work.log = NoLog()
        status, error = self._computed()
        result, costs = work.result.as_json(), self._costs().as_json()
        return {"status": status, "error": error, "result": result, "costs": costs}

    def _computed(self) -> tuple[str, str | None]:
        try:
            with limited(self.memory_limit):
                self._train_and_score()
        except Interrupted:
            return "interrupted", None
        except Exception as error:
            status = status_of(error)
            for_want_of_room = status == "out-of-memory" and self.work.ranks.together
            if is_outside(error) or for_want_of_room:
                raise  # it says nothing about the trial, so it is not its result
            return status, described(error)
        return "done", None

    def _train_and_score(self) -> None:
        work, parts = self.work, self.work.parts
        with work.stopwatch.phase("load"):
            parts.check_model()
            train, validation = parts.examples("train"), parts.examples("validation")
        match parts.method:
            case Adaptation() as method:
                predictions = adapt(work, method, train, validation)
            case AsIs() as method:
                predictions = ask(work, method, train, validation)
            case Direct() as method:
                predictions = fit(work, method, train, validation)
        work.note(metrics={"validation": parts.score(predictions, validation)})
        if work.ranks.is_first:
            write_predictions(work.folder, "validation", parts.task, predictions, validation)

    def _halve_parts(self) -> bool:
        """Once, compute each step in twice as many parts: the same batch in half the memory."""
        training = self.work.parts.training
        if training.batch_size < 2 * training.parts:
            return False
        self.work.parts.training = replace(training, accumulate=2 * training.accumulate)
        remove_folder(self.work.weights)
        torch.cuda.empty_cache()  # does nothing where there is no GPU
        return True

    def _finish(self) -> None:
        work = self.work
        if work.result.status != "done" or work.weights.name != trial_of(work.id):
            remove_folder(work.weights)
        elif work.until is None:
            mark_complete(work.weights)
        if work.until is None:
            work.log.write("end", status=work.result.status)
        write_trial(work.folder, work.result, self._costs())

    def _costs(self) -> TrialCosts:
        work = self.work
        marker = work.weights / COMPLETE
        written = sha256_of(marker) if marker.is_file() else None
        artefact = folder_bytes(work.weights)
        if self.measured is not None:
            sizes = replace(self.measured.bytes, artefact=artefact)
            return replace(self.measured, bytes=sizes, weights=written)
        tokens, step = work.result.tokens, work.profiler.costs()
        train_seconds = work.stopwatch.seconds.get("train", 0.0)
        return TrialCosts(
            started=self.started.isoformat(timespec="seconds"),
            seconds={**work.stopwatch.seconds, "total": work.stopwatch.total()},
            bytes=TrialBytes(self._peak_bytes(), artefact),
            memory=step.memory if step else None,
            flops_per_step=step.flops if step else None,
            share_of_peak=step.share_of_peak if step else None,
            step_seconds=step.seconds if step else None,
            parts_of_a_step=work.parts.training.accumulate,
            tokens_per_second=tokens.real / train_seconds if tokens else None,
            threads=torch.get_num_threads(),
            host=platform.node(),
            environment=environment(),
            weights=written,
            together=work.ranks.together,
        )

    def _peak_bytes(self) -> int | None:
        """The most that this process held; of trials that it trains together, an equal share."""
        peak = peak_resident_bytes()
        return None if peak is None else peak // max(1, len(self.work.ranks.together))
