"""Shows a running study on stderr: live on a terminal, a line a trial elsewhere."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tunewise.core.format import duration, with_unit
from tunewise.store.study import StudyFolder
from tunewise.studies.events import Event, Finished, Notice, OnEvent, Tick
from tunewise.studies.jobs import label_of
from tunewise.studies.watching.live_status import (
    HOW_SURE,
    RACE,
    Board,
    Running,
    Standing,
    score_head,
)
from tunewise.studies.watching.notebook_progress import following, live_cell, telling

REDRAW = 0.25  # seconds between two drawings
LEADERS = 12  # contenders shown at most


@contextmanager
def show_progress(
    folder: StudyFolder, *, workers: int, console: Console | None = None
) -> Iterator[OnEvent]:
    """What to give `run_jobs` as `on_event`, for a stored study.

    With NO_COLOR set the live view has no color; on a dumb terminal, in a pipe or a file
    there is none. In a notebook the view is a cell's output, which is drawn anew.
    """
    board = Board(folder, workers)
    if console is None and (cell := live_cell()) is not None:
        with following(board, cell) as hear:
            yield hear
        return
    console = console or Console(stderr=True, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:

        def tell(event: Event) -> None:
            if isinstance(event, Tick):
                return  # between events there is nothing to say
            before = board.so_far
            board.hear(event)
            if isinstance(event, Notice):
                _print(console, event.text)
            elif isinstance(event, Finished):
                _print(console, _finished(board, event))
                if board.so_far is not None and board.so_far != before:
                    _print(console, str(board.so_far))

        yield tell
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        drawn = 0.0

        def hear(event: Event) -> None:
            nonlocal drawn
            board.hear(event)
            # Notices, and trials that failed, stay on the screen above the live view.
            if isinstance(event, Notice):
                _print(console, event.text)
            elif isinstance(event, Finished) and event.record and event.record.status != "done":
                _print(console, _finished(board, event))
            if time.monotonic() - drawn > REDRAW or isinstance(event, Finished):
                live.update(view(board, console.height), refresh=True)
                drawn = time.monotonic()

        yield hear


@contextmanager
def lines_of_progress() -> Iterator[Callable[[str], None]]:
    """What to tell lines to, for who runs a study from Python: stderr, or an output of the cell."""
    if (cell := live_cell()) is not None:
        with telling(cell) as say:
            yield say
        return
    console = Console(stderr=True, highlight=False)
    yield lambda text: _print(console, text)


def view(board: Board, height: int = 24) -> RenderableType:
    """The live view: the study's bar, a bar for each running job, the leaderboard."""
    parts: list[RenderableType] = [_study_line(board)]
    if not board.progress.complete:
        parts.append(_bars(list(board.running.values())))
    room = height - len(board.running) - (6 if board.race is None and board.so_far is None else 7)
    shown = board.standings[: max(0, min(LEADERS, room))]
    if shown:
        parts += [Text(""), _leaders(shown, board.study.metrics[0])]
        if hidden := len(board.standings) - len(shown):
            parts.append(Text(f"and {hidden} more", style="dim"))
    return Group(*parts)


def _study_line(board: Board) -> Table:
    progress = board.progress
    text = f"{progress.finished}/{progress.trials} trials"
    if progress.finished == progress.trials and progress.tests:
        text = f"{progress.tested}/{progress.tests} tests"
    if progress.failed:
        text += f", {progress.failed} failed"
    budget = board.budget_left()
    if budget is not None and not progress.complete:
        text += f", {duration(budget)} of the budget left"
    left = None if budget is not None else board.seconds_left()
    if left is not None and not progress.complete:
        text += f", {duration(left)} left"
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(width=16)
    grid.add_column(no_wrap=True, max_width=58)
    done, total = progress.finished + progress.tested, progress.trials + progress.tests
    grid.add_row(
        Text(clean(str(board.study.name)), style="bold"),
        ProgressBar(total=max(total, 1), completed=done),
        Text(text),
    )
    return grid


def _bars(running: list[Running]) -> Table:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(no_wrap=True, overflow="ellipsis", max_width=30)
    grid.add_column(width=10)
    grid.add_column(no_wrap=True, max_width=24)
    if not running:
        grid.add_row(Text("  loading the libraries", style="dim"), Text(""), Text(""), Text(""))
    for trial in running:
        if trial.steps:
            text = f"{trial.step}/{trial.steps}"
            if trial.loss is not None:
                text += f"  loss {trial.loss:.3f}"
            if trial.rows_per_second is not None:
                text += f"  {trial.rows_per_second:.0f} a second"
            bar = ProgressBar(total=trial.steps, completed=trial.step)
        else:
            text = "testing" if trial.kind == "test" else "starting"
            bar = ProgressBar(total=None, pulse=True, animation_time=time.monotonic())
        grid.add_row(Text(f"  {clean(trial.name)}"), Text(clean(trial.point)), bar, Text(text))
    return grid


def _leaders(standings: list[Standing], metric: str) -> RenderableType:
    races = any(row.state for row in standings)
    table = Table(box=None, padding=(0, 1 if races else 2), header_style="dim", expand=False)
    table.add_column("contender", overflow="fold", min_width=12, max_width=44)
    table.add_column(score_head(clean(metric)), justify="right", no_wrap=True)
    table.add_column("trials", justify="right", no_wrap=True)
    if races:
        state, *numbers = RACE
        table.add_column(state, no_wrap=True)
        for head in numbers:
            table.add_column(head, justify="right", no_wrap=True)
    for row in standings:
        cells = (Text(clean(row.name)), Text(row.shown(metric)), f"{row.finished}/{row.trials}")
        table.add_row(*cells, *(row.in_race(metric) if races else []))
    return Group(table, Text(f" {HOW_SURE}", style="dim")) if races else table


def _finished(board: Board, event: Finished) -> str:
    job, record, progress = event.job, event.record, board.progress
    seconds = duration(event.seconds)
    label = " ".join(label_of(board.study, job)).strip()
    if record is None:
        return f"{label}: computed ({seconds})"
    count = f"[{progress.finished}/{progress.trials}]"
    if job.kind == "test":
        count = f"[test {progress.tested}/{progress.tests}]"
    if record.status != "done":
        return f"{count} {label}: {record.status}: {record.result.error} ({seconds})"
    if job.kind == "test":  # its score belongs into the verdict, beside its interval
        return f"{count} {label}: done ({seconds})"
    metric = board.study.metrics[0]
    score = record.metric(metric)
    found = "undefined" if score is None else with_unit(metric, score)
    return f"{count} {label}: {metric} {found} ({seconds})"


def _print(console: Console, line: str) -> None:
    console.print(Text(clean(line)), soft_wrap=not console.is_terminal)


def clean(text: str) -> str:
    r"""Text that cannot steer a terminal: names and errors may hold what a data set holds.

    >>> clean("a\x1b[31mb\nc")
    'a[31mb c'
    """
    one_line = " ".join(text.splitlines())
    return "".join(
        letter for letter in one_line if not unicodedata.category(letter).startswith("C")
    )
