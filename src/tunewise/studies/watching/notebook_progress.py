"""A running study in a notebook: one output of the cell, drawn anew while trials run.

IPython is no dependency: where a kernel runs, it is loaded already.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from tunewise.core.format import duration
from tunewise.core.sanitize import shown
from tunewise.studies.events import Event, Finished, Notice, OnEvent
from tunewise.studies.watching.live_status import HOW_SURE, RACE, Board, score_head

REDRAW = 0.5  # seconds between two drawings
MOST_NOTICES, LEADERS = 6, 12
Draw = Callable[[str], None]
QUIET = "opacity:.7"
CELL = "padding:.15rem 1rem .15rem 0;text-align:left;white-space:nowrap"


def live_cell() -> Draw | None:
    """What draws HTML in the output of the running cell; None outside of a notebook."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):  # a terminal has a shell and no kernel
        return None
    handle: Any = None

    def draw(html: str) -> None:
        nonlocal handle
        data = {"text/html": html, "text/plain": "Tunewise runs."}
        if handle is None:
            handle = ipython.display.display(data, raw=True, display_id=True)
        else:
            handle.update(data, raw=True)

    return draw


@contextmanager
def telling(draw: Draw) -> Iterator[Callable[[str], None]]:
    """What to tell lines of progress to; what only says what is being done goes once it is."""
    lines: list[str] = []

    def settle() -> None:
        if lines and lines[-1].endswith("..."):
            lines.pop()

    def say(text: str) -> None:
        settle()
        lines.append(text)
        draw(_notices(lines))

    try:
        yield say
    finally:
        settle()
        draw(_notices(lines))


@contextmanager
def following(board: Board, draw: Draw) -> Iterator[OnEvent]:
    """What to give `run_jobs` as `on_event`; what stands there at the end stays."""
    notices: list[str] = []
    drawn = 0.0
    draw(board_html(board, notices))

    def hear(event: Event) -> None:
        nonlocal drawn
        board.hear(event)
        if isinstance(event, Notice):
            notices.append(event.text)
        elif isinstance(event, Finished) and event.record and event.record.status != "done":
            error = event.record.result.error
            notices.append(f"A training ended as {event.record.status}: {error}")
        if time.monotonic() - drawn > REDRAW or isinstance(event, Finished):
            draw(board_html(board, notices))
            drawn = time.monotonic()

    try:
        yield hear
    finally:
        board.running.clear()
        draw(board_html(board, notices))


def board_html(board: Board, notices: list[str]) -> str:
    """The study's bar, what runs, the leaderboard, and what somebody should read."""
    progress = board.progress
    done, total = progress.finished + progress.tested, max(1, progress.trials + progress.tests)
    says = [f"{progress.finished} of {progress.trials} trainings"]
    if progress.tests and progress.finished == progress.trials:
        says.append(f"{progress.tested} of {progress.tests} tests")
    if progress.failed:
        says.append(f"{progress.failed} failed")
    left = board.budget_left() if board.study.budget else board.seconds_left()
    if left is not None and board.running:
        says.append(f"{duration(left)} {'of the budget ' * bool(board.study.budget)}left")
    running = []
    for one in board.running.values():
        does, loss = "testing" if one.kind == "test" else "starting", ""
        if one.steps:
            does = f"step {one.step:,} of {one.steps:,}"
            loss = "" if one.loss is None else f"loss {one.loss:.3f}"
        running.append([one.name, one.point, does, loss])
    inner = f"height:100%;width:{100 * min(1.0, done / total):.1f}%;background:#0072b2"
    outer = "height:.5rem;margin:.3rem 0;border-radius:.25rem;overflow:hidden"
    lines = [
        f"<div><b>{_text(str(board.study.name))}</b>: {_text(', '.join(says))}</div>",
        f'<div style="{outer};background:rgba(127,127,127,.25)"><div style="{inner}"></div></div>',
        _table(running),
        _standings(board),
        _notices(notices[-MOST_NOTICES:]),
    ]
    style = "font-size:.9rem;line-height:1.5;max-width:44rem;font-variant-numeric:tabular-nums"
    return f'<div style="{style}">{"".join(lines)}</div>'


def _notices(lines: list[str]) -> str:
    return "".join(f'<div style="{QUIET}">{_text(text)}</div>' for text in lines)


def _standings(board: Board) -> str:
    shown_ones, metric = board.standings[:LEADERS], board.study.metrics[0]
    head = ["contender", score_head(metric), "trainings"]
    rows = [[one.name, one.shown(metric), f"{one.finished} of {one.trials}"] for one in shown_ones]
    if not any(one.state for one in shown_ones):
        return _table(rows, head)
    rows = [[*row, *one.in_race(metric)] for row, one in zip(rows, shown_ones, strict=True)]
    return f'{_table(rows, [*head, *RACE])}<div style="{QUIET}">{HOW_SURE}</div>'


def _table(rows: list[list[str]], head: list[str] | None = None) -> str:
    if not rows:
        return ""
    lines = [*([f'<tr style="{QUIET}">{_cells(head)}</tr>'] if head else [])]
    lines += [f"<tr>{_cells(row)}</tr>" for row in rows]
    style = "border-collapse:collapse;margin:.3rem 0;background:none"
    return f'<table style="{style}">{"".join(lines)}</table>'


def _cells(row: list[str]) -> str:
    return "".join(f'<td style="{CELL}">{_text(text)}</td>' for text in row)


def _text(text: str) -> str:
    return escape(shown(text))
