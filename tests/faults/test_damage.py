"""Every kind of stored file, damaged: named, never used, repaired by the next run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.small import Launch, prepared_study, results
from typer.testing import CliRunner

from tunewise.cli import track
from tunewise.cli.main import app
from tunewise.core.errors import DamagedStudy, InputError
from tunewise.core.files import (
    COMPLETE,
    mark_complete,
    read_hashed,
    read_json,
    sha256_of,
    write_json,
)
from tunewise.reports.outputs.dashboard import Board
from tunewise.results import StudyResults
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.trackers.runs import runs_of
from tunewise.trackers.send import Sent
from tunewise.training.sealed import SealedTest

KINDS = {  # one file of each kind, as a pattern that some file of the finished study fits
    "study": "study.json",
    "study file": "study.yaml",
    "train": "data/train.parquet",
    "test data": "data/test.parquet",
    "result": "trials/*/result.json",
    "costs": "trials/*/costs.json",
    "log": "trials/*/log.jsonl",
    "predictions": "trials/*/predictions/validation.parquet",
    "marker": "trials/*/COMPLETE.json",
    "weights of a head": "weights/*/trained.safetensors",
    "adapter": "weights/*/adapter_model.safetensors",
    "adapter settings": "weights/*/adapter_config.json",
    "words": "weights/*/tfidf.json",
    "tfidf": "weights/*/tfidf.safetensors",
    "majority": "weights/*/majority.json",
    "marker of weights": "weights/*/COMPLETE.json",
    "removals": "weights/removed.json",
    "test result": "tests/*/result.json",
    "test costs": "tests/*/costs.json",
    "opening": "tests/*/opened.json",
    "test predictions": "tests/*/predictions/test.parquet",
    "marker of a test": "tests/*/COMPLETE.json",
    "features": "features/*/train/rows-00000.safetensors",
    "features of the test": "features/*/test/rows-00000.safetensors",
    "marker of features": "features/*/COMPLETE.json",
    "marker of rows": "features/*/train/COMPLETE.json",
}
SAMPLE = ("study", "test data", "log", "adapter", "removals", "test predictions", "features")
OFFSETS = 20

Damage = Callable[[Path], None]


def cut(part: int) -> Damage:
    def damage(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * part // OFFSETS])

    return damage


def flip(part: int) -> Damage:
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[(len(content) - 1) * part // (OFFSETS - 1)] ^= 1 << part % 8
        path.write_bytes(content)

    return damage


def into_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def into_a_link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


def into_a_link_to_another(path: Path) -> None:
    other = path.parent.parent / ".other"
    other.write_bytes(path.read_bytes()[:-1] + b"!")
    path.unlink()
    path.symlink_to(other)


OTHERWISE = (into_a_folder, into_a_link_to_nowhere, into_a_link_to_another)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, checkpoint: Callable[[str], Path]) -> Launch:
    """The finished study, which no test changes."""
    place = tmp_path_factory.mktemp("small")
    return Launch(prepared_study(place, checkpoint("bert")), place / "run")()


@pytest.fixture
def copy(whole: Launch, tmp_path: Path) -> Launch:
    """A copy to damage."""
    shutil.copytree(whole.path, tmp_path / "run")
    return Launch(whole.prepared, tmp_path / "run")


def one(launch: Launch, pattern: str) -> Path:
    return sorted(launch.path.glob(pattern))[0]


def check_repaired(whole: Launch, copy: Launch, victim: Path) -> None:
    """The next run names the file, makes again what has to be, and ends where it would have."""
    copy()
    assert any(str(victim) in notice for notice in copy.notices), copy.notices
    assert results(copy.path) == results(whole.path)
    assert StudyFolder(copy.path).faults() == []


def test_a_sound_study_has_no_fault(whole: Launch) -> None:
    assert StudyFolder(whole.path).faults() == []
    for pattern in KINDS.values():
        assert sorted(whole.path.glob(pattern)), pattern


@pytest.mark.parametrize("kind", SAMPLE)
def test_damage_is_named_and_repaired(whole: Launch, copy: Launch, kind: str) -> None:
    victim = one(copy, KINDS[kind])
    flip(13)(victim)
    assert any(str(victim) in fault.message for fault in StudyFolder(copy.path).faults())
    check_repaired(whole, copy, victim)


@pytest.mark.faults
@pytest.mark.parametrize("kind", KINDS)
def test_damage_anywhere_in_a_file_is_named(copy: Launch, kind: str) -> None:
    """Cut at 20 places and one bit flipped at 20."""
    victim = one(copy, KINDS[kind])
    content = victim.read_bytes()
    for damage in [make(part) for make in (cut, flip) for part in range(OFFSETS)]:
        damage(victim)
        faults = StudyFolder(copy.path).faults()
        assert any(str(victim) in fault.message for fault in faults), faults
        victim.write_bytes(content)
    assert StudyFolder(copy.path).faults() == []


@pytest.mark.faults
@pytest.mark.parametrize("damage", [cut(0), cut(11), flip(0), flip(16)])
@pytest.mark.parametrize("kind", KINDS)
def test_damage_of_each_kind_is_repaired(
    whole: Launch, copy: Launch, kind: str, damage: Damage
) -> None:
    victim = one(copy, KINDS[kind])
    damage(victim)
    check_repaired(whole, copy, victim)


@pytest.mark.faults
@pytest.mark.parametrize("damage", OTHERWISE)
@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_in_place_of_a_file_is_named_and_repaired(
    whole: Launch, copy: Launch, kind: str, damage: Damage
) -> None:
    victim = one(copy, KINDS[kind])
    damage(victim)
    assert any(str(victim) in fault.message for fault in StudyFolder(copy.path).faults())
    check_repaired(whole, copy, victim)


def commands(launch: Launch, tmp_path: Path) -> dict[str, list[str]]:
    path = str(launch.path)
    return {
        "results": ["results", path],
        "compare": ["compare", path, "lora", "tfidf"],
        "report": ["report", path, "--format", "tex", "--out", str(tmp_path / "out")],
        "status": ["status", path],
        "track": ["track", path, "--to", "tensorboard"],
        "predict": ["predict", path, "--text", "good room", "--contender", "majority"],
    }


def check_named_by_commands(launch: Launch, victim: Path, tmp_path: Path) -> None:
    for name, words in commands(launch, tmp_path).items():
        ran = CliRunner().invoke(app, words)
        assert str(victim) in ran.output, (name, ran.output)
        assert ran.exit_code == 1, (name, ran.output)
        sound = (SystemExit, InputError) if name == "compare" else SystemExit
        assert isinstance(ran.exception, sound), (name, ran.exception)
    [line] = Board([launch.path]).lines()
    assert "damaged" in line.status and str(victim) in str(line.error)


@pytest.fixture
def no_tracker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trackers need packages that are not here; what they are given is read all the same."""
    monkeypatch.setattr(track, "check_trackers", lambda names: None)
    monkeypatch.setattr(
        track, "track", lambda study, name: Sent(name, len(runs_of(study)), study.path, "look")
    )


def test_commands_that_read_name_damage_and_show_the_rest(copy: Launch) -> None:
    victim = one(copy, KINDS["adapter"])
    flip(7)(victim)
    path = str(copy.path)
    for words in (["status", path], ["results", path, "--format", "csv"]):
        ran = CliRunner().invoke(app, words)
        assert ran.exit_code == 1
        assert str(victim) in ran.output and "`tunewise run`" in ran.output
    assert len(ran.stdout.splitlines()) == 6


def test_damaged_weights_answer_nothing_and_others_do(copy: Launch) -> None:
    victim = one(copy, KINDS["weights of a head"])
    flip(7)(victim)
    words = ["predict", str(copy.path), "--text", "good room", "--contender"]
    ran = CliRunner().invoke(app, [*words, "head"])
    assert (ran.exit_code, ran.stdout) == (1, "") and str(victim) in ran.output
    ran = CliRunner().invoke(app, [*words, "majority"])
    assert ran.exit_code == 1 and "probabilities" in ran.stdout


@pytest.mark.faults
@pytest.mark.usefixtures("no_tracker")
@pytest.mark.parametrize("kind", KINDS)
def test_every_command_names_damage(copy: Launch, tmp_path: Path, kind: str) -> None:
    victim = one(copy, KINDS[kind])
    flip(9)(victim)
    check_named_by_commands(copy, victim, tmp_path)


# Never used


def test_the_split_is_not_opened_for_damaged_weights(copy: Launch) -> None:
    """Their trial runs again first, and the test is that of the undisturbed study."""
    shutil.rmtree(copy.path / "tests")
    victim = one(copy, KINDS["adapter"])
    id = victim.parent.name
    before = results(copy.path)
    opened = []

    def damage(key: str) -> None:
        opened.append(key)
        if key == f"test/{id}" and opened.count(key) == 1:
            flip(15)(victim)

    copy(damage)
    assert copy.ran.index(f"trial/{id}") < copy.ran.index(f"test/{id}")
    assert len(StudyFolder(copy.path).tests()[id].costs.openings) == 1
    assert before.items() <= results(copy.path).items()


def test_a_damaged_weight_file_is_refused_before_the_split_is_opened(copy: Launch) -> None:
    shutil.rmtree(copy.path / "tests")
    victim = one(copy, KINDS["adapter"])
    flip(15)(victim)
    record = StudyFolder(copy.path).record(victim.parent.name)
    assert record is not None
    job = Job("test", record.id, record.result.settings)
    with pytest.raises(DamagedStudy, match=victim.name):
        SealedTest(job, copy.path).run()
    assert not (copy.path / "tests").exists()


def test_a_trial_does_not_train_on_damaged_data(copy: Launch) -> None:
    shutil.rmtree(copy.path / "trials")
    victim = one(copy, KINDS["train"])
    content = victim.read_bytes()
    with pytest.raises(AssertionError):  # this launch cannot make it anew, the next can
        copy(lambda key: flip(12)(victim) if victim.read_bytes() == content else None)
    assert results(copy.path / "trials") == {}
    check = Launch(copy.prepared, copy.path)()
    assert any(str(victim) in notice for notice in check.notices)


def test_a_report_shows_what_is_sound(copy: Launch) -> None:
    victim = one(copy, "tests/*/predictions/test.parquet")
    flip(15)(victim)
    opened = StudyResults(copy.path)
    names = [row.name for row in opened.results.rows if row.standing != "unscored"]
    assert len(opened.results.rows) == 5 and len(names) == 4
    place = victim.relative_to(copy.path)
    assert any(f"Damaged, and not used: {place}" in note for note in opened.verdict.notes)


# What runs again


def test_weights_of_another_training_are_not_used(copy: Launch, whole: Launch) -> None:
    """Every file whole, and none of this trial: what a copy by hand can leave."""
    first, other = sorted(copy.path.glob("weights/*/adapter_model.safetensors"))[:2]
    shutil.rmtree(first.parent)
    shutil.copytree(other.parent, first.parent)
    with pytest.raises(DamagedStudy, match=rf"not of the weights that trial {first.parent.name}"):
        StudyFolder(copy.path).weights(first.parent.name)
    check_repaired(whole, copy, first.parent / COMPLETE)


def test_an_opening_of_the_test_is_never_forgotten(copy: Launch) -> None:
    victim = one(copy, "tests/*/result.json")
    [before] = read_json(victim.with_name("opened.json"))
    flip(3)(victim)
    copy()
    assert copy.ran == [f"test/{victim.parent.name}"]
    assert read_json(victim.with_name("opened.json"))[0] == before
    assert len(StudyFolder(copy.path).tests()[victim.parent.name].costs.openings) == 2


def test_a_test_that_was_opened_stays_when_its_trial_runs_again(copy: Launch) -> None:
    victim = one(copy, KINDS["weights of a head"])
    opened = copy.path / "tests" / victim.parent.name / "costs.json"
    before = opened.read_bytes()
    flip(3)(victim)
    copy()
    assert copy.ran == [f"trial/{victim.parent.name}"]
    assert opened.read_bytes() == before


def test_a_trial_that_comes_out_otherwise_is_reported(copy: Launch) -> None:
    victim = one(copy, KINDS["weights of a head"])
    id = victim.parent.name
    record = copy.path / "trials" / id / "result.json"
    write_json(record, {**read_json(record), "flags": ["of another machine"]})
    mark_complete(record.parent)
    flip(3)(victim)
    copy()
    assert any(
        f"trial/{id} ran again and came out otherwise" in message for message in copy.notices
    )


def test_weights_that_are_missing_before_the_test_are_trained_again(
    copy: Launch, whole: Launch
) -> None:
    id = one(copy, KINDS["adapter"]).parent.name
    for parent in ("tests", "weights"):
        shutil.rmtree(copy.path / parent / id)
    copy()
    assert copy.ran == [f"trial/{id}", f"test/{id}"]
    assert results(copy.path) == results(whole.path)


def test_weights_that_somebody_removed_after_the_test_are_not_missed(copy: Launch) -> None:
    shutil.rmtree(copy.path / "weights")
    assert StudyFolder(copy.path).faults() == []
    assert copy().ran == []


@pytest.mark.parametrize("place", ["weights/*", "trials/*", "tests/*", "features/*/train"])
def test_a_file_that_was_put_there_is_moved_aside_alone(copy: Launch, place: str) -> None:
    added = one(copy, place) / "rows-00009.safetensors"
    shutil.copy(one(copy, KINDS["features"]), added)
    [fault] = StudyFolder(copy.path).faults()
    assert str(added) in fault.message
    assert copy().ran == []
    assert not added.exists()
    assert StudyFolder(copy.path).faults() == []


def test_a_renamed_file_is_named(copy: Launch, whole: Launch) -> None:
    victim = one(copy, KINDS["adapter"])
    victim.rename(victim.with_name("adapter_model_2.safetensors"))
    check_repaired(whole, copy, victim)


def test_litter_of_file_managers_is_no_damage(copy: Launch) -> None:
    for pattern in ("trials/*", "weights/*", "features/*"):
        for name in (".DS_Store", "Thumbs.db"):
            (one(copy, pattern) / name).write_bytes(b"x")
    assert StudyFolder(copy.path).faults() == []


def test_reading_moves_nothing_aside(copy: Launch, tmp_path: Path) -> None:
    for kind in ("result", "weights of a head", "features", "study"):
        flip(7)(one(copy, KINDS[kind]))
    before = {path: path.read_bytes() for path in copy.path.rglob("*") if path.is_file()}
    for words in commands(copy, tmp_path).values():
        CliRunner().invoke(app, words)
    after = {path: path.read_bytes() for path in copy.path.rglob("*") if path.is_file()}
    assert after == before


def test_a_study_of_an_earlier_version_is_read_without_the_check(copy: Launch) -> None:
    study = copy.path / "study.json"
    content = read_hashed(study)
    for key in ("files", "sha256"):
        del content[key]
    write_json(study, content)
    for marker in copy.path.rglob(COMPLETE):
        write_json(marker, {"files": read_hashed(marker)["files"]})
    for costs in copy.path.glob("trials/*/costs.json"):
        write_json(costs, {k: v for k, v in read_json(costs).items() if k != "weights"})
        marker = read_json(costs.with_name(COMPLETE))
        costs_now = {"bytes": costs.stat().st_size, "sha256": sha256_of(costs)}
        write_json(
            costs.with_name(COMPLETE), {"files": {**marker["files"], "costs.json": costs_now}}
        )
    assert StudyFolder(copy.path).faults() == []
    assert copy().ran == []
    flip(15)(one(copy, KINDS["adapter"]))  # what has a hash is compared as before
    assert len(StudyFolder(copy.path).faults()) == 1
