"""What passes between data, tasks and methods: one example, and one answer to it. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Example(NamedTuple):
    """One example of a split.

    `texts` is what the model reads: one text or a pair. The right answer is either an option or
    a text. `label` is the position of the right option, or None where it is not known.
    `references` are the texts that count as right, None where none is known; an empty text
    means that there is no answer. `start` is the character of the last text at which the first
    reference begins, None where it is not a part of it. Of a conversation `turns` are all that is
    said before the answer, each with its role, and the last text is the user's last turn.
    """

    id: str
    texts: tuple[str, ...]
    label: int | None = None
    references: tuple[str, ...] | None = None
    start: int | None = None
    image: str = ""  # where the image lies that the texts are about, if there is one
    turns: tuple[tuple[str, str], ...] = ()  # (role, content)


class Written(NamedTuple):
    """A text that a model wrote, by which strategy, and which of its samples it is, from 0."""

    strategy: str
    sample: int
    text: str
    tokens: int
    stopped: str  # end, stop, length, loop


class Reply(NamedTuple):
    """What a prompted model wrote before an option was read from it.

    `understood` is False where the text named no option; `cut`, whether the example's text was
    shortened to fit; `stopped`, why the text ended, as of `Written`. Text and reason are empty
    where options were only weighed.
    """

    text: str
    understood: bool
    cut: bool
    stopped: str = ""


class Prediction(NamedTuple):
    """What was answered for one example: an option, or one text or more.

    An option comes with the probability of each. Where texts are written, `choice` is -1 and
    `written` holds every text, the one that counts first. `loss` is summed over `targets`: the
    one option, or the tokens of the first reference.
    """

    id: str
    choice: int = -1
    probabilities: tuple[float, ...] = ()
    loss: float | None = None  # nats for the right answer; None where it is not known
    written: tuple[Written, ...] = ()
    targets: int = 1
    reply: Reply | None = None

    @property
    def answer(self) -> int | str:
        """The option's position, or the text that counts."""
        return self.written[0].text if self.written else self.choice


def prediction_of(values: Sequence[Any]) -> Prediction:
    """A prediction from what JSON makes of one.

    >>> import json
    >>> one = Prediction("a", 1, (0.25, 0.75), 0.3, (Written("greedy", 0, "b", 1, "end"),))
    >>> prediction_of(json.loads(json.dumps(one))) == one
    True
    """
    id, choice, probabilities, loss, written, targets, reply = values
    texts = tuple(Written(*one) for one in written)
    said = None if reply is None else Reply(*reply)
    return Prediction(id, choice, tuple(probabilities), loss, texts, targets, said)
