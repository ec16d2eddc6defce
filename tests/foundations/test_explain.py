from __future__ import annotations

import os
import resource
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from tunewise.cli import explain as explain_command
from tunewise.cli.explain import explain, listing, load, render, titles
from tunewise.core.errors import InputError
from tunewise.foundations.topic import Check, Topic, difference

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
NEED_TORCH = {"gradients", "lora", "lora-costs", "masked-loss", "optimizers", "sentence-pairs"}


@cache
def topic(name: str) -> Topic:
    return load(name)


@pytest.mark.parametrize("name", titles())
def test_every_topic_passes_its_own_checks(name: str) -> None:
    assert topic(name).checks
    assert [check for check in topic(name).checks if not check.passed] == []


@pytest.mark.parametrize("name", titles())
def test_every_topic_fits_eighty_columns_of_plain_text(name: str) -> None:
    text = render(name, topic(name))
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert "\x1b" not in text
    assert all(
        heading in text for heading in ("Derivation", "Numbers", "Checked just now", "Source: ")
    )


def test_topics_are_listed_one_a_line() -> None:
    lines = listing().splitlines()
    assert [line.split()[0] for line in lines] == sorted(titles())
    assert max(map(len, lines)) <= 80
    assert explain() == listing()


def test_a_wrong_topic_gets_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown topic 'optimisers'. Did you mean 'optimizers'"):
        explain("optimisers")


def test_only_the_topics_that_need_torch_load_it() -> None:
    light = sorted(set(titles()) - NEED_TORCH)
    code = (
        "import sys\n"
        "from tunewise.cli.explain import explain\n"
        "explain()\n"
        f"for name in {light!r}: explain(name)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.bench
@pytest.mark.parametrize("name", titles())
def test_a_topic_takes_under_a_second_or_six_where_torch_is_needed(name: str) -> None:
    """By the processor's clock, so that other work on the machine does not count."""
    command = [sys.executable, "-m", "tunewise", "explain", name]
    before = processor_seconds()
    subprocess.run(command, capture_output=True, check=True, env={**os.environ, **ONE_THREAD})
    assert processor_seconds() - before < (6 if name in NEED_TORCH else 1)


def processor_seconds() -> float:
    """What ended child processes have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def shell(*words: str) -> Result:
    app = Typer()
    app.command()(explain_command.command)
    return CliRunner().invoke(app, words)


def test_the_plot_of_the_optimizers_has_a_line_for_each(tmp_path: Path) -> None:
    file = tmp_path / "new" / "convergence.svg"
    assert shell("optimizers", "--plot", str(file)).exit_code == 0
    drawing = file.read_text()
    assert drawing.startswith("<svg")
    assert all(name in drawing for name in ("own-gd", "own-sgd", "own-adagrad", "own-adam"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lora", "--plot", "a.svg"), "topic 'lora' has none; these have one: optimizers"),
        (("optimizers", "--plot", "a.gif"), "a name that ends in .svg, .png, .pdf"),
        (("optimisers", "--plot", "a.svg"), "Did you mean 'optimizers'"),
    ],
)
def test_a_plot_that_cannot_be_drawn_is_refused(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in str(shell(*words).exception)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_check_is_shown_and_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Topic("Two is three.", ("2 = 3",), (("two", "2"),), (Check("2 = 3", 1.0, 0.5),), "none")
    monkeypatch.setattr(explain_command, "load", lambda name: wrong)
    app = Typer()
    app.command()(explain_command.command)
    result = CliRunner().invoke(app, ["attention"])
    assert result.exit_code == 1
    assert "FAILED  error 1 " in result.stdout


def test_a_check_that_is_not_a_number_fails() -> None:
    assert not Check("", float("nan"), 1.0).passed


def test_arrays_of_different_shape_differ_without_end() -> None:
    assert difference([1.0], [1.0, 1.0]) == float("inf")
