"""A prompted model as a predictor: labels weighed, or read from what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunewise.backbones.chat import Chat, ChatReader, Turn, asks_in_chat
from tunewise.backbones.model import Model
from tunewise.backbones.texts import PromptReader, tokens
from tunewise.core.errors import InputError
from tunewise.core.files import read_json, write_json
from tunewise.data.examples import Example, Prediction, Reply
from tunewise.decoding.branches import context_length
from tunewise.decoding.generate import generate
from tunewise.decoding.likelihood import log_probabilities
from tunewise.decoding.strategies import Strategy
from tunewise.decoding.walks import Generated
from tunewise.methods.answers import answers
from tunewise.methods.frozen import check_base, write_base
from tunewise.methods.prompt_script import Script, Shown, named, shortened, within

FILE = "prompt.json"
BATCH = 8  # prompts read together
TINY = 1e-300  # below it a float's logarithm is not finite


class Encoded(NamedTuple):
    """A prompt's tokens, and whether its text was shortened to fit."""

    ids: list[int]
    cut: bool


@dataclass(frozen=True)
class Prompted:
    """A model with a script. `content_free` is what is subtracted from the labels' weights.

    `chat` says whether the prompt becomes a turn of a chat, in which `system` is the first.
    """

    model: Model
    script: Script
    per_token: bool
    write: int  # tokens written before an option is read from them; 0 where none are
    content_free: tuple[float, ...] | None = None
    chat: Chat = "auto"
    system: str | None = None

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        if not examples:
            return []
        asked = [self.encoded(example.texts) for example in examples]
        weights = self.weights([one.ids for one in asked])
        if self.content_free is not None:
            weights = weights - torch.tensor(self.content_free, dtype=weights.dtype)
        probabilities: NDArray[np.float64] = weights.softmax(-1).clamp(min=TINY).numpy()
        found = answers(examples, probabilities)
        texts = self._written([e.id for e in examples], [one.ids for one in asked])
        read: list[Prediction] = []
        for prediction, text, one in zip(found, texts, asked, strict=True):
            if text is None:
                read.append(prediction._replace(reply=Reply("", True, one.cut)))
                continue
            option = named(text.text, self.script.words)  # where it names none, the likeliest
            choice = prediction.choice if option is None else option
            reply = Reply(text.text, option is not None, one.cut, text.stopped)
            read.append(prediction._replace(choice=choice, reply=reply))
        return read

    def weights(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """The log-probability of each label after each prompt, (prompts, labels)."""
        labels = self.label_ids
        found = log_probabilities(self.model.module, prompts, labels, batch_size=BATCH)
        return found / torch.tensor([len(ids) for ids in labels]) if self.per_token else found

    def encoded(self, texts: Sequence[str]) -> Encoded:
        """The prompt's tokens; of what does not fit, the end of the longest text is left out.

        Raises:
            InputError: there is no room for a single word.
        """
        room, given = self.room(), tuple(texts)
        processor = self.model.processor
        texts = within(
            given, lambda tried: sum(map(len, tokens(processor, tried))), self.model.longest_text
        )
        whole = self._ids(texts)
        if len(whole) <= room:
            return Encoded(whole, texts != given)
        fitting = shortened(texts, lambda tried: len(self._ids(tried)) <= room)
        if fitting is None:
            raise InputError(
                f"prompt: without its text it already fills the {room} tokens there are for it on "
                f"{self.model.source}. Show fewer or shorter examples."
            )
        return Encoded(self._ids(fitting), True)

    def room(self) -> int:
        """Tokens that a prompt may have, so that its answer fits behind it."""
        context = min(self.model.max_length, context_length(self.model.module))
        longest = max(len(ids) for ids in self.label_ids)
        return context - max(longest, self.write)

    def _ids(self, texts: Sequence[str]) -> list[int]:
        reader = self.reader
        in_chat = isinstance(reader, ChatReader)
        filled = self.script.question if in_chat else self.script.filled
        return reader.opening + reader.ids([filled(texts, reader.text)])[0]

    @cached_property
    def reader(self) -> PromptReader | ChatReader:
        """What makes tokens of the filled prompt: in a chat behind the turns before it."""
        tokenizer, script = self.model.processor, self.script
        if not asks_in_chat(tokenizer, self.chat, script.form):
            return PromptReader(tokenizer, script.form)
        turns = [] if self.system is None else [Turn("system", self.system)]
        return ChatReader(tokenizer, (*turns, *script.turns(ChatReader(tokenizer).text)))

    @cached_property
    def label_ids(self) -> Sequence[list[int]]:
        """The tokens of each label as they stand behind the prompt."""
        if isinstance(self.reader, ChatReader):
            return self.reader.answers(self.script.words)
        return label_tokens(self.model.processor, self.script)

    def _written(
        self, names: Sequence[str], prompts: Sequence[Sequence[int]]
    ) -> Sequence[Generated | None]:
        if not self.write:
            return [None] * len(prompts)
        greedy = Strategy("greedy", max_new_tokens=self.write, stop=())
        (found,) = generate(
            self.model.module,
            self.model.processor,
            prompts,
            [greedy],
            keys=names,
            seed=0,
            batch_size=BATCH,
        )
        return [one for (one,) in found]

    def save(self, folder: Path) -> None:
        """Write script and settings as JSON, and which model is asked."""
        folder.mkdir(parents=True, exist_ok=True)
        joined = self.script.example is None and isinstance(self.reader, PromptReader)
        script = self.script
        # An example is stored as its one text, where they need not stay apart.
        examples = [
            ["\n".join(texts) if joined or len(texts) == 1 else texts, word]
            for texts, word in script.examples
        ]
        stored = {"template": script.template, "words": script.words, "examples": examples}
        if script.example is not None:
            stored["example"] = script.example
        write_json(folder / FILE, {**stored, "content_free": self.content_free})
        write_base(self.model, folder)


def stored_script(folder: Path, model: Model) -> tuple[Script, tuple[float, ...] | None]:
    """What `Prompted.save` wrote.

    Raises:
        InputError: it was another model that was asked.
    """
    check_base(model, folder)
    stored: dict[str, Any] = read_json(folder / FILE)
    examples = tuple(
        Shown((texts,) if isinstance(texts, str) else tuple(texts), word)
        for texts, word in stored["examples"]
    )
    example = stored.get("example")
    script = Script(stored["template"], tuple(stored["words"]), examples, example)
    free = stored["content_free"]
    return script, None if free is None else tuple(free)


def label_tokens(tokenizer: Any, script: Script) -> Sequence[list[int]]:
    """The tokens of each label as they stand behind a prompt.

    Tokenized behind a word, not alone: some tokenizers put a blank of their own before a text.
    """
    before = ":\n" if script.template.endswith("\n") else ":"
    joined = [before + script.continuation(word) for word in script.words]
    (start, *whole) = tokens(tokenizer, [before, *joined])
    if all(ids[: len(start)] == start for ids in whole):
        return [ids[len(start) :] for ids in whole]
    return tokens(tokenizer, [script.continuation(word) for word in script.words])
