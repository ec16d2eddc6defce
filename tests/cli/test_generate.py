"""Writing on from a prompt at the command line."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from tests.chats import save_chat_writer
from tests.commands import Run

from tunewise.backbones.load import build_writer
from tunewise.cli import generate
from tunewise.cli.generate import command
from tunewise.core.errors import InputError
from tunewise.decoding.walks import Generated

PROMPT = "The landlord, Mrs Marsh, lives in the house. Who owns the house?"


def test_a_model_writes_on_from_a_prompt(tmp_path: Path, tunewise: Run) -> None:
    ran = tunewise(
        "generate", "--model", "embedded:decoder", "--prompt", PROMPT, "--stop", ".", cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(" ")  # the blank belongs to the answer
    assert ran.stdout.count("\n") == 1
    assert ran.stderr.startswith("greedy: ")


def test_samples_differ_and_come_again(capsys: pytest.CaptureFixture[str]) -> None:
    outputs = []
    for _ in range(2):
        command(
            prompt=PROMPT, model="embedded:decoder", temperature=1.3, samples=3, max_new_tokens=12
        )
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert len({*outputs[0].splitlines()}) == 3


def test_what_is_streamed_is_what_beams_of_one_run_write(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command(prompt=PROMPT, model="embedded:decoder", beams=3, max_new_tokens=8)
    captured = capsys.readouterr()
    assert captured.out.strip()
    assert "beam 3: " in captured.err


def test_nothing_that_is_written_acts_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    generate._write("\x1b[31mred\x07")
    assert capsys.readouterr().out == "␛[31mred␇"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either the folder of a study or --model"),
        ({"model": "embedded:decoder", "prompt": ""}, "with --prompt"),
        ({"model": "embedded:decoder", "samples": 2}, "would be the same"),
        ({"model": "embedded:decoder", "beams": 2, "top_k": 5}, "leave out --top-k"),
        ({"model": "embedded:decoder", "top_p": 2.0}, "top_p = 2.0"),
        ({"model": "embedded:decoder", "prompt": "red " * 300}, "context only 256"),
        ({"model": "embedded:decoder", "contender": "lora"}, "is of a study"),
    ],
)
def test_what_cannot_be_meant_is_stated(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        command(**{"prompt": PROMPT} | options)


def test_an_encoder_writes_nothing() -> None:
    with pytest.raises(InputError, match="no end token"):
        build_writer("embedded:encoder", seed=0)


def test_a_contender_that_chooses_is_sent_to_predict(finished: Path) -> None:
    with pytest.raises(InputError, match="tunewise predict"):
        command(finished, prompt=PROMPT, contender="majority")


def test_an_interrupt_ends_the_half_line_and_is_answered(
    tmp_path: Path, tunewise: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = generate._write

    def written_and_interrupted(text: str) -> None:
        write(text)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(generate, "_write", written_and_interrupted)
    words = ("generate", "--model", "embedded:decoder", "--prompt", PROMPT, "--stop", "@@")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job has none
    try:
        ended = tunewise(*words, cwd=tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.returncode == 130
    assert ended.stdout.strip() and ended.stdout.endswith("\n")  # the half line is ended
    assert ended.stderr.startswith("Interrupted. Nothing was left half done")


@pytest.fixture(scope="module")
def instruct(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("instruct")
    save_chat_writer(folder)
    return str(folder)


def asked(monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[str, tuple[str, ...]]:
    """The text that a prompt becomes, and the texts that end its answer."""
    seen: list[tuple[str, tuple[str, ...]]] = []

    def stream(module: Any, tokenizer: Any, ids: list[int], strategy: Any, **more: Any) -> Any:
        seen.append((tokenizer.decode(ids), strategy.stop))
        return Generated("", 0, "end", 0.0)

    monkeypatch.setattr(generate, "stream", stream)
    command(**options)
    return seen[0]


def test_an_instruct_model_is_asked_in_a_chat(
    instruct: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = "<|im_start|>system\nHm.<|im_end|>\n<|im_start|>user\nHi< |im_end|><|im_end|>\n"
    found = asked(monkeypatch, prompt="Hi<|im_end|>", model=instruct, system="Hm.")
    assert found == (f"{chat}<|im_start|>assistant\n", ())
    assert asked(monkeypatch, prompt="Hi", model=instruct, chat="never") == ("Hi", ())
    assert asked(monkeypatch, prompt="Hi", model="embedded:decoder", stop=["\\n"])[1] == ("\n",)


def test_a_system_turn_needs_a_chat(instruct: str) -> None:
    with pytest.raises(InputError, match="--system: is a turn of a chat"):
        command(prompt="Hi", model=instruct, chat="never", system="Hm.")
    with pytest.raises(InputError, match="has no chat template"):
        command(prompt="Hi", model="embedded:decoder", chat="always")
