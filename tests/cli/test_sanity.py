"""Learning ten examples by heart."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from tunewise.cli.sanity import command
from tunewise.core.errors import InputError


def test_what_can_learn_ten_examples_does(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command(place / "study.yaml", ["methods=[majority, full]"], out=tmp_path)
    first, percents, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("full  yes  100 % at epoch")
    assert len(percents.split()) == 20
    assert {path.name for path in tmp_path.iterdir()} == {"sanity.svg", "sanity.png"}
    assert not (place / "runs" / "small-sanity").exists()


def test_what_cannot_is_told_with_exit_code_1(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended:
        command(
            place / "study.yaml",
            ["methods=[head]", "search={}", "training.learning_rate=1e-9"],
            out=tmp_path,
        )
    assert ended.value.exit_code == 1
    assert "head  no   " in capsys.readouterr().out


def test_nothing_to_train_is_a_mistake(place: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no method of this study trains a model"):
        command(place / "study.yaml", ["methods=[majority, tfidf]", "search={}"], out=tmp_path)
