"""An answer piece by piece, while it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tunewise.decoding.generate import generate
from tunewise.decoding.stopping import CYCLE, Ends
from tunewise.decoding.strategies import Strategy
from tunewise.decoding.walks import Generated, Walk


def stream(
    module: Any,
    tokenizer: Any,
    prompt: Sequence[int],
    strategy: Strategy,
    *,
    key: str,
    seed: int,
    write: Callable[[str], None],
) -> Generated:
    """Decode one prompt; the pieces given to `write` add up to the text returned.

    What may still be taken back is held back: half a character, what could be the beginning of
    a text that stops, and what could be a circle's second round. Beams are written when found.

    Raises:
        ValueError: the strategy asks for several samples, whose texts would mix.
    """
    if strategy.samples != 1:
        raise ValueError("several samples cannot be streamed at once.")
    ends = Ends(module, tokenizer)
    written = ""

    def watch(walk: Walk) -> None:
        nonlocal written
        if walk.done is not None:
            return
        text = ends.text(walk.tokens[: _sure(walk.tokens)])
        ready = text[: len(text) - _held(text, strategy.stop)]
        if ready.startswith(written) and ready != written:
            write(ready[len(written) :])
            written = ready

    [[[answer]]] = generate(
        module, tokenizer, [prompt], [strategy], keys=[key], seed=seed, watch=watch
    )
    if answer.text != written:
        write(answer.text[len(written) :])
    return answer


def _sure(tokens: Sequence[int]) -> int:
    """How many tokens stay whatever follows: a circle would be cut after its first round."""
    length = len(tokens)
    for n in range(1, CYCLE + 1):
        same = 0  # tokens at the end that repeat those n before them
        while same + n < length and tokens[length - 1 - same] == tokens[length - 1 - same - n]:
            same += 1
        if same:
            length = min(length, len(tokens) - same)
    return length


def _held(text: str, stop: Sequence[str]) -> int:
    r"""How many characters at the end may yet turn out not to belong.

    >>> _held("so it is\n", ("\n\n",)), _held("so", ("\n",))
    (1, 0)
    """
    starts = [one[:n] for one in stop for n in range(1, len(one))]
    held = max((len(start) for start in starts if text.endswith(start)), default=0)
    broken = len(text) - len(text.rstrip("\ufffd"))
    return max(held, broken)
