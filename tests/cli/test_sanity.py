"""Learning ten examples by heart."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import typer

from tunewise.cli.sanity import _outcome, command
from tunewise.core.errors import InputError


def test_what_can_learn_ten_examples_does(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command(place / "study.yaml", ["methods=[majority, full]", "training.dropout=0"], out=tmp_path)
    first, percents, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("full  yes  100 % at epoch")
    assert len(percents.split()) == 20
    assert {path.name for path in tmp_path.iterdir()} == {"sanity.svg", "sanity.png"}
    assert not (place / "runs" / "small-sanity").exists()


def test_what_cannot_is_reported_with_exit_code_1(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended:
        command(
            place / "study.yaml",
            ["methods=[head]", "search={}", "training.learning_rate=1e-9"],
            out=tmp_path,
        )
    assert ended.value.exit_code == 1
    assert "at most in 20 epochs at learning rate 1e-09\n" in capsys.readouterr().out


def test_a_rate_that_is_only_too_small_is_distinguished_from_a_mistake() -> None:
    rising = [0.2] * 10 + [0.6] * 10
    assert "it still rises: try a larger one" in _outcome(rising, 3e-4)
    assert "rises" not in _outcome([0.6] * 20, 3e-4)


def test_what_is_not_trained_by_steps_is_named(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with suppress(typer.Exit):
        command(place / "study.yaml", ["methods=[majority, tfidf, head]"], out=tmp_path)
    assert "Left out, as nothing is trained step by step: majority, tfidf" in (
        capsys.readouterr().err
    )


def test_nothing_to_train_is_a_mistake(place: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no method of this study trains a model"):
        command(place / "study.yaml", ["methods=[majority, tfidf]", "search={}"], out=tmp_path)
