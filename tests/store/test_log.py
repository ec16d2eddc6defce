"""Logs are read while they are written, and after their writer was killed."""

from __future__ import annotations

from pathlib import Path

from tunewise.store.log import LogTail, read_log
from tunewise.training.log import TrialLog


def test_a_log_is_read_as_written(tmp_path: Path) -> None:
    log = TrialLog(tmp_path / "log.jsonl")
    log.write("start", steps=2)
    log.write("step", step=1, loss=0.5)
    assert read_log(tmp_path / "log.jsonl") == [
        {"event": "start", "steps": 2},
        {"event": "step", "step": 1, "loss": 0.5},
    ]


def test_a_missing_log_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "log.jsonl") == []


def test_a_trailing_half_line_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"event":"step","step":1}\n{"event":"step","st')
    assert [event["step"] for event in read_log(tmp_path / "log.jsonl")] == [1]


def test_a_whole_line_without_its_newline_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"event":"end"}')
    assert read_log(tmp_path / "log.jsonl") == []


def test_the_last_line_of_a_step_counts(tmp_path: Path) -> None:
    log = TrialLog(tmp_path / "log.jsonl")
    for step, loss in [(1, 0.9), (2, 0.8), (3, 0.7), (2, 0.6), (3, 0.5)]:
        log.write("step", step=step, loss=loss)
        if step == 2:
            log.write("evaluation", step=step, validation={"loss": loss})
    events = read_log(tmp_path / "log.jsonl")
    assert [(event["event"], event["step"]) for event in events] == [
        ("step", 1),
        ("step", 2),
        ("evaluation", 2),
        ("step", 3),
    ]
    assert [event["loss"] for event in events if event["event"] == "step"] == [0.9, 0.6, 0.5]


def test_lines_that_are_no_events_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'[]\n{"step":1}\n{"event":"step","step":"x"}\n\xff\n{"event":"end"}\n')
    assert read_log(path) == [{"event": "end"}]


def test_a_tail_reads_each_line_once(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    tail = LogTail(path)
    assert tail.read() == []
    path.write_text('{"event":"start"}\n{"eve')
    assert tail.read() == [{"event": "start"}]
    with path.open("a") as file:
        file.write('nt":"end"}\n')
    assert tail.read() == [{"event": "end"}]
    assert tail.read() == []


def test_a_tail_begins_again_when_the_log_does(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"event":"start"}\n{"event":"end"}\n')
    tail = LogTail(path)
    tail.read()
    path.write_text('{"event":"start"}\n')
    assert tail.read() == [{"event": "start"}]
