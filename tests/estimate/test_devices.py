"""``devices: auto`` by the prediction, and what a device of several is predicted to hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.estimate.conftest import reviews_study

from tunewise.core.errors import InputError
from tunewise.estimate.devices import with_devices
from tunewise.estimate.plan import plan
from tunewise.estimate.plan_types import Plan, Planned
from tunewise.estimate.slices import in_slices
from tunewise.store.study import StudyFolder
from tunewise.studies.engines.gpus import Gpu
from tunewise.studies.prepare import Prepared, prepare, store
from tunewise.studyfile.studyfile import read_study

GB = 10**9
CARDS = tuple(Gpu(f"GPU-{number}", 10 * GB) for number in range(4))  # 8 GB of each are planned for
WHOLE = {"trainable": 3 * GB, "gradients": 3 * GB, "optimizer": 6 * GB, "activations": 8 * GB}
METHODS = ["majority", "head", "lora", "full"]


@pytest.fixture(scope="module")
def study(
    tmp_path_factory: pytest.TempPathFactory, checkpoint: Callable[[str], Path]
) -> dict[str, Any]:
    return reviews_study(
        tmp_path_factory.mktemp("data"),
        checkpoint("bert"),
        {"train": 60, "validation": 20},
        methods=METHODS,
        training={"epochs": 1, "batch_size": 8, "learning_rate": 1e-3},
    )


@pytest.fixture(scope="module")
def prepared(study: dict[str, Any]) -> Prepared:
    return prepare(read_study(study))


def predicted(**peaks: int) -> Plan:
    """A plan in which full holds 20 GB, of which 12 stand, and the others little."""
    rows = [Planned(name, 1, peak_bytes=peaks.get(name, GB)) for name in METHODS[:3]]
    full = Planned("full", 1, peak_bytes=20 * GB, kinds=WHOLE, gathered_bytes=GB)
    return Plan("auto", (*rows, full), 4, 1, 1, 1.0, 1.0, 0, 0, False, 50, {})


def devices(prepared: Prepared) -> dict[str, Any]:
    return {
        row.name: (training["devices"], training["shard"])
        for row in prepared.study.contenders
        if (training := row.points[0].settings.training)
    }


def test_what_fits_a_card_is_left_and_what_does_not_takes_the_fewest_it_fits(
    prepared: Prepared, tmp_path: Path
) -> None:
    said: list[str] = []
    settled, planned = with_devices(prepared, tmp_path, predicted(), CARDS, say=said.append)
    assert devices(settled) == {"head": ("auto", False), "lora": ("auto", False), "full": (3, True)}
    assert said == [
        "devices auto: 3 for full, its weights in slices; it is predicted to hold 20.0 GB on one."
    ]
    assert planned is not None
    assert [(row.devices, row.peak_bytes) for row in planned.contenders[-2:]] == [
        (1, GB),
        (3, -(-20 * GB // 3) + GB),
    ]
    before = {row.name: row.points[0].identity for row in prepared.study.contenders}
    after = {row.name: row.points[0].identity for row in settled.study.contenders}
    assert {name for name in before if before[name] != after[name]} == {"full"}


@pytest.mark.parametrize("cards", [(), CARDS[:1], (Gpu("nobody says"), Gpu("of these"))])
def test_one_device_is_taken_where_there_are_no_more_or_nobody_knows(
    prepared: Prepared, tmp_path: Path, cards: tuple[Gpu, ...]
) -> None:
    settled, _ = with_devices(prepared, tmp_path, predicted(), cards)
    assert settled.study == prepared.study
    assert with_devices(prepared, tmp_path, None, CARDS)[0].study == prepared.study


def test_a_folder_goes_on_as_it_began(prepared: Prepared, tmp_path: Path) -> None:
    first, _ = with_devices(prepared, tmp_path / "run", predicted(), CARDS)
    folder = StudyFolder.create(tmp_path / "run")
    with folder.lock():
        store(first, folder)
    again, _ = with_devices(prepared, folder.path, None, CARDS)
    assert again.study.contenders == first.study.contenders
    with pytest.raises(InputError, match="3 for full, and trials may use 2 GPUs of this machine"):
        with_devices(prepared, folder.path, None, CARDS[:2])


def test_what_a_frozen_backbone_feeds_takes_one_device_whatever_is_asked(
    study: dict[str, Any], prepared: Prepared, tmp_path: Path
) -> None:
    asked = {**study, "training": {**study["training"], "devices": 2, "shard": True}}
    settled, _ = with_devices(prepare(read_study(asked)), tmp_path, None, ())
    assert devices(settled) == {"head": (1, False), "lora": (2, True), "full": (2, True)}
    head = {row.name: row.points[0].identity for row in settled.study.contenders}["head"]
    assert head in [row.points[0].identity for row in prepared.study.contenders]


def test_a_method_that_cannot_do_with_slices_is_refused(
    study: dict[str, Any], tmp_path: Path
) -> None:
    asked = {
        **study,
        "methods": [{"peft": {"peft_type": "IA3"}}],
        "training": {**study["training"], "devices": 2, "shard": True},
    }
    with pytest.raises(InputError, match="'peft' does not work on slices"):
        with_devices(prepare(read_study(asked)), tmp_path, None, ())


def test_a_device_of_several_holds_its_share_of_a_step(study: dict[str, Any]) -> None:
    """Of the activations of eight texts two; in slices a quarter of what stands as well."""

    def held(**training: Any) -> Planned:
        asked = {**study, "methods": ["full"], "training": {**study["training"], **training}}
        [row] = plan(read_study(asked), workers=1).contenders
        return row

    alone, beside, sliced = held(), held(devices=4), held(devices=4, shard=True)
    assert alone.kinds and beside.kinds and sliced.kinds
    assert beside.devices == 4 and beside.kinds["optimizer"] == alone.kinds["optimizer"]
    assert beside.phases and alone.phases
    assert beside.phases["backward"] < alone.phases["backward"]
    assert sliced.kinds["optimizer"] == -(-alone.kinds["optimizer"] // 4)
    assert sliced.gathered_bytes <= sliced.kinds["temporary"]


def test_slices_are_what_stands_divided_and_what_is_gathered() -> None:
    kinds = {"weights": 8, "optimizer": 5, "activations": 7}
    memory: dict[str, Any] = {
        "peaks_bytes": {"backward": kinds, "evaluation": {"weights": 8, "temporary": 1}}
    }
    whole = {"weights": 8, "trainable": 0, "gradients": 0, "optimizer": 5}
    memory |= {f"{kind}_bytes": size for kind, size in whole.items()}
    found = in_slices(memory, 4, gathered=3)
    assert found["peak_bytes"] == {"backward": 2 + 2 + 7 + 3, "evaluation": 2 + 1 + 3}
    assert (found["peak_phase"], found["weights_bytes"]) == ("backward", 2)
