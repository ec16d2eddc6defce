from __future__ import annotations

import subprocess
import sys
import time
from functools import cache

import pytest
from typer import Typer
from typer.testing import CliRunner

from tunewise.cli import explain as explain_command
from tunewise.cli.explain import explain, listing, load, render, titles
from tunewise.core.errors import InputError
from tunewise.foundations.topic import Check, Topic, difference

NEED_TORCH = {"gradients", "lora", "lora-costs", "masked-loss", "optimisers"}


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
    with pytest.raises(InputError, match=r"unknown topic 'optimizers'. Did you mean 'optimisers'"):
        explain("optimizers")


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
    code = f"from tunewise.cli.explain import explain; print(explain({name!r}))"
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert time.perf_counter() - begin < (6 if name in NEED_TORCH else 1)


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
