"""Whether the tests notice when a protection is removed, one at a time.

`protections.toml` lists them: what protects, where, the text that goes in its place, and the tests
of its own room that should fail then. Each is removed in a copy of the checkout, never in the
checkout itself. First the room's tests run, then, if they notice nothing, the fault suite's files
that the entry names. A test that notices is run once more without the mutation: it must pass.

    python scripts/mutation_check.py                   # goes on where it stopped
    python scripts/mutation_check.py --only fsync-file holm-orders --at-once 2

Every outcome is a line of JSON in the record. It counts while neither the entry nor the code and
tests change. Exit code: 0 all noticed, 1 some not, 2 an entry is wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("src", "tests", "benchmarks", "recipes", "docs", "examples", "scripts")
LIMIT = 300.0  # seconds for a run of tests
NOTICED, MISSED, SLOW, BROKEN = "noticed", "NOT NOTICED", "timed out", "broken"
PASSED, FAILED = 0, 1  # exit codes of pytest; the others say that nothing was tested
_FAILURE = re.compile(r"^(?:FAILED|ERROR) (\S+?\.py(?:::.*?)?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Protection:
    """One entry: `find` stands exactly once in `file`, and `replace` there protects no more."""

    id: str
    kind: str
    protects: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]
    faults: tuple[str, ...] = ()  # files of the fault suite

    def problem(self, root: Path) -> str | None:
        """What is wrong with the entry; None where it can be tried."""
        path = root / self.file
        named = (self.file, *self.tests, *self.faults)
        missing = [name for name in named if not (root / name).exists()]
        if missing:
            return f"there is no {', '.join(missing)}"
        text = path.read_text(encoding="utf-8")
        if (times := text.count(self.find)) != 1:
            return f"its text stands {times} times in {self.file}, not once"
        if self.find == self.replace:
            return "it replaces a text by itself"
        if path.suffix == ".py":
            try:
                compile(text.replace(self.find, self.replace), self.file, "exec")
            except SyntaxError as error:
                return f"what it leaves is no Python ({error})"
        return None


@dataclass(frozen=True)
class Outcome:
    """What became of one entry; `by` is the test that noticed, or what is wrong."""

    key: str
    id: str
    kind: str
    outcome: str
    by: str
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    given = _arguments(arguments)
    protections = read_list(given.list)
    if given.only:
        unknown = sorted(set(given.only) - {one.id for one in protections})
        if unknown:
            print(f"--only: no protection is called {', '.join(unknown)}", file=sys.stderr)
            return 2
        protections = [one for one in protections if one.id in given.only]
    state = content_of(given.root)
    keys = {one.id: key_of(one, state) for one in protections}
    known = read_record(given.record)
    waiting = [one for one in protections if keys[one.id] not in known]
    for number, outcome in enumerate(tried(waiting, keys, given), start=1):
        known[outcome.key] = outcome
        _append(given.record, outcome)
        print(f"{number}/{len(waiting)}  {outcome.id}: {outcome.outcome}  {outcome.by}", flush=True)
    found = [known[keys[one.id]] for one in protections]
    print(table(found))
    if any(one.outcome == BROKEN for one in found):
        return 2
    return 0 if all(one.outcome == NOTICED for one in found) else 1


def read_list(path: Path) -> list[Protection]:
    """The entries of the list; a mistake in one is told with its id."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("protection", [])
    names = {field.name for field in fields(Protection)}
    found: dict[str, Protection] = {}
    for number, entry in enumerate(entries, start=1):
        id = str(entry.get("id", f"number {number}"))
        if wrong := sorted((names - {"faults"} - set(entry)) | (set(entry) - names)):
            raise SystemExit(f"{path}: {id}: missing or unknown: {', '.join(wrong)}")
        if id in found:
            raise SystemExit(f"{path}: two entries are called {id}")
        lists = {name: tuple(entry.get(name, ())) for name in ("tests", "faults")}
        found[id] = Protection(**{**entry, **lists})
    return list(found.values())


def content_of(root: Path) -> str:
    """A hash of the code and the tests: outcomes count for this content alone."""
    total = hashlib.sha256()
    paths = [root / "pyproject.toml"]
    for name in ("src", "tests"):
        paths += sorted((root / name).rglob("*"))
    for path in paths:
        if path.is_file() and "__pycache__" not in path.parts:
            total.update(f"{path.relative_to(root)}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def key_of(protection: Protection, state: str) -> str:
    text = json.dumps([state, asdict(protection)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_record(path: Path) -> dict[str, Outcome]:
    """The outcomes so far by key; a line cut short by a kill is left out."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            outcome = Outcome(**json.loads(line))
        except (ValueError, TypeError):
            continue
        found[outcome.key] = outcome
    return found


def _append(path: Path, outcome: Outcome) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cut = path.is_file() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if cut else "") + json.dumps(asdict(outcome)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def tried(
    waiting: Sequence[Protection], keys: dict[str, str], given: argparse.Namespace
) -> Iterator[Outcome]:
    """The outcome of each entry, as it comes; each copy of the checkout holds one at a time."""
    if not waiting:
        return
    with tempfile.TemporaryDirectory(prefix="mutation-", dir=given.scratch) as name:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(min(given.at_once, len(waiting))):
            copies.put(_copied(given.root, Path(name) / str(number)))

        def one(protection: Protection) -> Outcome:
            copy = copies.get()
            try:
                start = time.monotonic()
                outcome, by = attempt(protection, copy, given.limit)
                seconds = round(time.monotonic() - start, 1)
                return Outcome(
                    keys[protection.id], protection.id, protection.kind, outcome, by, seconds
                )
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(given.at_once) as threads:
            jobs = [threads.submit(one, protection) for protection in waiting]
            try:
                for job in as_completed(jobs):
                    yield job.result()
            finally:
                for job in jobs:
                    job.cancel()


def attempt(protection: Protection, copy: Path, limit: float) -> tuple[str, str]:
    """Remove the protection in the copy, run the tests, and put it back."""
    if problem := protection.problem(copy):
        return BROKEN, problem
    slow = ""
    for files, suite in ((protection.tests, ()), (protection.faults, ("-m", "faults"))):
        if not files:
            continue
        with removed(protection, copy):
            code, output = run_tests(copy, [*suite, *files], limit)
        if code is None:
            slow = f"more than {limit:.0f} s: {' '.join(files)}"
        elif code not in {PASSED, FAILED} and not _FAILURE.search(output):
            return BROKEN, f"pytest ended with {code}: {_last(output)}"
        elif code != PASSED:
            return _confirmed(_first(output), suite, copy, limit)
    return (SLOW, slow) if slow else (MISSED, "")


def _confirmed(test: str, suite: Sequence[str], copy: Path, limit: float) -> tuple[str, str]:
    """Whether the test that failed passes where nothing was removed."""
    code, output = run_tests(copy, [*suite, test], limit)
    if code == PASSED:
        return NOTICED, test
    return BROKEN, f"{test} fails without the mutation too: {_last(output)}"


@contextmanager
def removed(protection: Protection, copy: Path) -> Iterator[None]:
    path = copy / protection.file
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text(before.replace(protection.find, protection.replace), encoding="utf-8")
        yield
    finally:
        path.write_text(before, encoding="utf-8")


def run_tests(copy: Path, arguments: Sequence[str], limit: float) -> tuple[int | None, str]:
    """pytest's exit code and output; None where it ran past its time, and was ended with all it
    had started.
    """
    # Compiled files are known by time and size: a mutation of equal length could be missed.
    # Colors would stand between a line and its word.
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "NO_COLOR": "1",
        "COLUMNS": "1000",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "-p", "no:cacheprovider"]
    with subprocess.Popen(
        [*command, *arguments],
        cwd=copy,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return None, ""
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, output


def table(found: Sequence[Outcome]) -> str:
    """A line an entry, then how many of each kind were noticed."""
    width = max((len(one.id) for one in found), default=0)
    kinds: dict[str, list[Outcome]] = {}
    for one in found:
        kinds.setdefault(one.kind, []).append(one)
    lines = ["", *(f"{one.id:<{width}}  {one.outcome:<11}  {one.by}" for one in found), ""]
    for kind, members in [*sorted(kinds.items()), ("in all", list(found))]:
        noticed = sum(one.outcome == NOTICED for one in members)
        lines.append(f"{kind:<22} {noticed} of {len(members)} noticed")
    return "\n".join(lines)


def _copied(root: Path, to: Path) -> Path:
    """What tests need of the checkout, without what they made there."""
    to.mkdir(parents=True)
    skipped = shutil.ignore_patterns("__pycache__", ".*", "runs")
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, to / name, ignore=skipped, symlinks=True)
    for path in root.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy2(path, to / path.name)
    return to


def _first(output: str) -> str:
    """The test that failed first, as pytest takes it again."""
    found = _FAILURE.search(output)
    return found.group(1) if found else "?"


def _last(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--list", type=Path, default=ROOT / "scripts" / "protections.toml")
    parser.add_argument("--record", type=Path, default=ROOT / "runs" / "mutation_check.jsonl")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    parser.add_argument("--scratch", type=Path, help="where copies are made; a temporary folder")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for a run of tests")
    parser.add_argument("--at-once", type=int, choices=(1, 2), default=1)
    parser.add_argument("--only", nargs="+", metavar="ID", help="these entries alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
