"""The largest batch that fits: how it is looked for, and where the number goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.commands import KeptWorker
from tests.estimate.conftest import reviews_study

from tunewise.core.errors import InputError
from tunewise.core.files import read_json
from tunewise.costs.limit import resident_bytes
from tunewise.estimate import batch_size
from tunewise.estimate.batch_size import largest, with_batch_sizes
from tunewise.store.records import TrialSettings
from tunewise.store.study import StudyFolder
from tunewise.studies.prepare import Prepared, prepare, store
from tunewise.studyfile.schema import study_schema
from tunewise.studyfile.studyfile import read_study

Make = Callable[..., dict[str, Any]]


FAKED: Any = SimpleNamespace(elsewhere=False)  # the engine of those whose probes are faked


@pytest.fixture
def make(tmp_path: Path, checkpoint: Callable[[str], Path]) -> Make:
    """`make(methods=[...])`: a study over 120 reviews."""
    (tmp_path / "data").mkdir()
    made = reviews_study(
        tmp_path / "data",
        checkpoint("bert"),
        {"train": 120, "validation": 30, "test": 30},
        methods=["majority", "lora", "full"],
        training={"epochs": 1, "batch_size": "auto", "learning_rate": None},
    )

    def study(**changes: Any) -> dict[str, Any]:
        return made | changes

    return study


def sizes(prepared: Prepared) -> dict[str, int | None]:
    return {
        row.name: row.points[0].settings.training.get("batch_size")
        for row in prepared.study.contenders
    }


@pytest.mark.parametrize("room", range(1, 70))
def test_the_size_that_is_found_fits_and_twice_it_does_not(room: int) -> None:
    tried: list[int] = []

    def fits(size: int) -> bool:
        tried.append(size)
        return size <= room

    found = largest(fits, most=100)
    assert found <= room
    assert 2 * found > room or (room >= 64 and found == 64)
    assert tried[0] == 32
    assert len(tried) == len(set(tried)) <= 6


def test_no_batch_is_larger_than_what_there_is() -> None:
    assert largest(lambda size: True, most=120) == 120
    assert largest(lambda size: True, most=7) == 7


def test_a_step_in_parts_needs_an_example_for_each() -> None:
    assert largest(lambda size: False, least=4) == 4


@pytest.fixture
def fake_probes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Full fine-tuning fits up to 20 examples, LoRA up to 70; no process is started."""
    asked: list[tuple[str, int]] = []

    def fits(self: Any, settings: TrialSettings, size: int) -> bool:
        name = settings.method.name
        asked.append((name, size))
        return size <= {"full": 20, "lora": 70}[name]

    monkeypatch.setattr(batch_size._Probes, "fits", fits)
    return asked


def test_the_hungriest_method_decides_for_all_of_a_model(
    make: Make, tmp_path: Path, fake_probes: list[tuple[str, int]]
) -> None:
    prepared = with_batch_sizes(
        prepare(read_study(make())), tmp_path / "run", workers=1, engine=FAKED
    )
    assert sizes(prepared) == {"majority": None, "lora": 16, "full": 16}
    assert fake_probes == [("full", 32), ("full", 16), ("lora", 16)]
    assert prepared.study.settings["training"]["batch_size"] == 16
    plain = prepare(
        read_study(make(training={"epochs": 1, "batch_size": 16, "learning_rate": None}))
    )
    ids = [[p.identity for p in row.points] for row in prepared.study.contenders]
    assert ids == [[p.identity for p in row.points] for row in plain.study.contenders]
    again = read_study(prepared.study.settings)
    assert {entry.auto_batch for entry in again.methods} == {False}


def test_going_on_keeps_the_number_also_with_another_method(
    make: Make, tmp_path: Path, fake_probes: list[tuple[str, int]]
) -> None:
    path = tmp_path / "run"
    first = with_batch_sizes(
        prepare(read_study(make(methods=["lora"]))), path, workers=1, engine=FAKED
    )
    assert sizes(first) == {"lora": 64}
    folder = StudyFolder.create(path)
    with folder.lock():
        store(first, folder)
    asked = len(fake_probes)
    again = with_batch_sizes(prepare(read_study(make())), path, workers=1, engine=FAKED)
    assert sizes(again) == {"majority": None, "lora": 64, "full": 64}
    assert len(fake_probes) == asked


def test_an_entry_may_say_a_number_of_its_own(
    make: Make, tmp_path: Path, fake_probes: list[tuple[str, int]]
) -> None:
    methods = [{"lora": {"training": {"batch_size": 8}}}, "full"]
    prepared = with_batch_sizes(
        prepare(read_study(make(methods=methods))), tmp_path, workers=1, engine=FAKED
    )
    assert sizes(prepared) == {"lora": 8, "full": 16}


def test_a_model_in_slices_cannot_be_tried_on_one_device(make: Make, tmp_path: Path) -> None:
    training = {"batch_size": "auto", "devices": 2, "shard": True}
    prepared = prepare(read_study(make(methods=["head", "full"], training=training)))
    with pytest.raises(InputError, match="and full is in slices: give a number"):
        with_batch_sizes(prepared, tmp_path / "run", workers=1, engine=FAKED)


def test_gradient_descent_cannot_leave_its_batch_to_us(make: Make) -> None:
    training: dict[str, Any] = {"optimizer": "own-gd", "batch_size": "auto"}
    with pytest.raises(InputError, match=r"batch_size = auto is not that of all 120 training rows"):
        prepare(read_study(make(training=training, methods=["full"])))
    training = {"optimizer": "own-gd", "batch_size": 120}
    prepare(read_study(make(training=training, methods=["full"])))


@pytest.mark.parametrize("value", ["automatic", ["auto", 8]])
def test_another_word_is_refused_with_what_would_be_right(make: Make, value: Any) -> None:
    with pytest.raises(InputError, match="a whole number"):
        read_study(make(training={"batch_size": value}))


def test_the_schema_knows_the_word() -> None:
    ways = study_schema()["$defs"]["training"]["properties"]["batch_size"]["anyOf"]
    assert {"const": "auto"} in ways


def test_real_probes_find_less_where_less_memory_is_allowed(
    make: Make, kept_worker: KeptWorker, tmp_path: Path
) -> None:
    """Real steps in processes of their own; the limit stands between what two sizes hold."""
    study = make(methods=["full"], models=make()["models"])
    prepared = prepare(read_study(study))
    settings = prepared.study.contenders[0].points[0].settings
    with kept_worker.lend() as pool, batch_size._Probes(prepared, pool, 10**12, tmp_path) as probes:
        assert probes.fits(settings, 32)
        peak = read_json(next(probes.folder.path.glob("trials/*/probe.json")))["peak_resident"]
        probes.limit = peak // 2
        assert not probes.fits(settings, 32)
    held = resident_bytes()
    assert held is not None
    assert peak > 10**8
