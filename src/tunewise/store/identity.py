"""What a trial is called, the hash of everything its result depends on, and with which seeds."""

from __future__ import annotations

from tunewise.core.canonical import Settings, digest
from tunewise.store.records import ContenderRecord, StudyRecord

RUNG = "@"


def trial_id(identity: Settings, seed: int) -> str:
    """The id of one training: 16 hexadecimal digits.

    `identity` is a search point's settings with values equal to their default left out, so an
    option that is added later renames no old trial. The study is not part of it: the same
    training in two studies has one id.

    >>> trial_id({"method": {"name": "head", "version": 1}}, seed=0)
    'a7cfb7c62f02a449'
    >>> trial_id({"method": {"name": "head", "version": 1}}, seed=1)
    'ce98433db3ee4e65'
    """
    return digest({**identity, "seed": seed})


def rung_id(trial: str, step: int) -> str:
    """What a trial's record at a step is called, where learning rates were compared.

    >>> rung_id("ce98433db3ee4e65", 22)
    'ce98433db3ee4e65@22'
    """
    return f"{trial}{RUNG}{step}"


def trial_of(id: str) -> str:
    """The trial that a record is of: its own, or the one that was on its way.

    >>> trial_of("ce98433db3ee4e65@22"), trial_of("ce98433db3ee4e65")
    ('ce98433db3ee4e65', 'ce98433db3ee4e65')
    """
    return id.partition(RUNG)[0]


def seeds_of(study: StudyRecord, contender: ContenderRecord) -> list[int]:
    """The seeds a contender is trained with: one where every seed gives the same result.

    >>> seeds_of(StudyRecord(seeds=(3, 4)), ContenderRecord("majority", seeded=False))
    [3]
    """
    return list(study.seeds if contender.seeded else study.seeds[:1])
