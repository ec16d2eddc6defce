"""The hub, without a network: local folders in its layout, and what is said offline (case 48)."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest

from tunewise.core.errors import InputError
from tunewise.data.readers import hub
from tunewise.data.readers.hub import read_hub
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.data.sources import read_data


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a clone of a hub data set: Parquet shards, and a label column with names."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    folder = tmp_path / "clone"
    (folder / "data").mkdir(parents=True)
    for split, labels in (("train", [0, 1, 0, 1]), ("validation", [1, 0]), ("test", [-1, -1])):
        rows = {"text": [f"{split} {at}" for at in range(len(labels))], "label": labels}
        for shard in range(2):
            part = datasets.Dataset.from_dict(rows, features=features).shard(2, shard)
            part.to_parquet(folder / "data" / f"{split}-{shard:05}-of-00002.parquet")
    return folder


def test_a_clone_is_read_with_its_class_names(clone: Path) -> None:
    settings = DataSettings(source="clone", on_missing_label="drop")
    data = read_data(settings, ["text", "label"], clone.parent, label="label")
    assert data.names == ("neg", "pos")
    assert {name: len(rows) for name, rows in data.splits.items()} == {"train": 4, "validation": 2}
    assert data.splits["train"][0]["_place"] == "clone train[0]"
    assert data.facts["dropped_without_label"]["test"] == 2


def test_a_readme_may_name_configurations(clone: Path) -> None:
    (clone / "README.md").write_text(
        "---\nconfigs:\n- config_name: small\n  data_files:\n"
        "  - {split: train, path: data/train-00000*}\n"
        "- config_name: large\n  data_files:\n  - {split: train, path: data/train-*}\n---\n"
    )
    rule = SplitRule(validation=1)
    settings = DataSettings(source="clone", config="small", split=rule)
    data = read_data(settings, ["text"], clone.parent)
    assert sum(map(len, data.splits.values())) == 2
    for config in (None, "smal"):
        with pytest.raises(InputError, match="'small', 'large'") as caught:
            read_data(DataSettings(source="clone", config=config), ["text"], clone.parent)
        assert "\n" not in str(caught.value)


def test_offline_and_not_cached_is_one_line_with_a_way_out(tmp_path: Path) -> None:
    settings = DataSettings(source="someone/reviews-of-nothing")
    with pytest.raises(InputError, match="the hub cannot be reached") as caught:
        read_data(settings, ["text"], tmp_path)
    assert "\n" not in str(caught.value)
    assert "name a local folder" in str(caught.value)


def test_a_name_that_is_also_a_folder_here_is_not_read_by_accident(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clone.parent)
    with pytest.raises(InputError, match="is also a path here"):
        read_hub("clone", config=None, revision=None)


def test_another_commit_in_the_cache_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_read", lambda *given, **options: ({}, "b" * 40))
    with pytest.raises(InputError, match=f"{'a' * 40} is not in the cache"):
        read_hub("someone/reviews", config=None, revision="a" * 40)
    assert read_hub("someone/reviews", config=None, revision="main") == ({}, "b" * 40)


def test_a_file_with_its_own_order_of_class_names_is_refused(clone: Path) -> None:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["pos", "neg"])}
    )
    rows = datasets.Dataset.from_dict({"text": ["one"], "label": [0]}, features=features)
    rows.to_parquet(clone / "data" / "test-00000-of-00002.parquet")
    message = (
        r"clone/data/test-00000.*: 'label' has the class names pos, neg, and is read by neg, pos"
    )
    with pytest.raises(InputError, match=message):
        read_data(DataSettings(source="clone"), ["text", "label"], clone.parent)
