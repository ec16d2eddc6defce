"""Ask a language model in words: an adaptation without a single trainable parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

from tunewise.backbones.chat import Chat, ChatReader
from tunewise.backbones.model import Model
from tunewise.core.errors import InputError, SettingError, unknown
from tunewise.core.settings import refuse_below, setting
from tunewise.data.examples import Example
from tunewise.methods.base import METHODS, Direct
from tunewise.methods.prompt_asked import Prompted, stored_script
from tunewise.methods.prompt_script import (
    CONTENT_FREE,
    EXAMPLES,
    LABEL,
    LABELS,
    OF_EXAMPLES,
    OURS,
    PLACE,
    Script,
    Shown,
    Style,
    default_template,
    drawn,
    numbered,
)


@METHODS.register("prompt")
@dataclass(frozen=True)
class Prompt(Direct):
    """A causal language model asked in words; the answer is the likeliest label, or a written one.

    A label's weight is the log-probability of its tokens behind the prompt, summed, or averaged
    with `per_token`; the weights' softmax gives the probabilities. With `calibrate` the weights
    behind a prompt without content are subtracted first (Zhao et al. 2021, arXiv:2102.09690).
    With `scoring: text` the model writes, greedily, and the first label in the text is its answer;
    where there is none the likeliest label is. The probabilities are those of the labels either
    way. In a chat the prompt is the user's turn, shown examples are turns before it, and a label
    stands where the answer begins.
    """

    description = (
        "Prompting puts the question into words that a pretrained language model continues; it "
        "has no trainable parameters."
    )

    style: Style = setting(
        "direct",
        "`few-shot` shows answered examples first; `expert` addresses the model as an expert.",
    )
    template: str | None = setting(
        None, "The prompt, with {text} or columns as places. If unset, the style's own."
    )
    examples: tuple[tuple[str, str], ...] | None = setting(
        None, "Examples to show, each [text, label]. If unset, they are drawn."
    )
    example: str | None = setting(
        None,
        "The form of a shown example, with {text} or columns and {label}. If unset, in a chat that "
        "of the prompt.",
    )
    shots: int = setting(2, "Examples drawn from the training split, by seed.")
    labels: tuple[str, ...] | None = setting(
        None, "Words that stand for the classes, in their order."
    )
    scoring: Literal["likelihood", "text"] = setting(
        "likelihood", "Compare the labels' likelihoods, or read the label from a generated text."
    )
    per_token: bool = setting(
        False, "Compare the mean log-probability of a label's tokens instead of the sum."
    )
    calibrate: bool = setting(False, "Subtract the scores for a prompt whose text is N/A.")
    max_new_tokens: int = setting(48, "Most tokens of a generated answer.")
    chat: Chat = setting(
        "auto",
        "Ask by the chat template of the tokenizer; `auto` does where there is one and the prompt "
        "has no special token of its own.",
    )
    system: str | None = setting(None, "The system's turn of a chat.")

    asks_writer = True
    cannot = MappingProxyType(
        {
            "write": "it chooses among labels; 'untuned' asks the model as it comes, and in task "
            "chat 'few-shot' shows it examples"
        }
    )

    def __post_init__(self) -> None:
        if self.template is not None:
            places = set(PLACE.findall(self.template))
            if not places - {LABELS, EXAMPLES}:
                right = "must hold {text} or a column of the task, or every prompt is the same."
                raise SettingError("template", self.template, right)
            if (EXAMPLES in places) != (self.style == "few-shot"):
                rule = "needs" if self.style == "few-shot" else "of style few-shot alone has"
                raise SettingError("template", self.template, f"{rule} a place {{examples}}.")
        if self.example is not None:
            shown = PLACE.findall(self.example)
            if shown.count(LABEL) != 1 or not set(shown) - {LABEL, LABELS, EXAMPLES}:
                right = "must hold {label}, once, and {text} or a column of the task."
                raise SettingError("example", self.example, right)
        if self.examples is not None and self.style != "few-shot":
            raise SettingError("examples", self.examples, "are shown by style few-shot alone.")
        if self.examples == ():
            raise SettingError(
                "examples", self.examples, "at least one, or leave them out to have them drawn."
            )
        refuse_below(1, self, "shots", "max_new_tokens")
        if self.labels is not None and not all(label.strip() for label in self.labels):
            raise SettingError("labels", self.labels, "every label needs a word.")

    @property
    def seeded(self) -> bool:  # type: ignore[override]  # by the settings, not by the class
        """Only which examples are shown depends on the seed."""
        return self.style == "few-shot" and self.examples is None

    def unread(self) -> dict[str, str]:
        found = {}
        if not self.seeded:
            found["shots"] = "examples are drawn for style few-shot alone, where none are given"
        if self.scoring == "likelihood":
            found["max_new_tokens"] = "nothing is written with scoring likelihood"
        if self.style != "few-shot":
            found["example"] = "examples are shown by style few-shot alone"
        if self.chat == "never":
            found["system"] = "it is a turn of a chat, and chat is never"
        return found

    def for_columns(self, columns: Sequence[str]) -> Self:
        return replace(
            self,
            template=_with_numbers("template", self.template, columns, OURS),
            example=_with_numbers("example", self.example, columns, OF_EXAMPLES),
        )

    def check(self, model: Model, options: Sequence[str]) -> None:
        words = self._words(options)
        shown = () if self.examples is None else self._given(self.examples, options)
        asked = self._prompted(model, self._script(words, shown))
        ids = asked.label_ids
        for at, word in enumerate(words):
            if not ids[at] or ids[at] in ids[:at]:
                raise InputError(
                    f"labels: '{word}' is nothing of its own to the tokenizer of {model.source}; "
                    "choose words that it knows."
                )
        own = asked.script.template if isinstance(asked.reader, ChatReader) else ""
        if shown and "1" in PLACE.findall(self.example or own):
            raise InputError(
                "examples: each has one text, and stands in a form with a place for each column; "
                "give that form as example, with {text} and {label}."
            )
        asked.encoded(("a", "a"))

    def fit(
        self,
        train: Sequence[Example],
        options: Sequence[str],
        *,
        validation: Sequence[Example] = (),
        model: Model | None,
        seed: int,
    ) -> Prompted:
        assert model is not None
        model.module.requires_grad_(False)
        words = self._words(options)
        shown: tuple[Shown, ...] = ()
        if self.examples is not None:
            shown = self._given(self.examples, options)
        elif self.style == "few-shot":
            shown = drawn(train, words, self.shots, seed)
        asked = self._prompted(model, self._script(words, shown))
        if not self.calibrate:
            return asked
        places = len(train[0].texts) if train else 1
        nothing = asked.encoded((CONTENT_FREE,) * places)
        return replace(asked, content_free=tuple(asked.weights([nothing.ids])[0].tolist()))

    def load(self, folder: Path, *, model: Model | None) -> Prompted:
        assert model is not None
        model.module.requires_grad_(False)
        script, content_free = stored_script(folder, model)
        return replace(self._prompted(model, script), content_free=content_free)

    def _script(self, words: Sequence[str], shown: tuple[Shown, ...]) -> Script:
        template = self.template or default_template(self.style, words)
        return Script(template, tuple(words), shown, self.example)

    def _prompted(self, model: Model, script: Script) -> Prompted:
        write = self.max_new_tokens if self.scoring == "text" else 0
        return Prompted(model, script, self.per_token, write, chat=self.chat, system=self.system)

    def _words(self, options: Sequence[str]) -> tuple[str, ...]:
        words = tuple(options) if self.labels is None else self.labels
        if len(words) != len(options):
            raise InputError(
                f"labels: {len(words)} words for the {len(options)} options "
                f"{', '.join(options)}; one for each, in this order."
            )
        return words

    def _given(
        self, examples: Sequence[tuple[str, str]], options: Sequence[str]
    ) -> tuple[Shown, ...]:
        """Examples with the words that the prompt has for their options, or says itself."""
        words = self._words(options)
        meant = {**{word: word for word in words}, **dict(zip(options, words, strict=True))}
        for _, label in examples:
            if label not in meant:
                raise InputError(f"examples: {unknown('label', label, meant)}")
        return tuple(Shown((text,), meant[label]) for text, label in examples)


def _with_numbers(
    setting: str, form: str | None, columns: Sequence[str], ours: Sequence[str]
) -> str | None:
    """A form with the places of columns as their numbers."""
    if form is None:
        return None
    try:
        return numbered(form, columns, ours)
    except KeyError as error:
        (name,) = error.args
        known = list(dict.fromkeys((*ours, *columns)))
        raise InputError(f"{setting}: {unknown('place', name, known)}") from None
