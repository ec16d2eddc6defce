from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, GPT2TokenizerFast

from tunewise.backbones.sources import EMBEDDED_FOLDER
from tunewise.decoding.generate import generate
from tunewise.decoding.stopping import CYCLE, SPAN, TURNS, Ends, cycle
from tunewise.decoding.strategies import Strategy
from tunewise.decoding.stream import stream
from tunewise.decoding.walks import Generated


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return GPT2TokenizerFast.from_pretrained(EMBEDDED_FOLDER / "decoder")


class Reciting(GPT2LMHeadModel):  # type: ignore[misc]
    """A model that writes one text whatever it reads, by position."""

    def __init__(self, tokens: list[int], start: int, words: int) -> None:
        config = GPT2Config(
            n_embd=4, n_layer=1, n_head=1, n_positions=128, vocab_size=words, eos_token_id=0
        )
        super().__init__(config)
        script = torch.zeros(128, words)
        for place, token in enumerate(tokens):
            script[start + place - 1, token] = 50.0
        self.script = nn.Parameter(script)

    def forward(
        self,
        input_ids: Any,
        position_ids: Any = None,
        past_key_values: Any = None,
        logits_to_keep: int = 0,
        **options: Any,
    ) -> Any:
        output = super().forward(
            input_ids,
            position_ids=position_ids,
            past_key_values=past_key_values,
            logits_to_keep=logits_to_keep,
            **options,
        )
        output.logits = self.script[position_ids][:, -output.logits.shape[1] :]
        return output


def recite(tokenizer: Any, text: str, *, end: bool = True, **settings: Any) -> Generated:
    prompt = tokenizer.encode("The room")
    tokens = tokenizer.encode(text) + ([tokenizer.eos_token_id] if end else [])
    model = Reciting(tokens, len(prompt), len(tokenizer))
    strategy = Strategy(**{"max_new_tokens": 60} | settings)
    pieces: list[str] = []
    streamed = stream(model, tokenizer, prompt, strategy, key="a", seed=0, write=pieces.append)
    [[[answer]]] = generate(model, tokenizer, [prompt], [strategy], keys=["a"], seed=0)
    assert streamed == answer
    assert "".join(pieces) == answer.text  # nothing that was written had to be taken back
    return answer


def test_the_end_token_ends_and_is_no_text(tokenizer: Any) -> None:
    answer = recite(tokenizer, " Mrs Marsh owns it.")
    assert (answer.text, answer.stopped) == (" Mrs Marsh owns it.", "end")
    assert answer.tokens == len(tokenizer.encode(" Mrs Marsh owns it.")) + 1


def test_a_line_end_ends_and_is_no_text(tokenizer: Any) -> None:
    answer = recite(tokenizer, " red\nQuestion: what else?")
    assert (answer.text, answer.stopped) == (" red", "stop")
    assert answer.tokens == len(tokenizer.encode(" red\n"))


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        ((". The",), " It is red"),
        (("green", "blue"), " It is red. The lamp is "),
        ((), " It is red. The lamp is blue.\n\n"),
        (("\n\n",), " It is red. The lamp is blue."),
        (("ü",), " It is red. The lamp is blue.\n\n"),
    ],
)
def test_any_text_may_stop(tokenizer: Any, stop: tuple[str, ...], text: str) -> None:
    assert recite(tokenizer, " It is red. The lamp is blue.\n\n", stop=stop).text == text


def test_signs_of_several_tokens_come_whole(tokenizer: Any) -> None:
    text = " café 日本 🎹 ü!"
    assert recite(tokenizer, text).text == text
    assert recite(tokenizer, text, stop=("本",)).text == " café 日"


def test_the_limit_ends(tokenizer: Any) -> None:
    answer = recite(tokenizer, " one two three four five six", max_new_tokens=3)
    assert (answer.tokens, answer.stopped) == (3, "length")


def test_a_circle_is_cut_after_its_first_round(tokenizer: Any) -> None:
    answer = recite(tokenizer, " It is" + " red and blue" * 12, end=False)
    assert answer.stopped == "loop"
    assert answer.text == " It is red and blue"
    assert answer.tokens < 20


def test_three_times_no_is_no_circle(tokenizer: Any) -> None:
    assert recite(tokenizer, " no, no, no, it is red").stopped == "end"


@given(some.lists(some.integers(0, 3), max_size=30), some.integers(1, CYCLE), some.integers(0, 5))
def test_what_repeats_long_enough_is_found(start: list[int], n: int, more: int) -> None:
    turns = max(TURNS, -(-SPAN // n)) + more
    tokens = start + list(range(10, 10 + n)) * turns
    rest = cycle(tokens)
    assert rest is not None
    # The cycle is said once at its end, save for the turns that the first look did not reach.
    assert tokens[:rest][-n:] == list(range(10, 10 + n))


@given(some.lists(some.integers(0, 2), max_size=SPAN - 1))
def test_nothing_short_is_a_circle(tokens: list[int]) -> None:
    assert cycle(tokens) is None


def test_ends_are_those_of_tokenizer_and_configurations(tokenizer: Any) -> None:
    model = GPT2LMHeadModel(
        GPT2Config(n_embd=4, n_layer=1, n_head=1, vocab_size=20, eos_token_id=[5, 7])
    )
    assert Ends(model, tokenizer).tokens == {0, 5, 7}
