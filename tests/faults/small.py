"""A study of real methods on a tiny model, run and repaired in this very process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tunewise.core.errors import DamagedStudy
from tunewise.runner import run_job
from tunewise.store.study import StudyFolder
from tunewise.studies.events import Event, Notice
from tunewise.studies.prepare import Prepared, prepare, store
from tunewise.studies.study_state import Ledger
from tunewise.studyfile.studyfile import read_study

METHODS = """
  - majority
  - tfidf
  - head
  - lora: {rank: 2}
  - peft: {peft_type: IA3}
"""


def prepared_study(place: Path, model: Path, methods: str = METHODS) -> Prepared:
    """The study, read from files that are written to `place`."""
    random = Random(0)
    for split, rows in {"train": 24, "validation": 12, "test": 12}.items():
        lines = ["text,label"]
        for _ in range(rows):
            words = random.choices(["good", "bad", "room", "bed", "warm", "cold"], k=6)
            lines.append(f"{' '.join(words)},{'yes' if 'good' in words else 'no'}")
        (place / f"{split}.csv").write_text("\n".join(lines) + "\n")
    (place / "study.yaml").write_text(
        f"""
name: small
task: {{kind: classification, text: text, label: label}}
data: {{source: .}}
models: ["{model}"]
methods: {methods}
training: {{epochs: 1, batch_size: 8, learning_rate: null, max_length: 12}}
search: {{learning_rate: [1e-2, 1e-3]}}
seeds: [0]
accept_leakage: short texts of few words may repeat
"""
    )
    return prepare(read_study(place / "study.yaml"))


@dataclass
class Launch:
    """What `run` does, without a worker: jobs run here, one after the other."""

    prepared: Prepared
    path: Path
    notices: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)

    def __call__(self, before: Callable[[str], None] = lambda key: None) -> Launch:
        """Run all jobs; `before` hears the key of each and may damage something."""
        folder = StudyFolder.create(self.path)
        with folder.lock():
            self.notices += store(self.prepared, folder)
            ledger = Ledger(folder, self._hear)
            while jobs := ledger.next_jobs(()):
                before(jobs[0].key)
                try:
                    run_job(jobs[0], self.path, lambda: False)
                except DamagedStudy:
                    assert ledger.repair()
                    continue
                assert ledger.take(jobs[0], 0.0)
                self.ran.append(jobs[0].key)
        return self

    def _hear(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.notices.append(event.text)


def results(path: Path) -> dict[str, bytes]:
    """Every byte of what is computed."""
    found = sorted(path.glob("t*s/*/result.json"))
    return {str(each.relative_to(path)): each.read_bytes() for each in found}
