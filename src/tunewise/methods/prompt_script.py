"""The words of a prompt: styles, places, and the examples that are shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Literal, NamedTuple

from tunewise.backbones.chat import Turn
from tunewise.data.examples import Example

Style = Literal["direct", "few-shot", "expert"]

TEXT, LABELS, EXAMPLES, LABEL = "text", "labels", "examples", "label"
OURS = (TEXT, LABELS, EXAMPLES)  # places that every template may have
OF_EXAMPLES = (TEXT, LABELS, LABEL)  # those of the form of an example
PLACE = re.compile(r"\{([^{}\n]+)\}")
TRUTH = {"true", "false"}
CONTENT_FREE = "N/A"  # Zhao et al. 2021, arXiv:2102.09690

SHOT = 'Statement: "{text}"\nAnswer: {label}'
_FACTS: dict[Style, str] = {
    "direct": "Is this statement true or false? {text}",
    "few-shot": '{examples}\nStatement: "{text}"\nAnswer:',
    "expert": (
        "You are a world-renowned fact-checker. Please carefully verify the following statement "
        "and explain whether it is true or false in detail: {text}."
    ),
}
_ANY: dict[Style, str] = {
    "direct": "{text}\nAnswer with one of: {labels}.\nAnswer:",
    "few-shot": _FACTS["few-shot"],
    "expert": (
        "You are a world-renowned expert. Please carefully read the following text and explain in "
        "detail which of these it is, {labels}: {text}."
    ),
}


def default_template(style: Style, words: Sequence[str]) -> str:
    """The style's own prompt: about a statement where the answers are true and false."""
    about_facts = {word.casefold() for word in words} == TRUTH
    return (_FACTS if about_facts else _ANY)[style]


class Shown(NamedTuple):
    """An answered example. Its texts are those of the columns, or one that was given by hand."""

    texts: tuple[str, ...]
    word: str


@dataclass(frozen=True)
class Script:
    """A prompt without its text.

    `template` has places ``{text}`` (all texts of an example, a line each), ``{0}``, ``{1}`` (one
    of them), ``{labels}`` and ``{examples}``; `example`, the form of a shown one, has ``{label}``
    too. Everything is put in at once: what a text holds is never taken for a place.
    """

    template: str
    words: tuple[str, ...]  # what stands for each option
    examples: tuple[Shown, ...] = ()
    example: str | None = None

    def filled(self, texts: Sequence[str], read: Callable[[str], str] = str) -> str:
        """The prompt. Blanks at its end are left out: they belong to the answer's first token.

        `read` is what becomes of everything that is put in, see `PromptReader.text`.
        """
        form = self.example or SHOT
        shown = [_put(form, read, self._values(one.texts, one.word)) for one in self.examples]
        places = self._values(texts)
        prompt = _put(self.template, read, places, {EXAMPLES: "\n".join(shown)})
        return prompt.rstrip(" \t")

    def question(self, texts: Sequence[str], read: Callable[[str], str] = str) -> str:
        """The same as the last turn of a chat, before which examples stand as turns."""
        place = f"{{{EXAMPLES}}}"
        alone = self.template.replace(f"{place}\n", "").replace(place, "")
        return _put(alone, read, self._values(texts)).rstrip(" \t")

    def turns(self, read: Callable[[str], str] = str) -> list[Turn]:
        """The examples as turns of a chat: questions in the form of the prompt, and answers.

        Of an `example` what stands before its label is the question.
        """
        found = []
        for texts, word in self.examples:
            if self.example is None:
                asked, answer = self.question(texts, read), read(word)
            else:
                before, label, after = self.example.partition(f"{{{LABEL}}}")
                values = self._values(texts, word)
                asked = _put(before, read, values).rstrip()
                answer = _put(label + after, read, values)
            found += [Turn("user", asked), Turn("assistant", answer)]
        return found

    @property
    def form(self) -> str:
        """All that a prompt has of itself: the template, with the form of its examples in it."""
        return self.template.replace(f"{{{EXAMPLES}}}", self.example or "")

    def _values(self, texts: Sequence[str], word: str = "") -> dict[str, str]:
        values = {str(at): text for at, text in enumerate(texts)}
        return {**values, TEXT: "\n".join(texts), LABELS: ", ".join(self.words), LABEL: word}

    def continuation(self, word: str) -> str:
        """A word as it stands behind the prompt."""
        return word if self.template.endswith("\n") else f" {word}"


def _put(
    form: str,
    read: Callable[[str], str],
    values: Mapping[str, str],
    made: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A form with values in its places, each as it is read, and with what was `made` so before."""
    return PLACE.sub(lambda place: made.get(place[1]) or read(values.get(place[1], "")), form)


def drawn(
    train: Sequence[Example], words: Sequence[str], shots: int, seed: int
) -> tuple[Shown, ...]:
    """Examples from the training split with their words, as equally many an option as can be."""
    random = Random(seed)
    by_option = [[e for e in train if e.label == option] for option in range(len(words))]
    for group in by_option:
        random.shuffle(group)
    random.shuffle(by_option)  # which option is shown once more
    longest = max((len(group) for group in by_option), default=0)
    turns = [group[turn] for turn in range(longest) for group in by_option if turn < len(group)]
    chosen = turns[:shots]
    random.shuffle(chosen)  # models favor what comes last
    return tuple(Shown(e.texts, words[e.label]) for e in chosen if e.label is not None)


def named(text: str, words: Sequence[str]) -> int | None:
    """The option whose word comes first in a text, whatever its case; None if none does.

    >>> named("It is not false, it is true.", ["True", "False"])
    1
    >>> named("Falsehoods all.", ["True", "False"]) is None
    True
    """
    by_length = sorted(range(len(words)), key=lambda at: -len(words[at]))
    ways = "|".join(f"({re.escape(words[at].strip())})" for at in by_length)
    found = re.search(rf"(?<!\w)(?:{ways})(?!\w)", text, re.IGNORECASE)
    return None if found is None or found.lastindex is None else by_length[found.lastindex - 1]


def shortened(
    texts: Sequence[str], fits: Callable[[tuple[str, ...]], bool]
) -> tuple[str, ...] | None:
    """The texts with as many words of the longest one as fit; None where not one does."""
    at = max(range(len(texts)), key=lambda place: len(texts[place]))
    ends = [found.end() for found in re.finditer(r"\S+", texts[at])]

    def kept(words: int) -> tuple[str, ...]:
        return (*texts[:at], texts[at][: ends[words - 1]], *texts[at + 1 :])

    few, many = 0, len(ends)  # few fit, if any do; more than many do not
    while few < many:
        middle = (few + many + 1) // 2
        few, many = (middle, many) if fits(kept(middle)) else (few, middle - 1)
    return kept(few) if few else None


def within(
    texts: tuple[str, ...], tokens: Callable[[Sequence[str]], int], limit: int | None
) -> tuple[str, ...]:
    """The texts with at most `limit` tokens, the longest shortened first: as others are read."""
    if limit is None or tokens(texts) <= limit:
        return texts
    fitting = shortened(texts, lambda tried: tokens(tried) <= limit)
    if fitting is not None:
        return fitting
    room = limit // len(texts)  # each is too long for the other
    return tuple((shortened((t,), lambda one: tokens(one) <= room) or ("",))[0] for t in texts)


def numbered(template: str, columns: Sequence[str], ours: Sequence[str] = OURS) -> str:
    """The template with each column's place as the column's number.

    Raises:
        KeyError: a place is none of `ours` and no column.

    >>> numbered("{statement} {text}", ["passage", "statement"])
    '{1} {text}'
    """
    known: Mapping[str, str] = {name: name for name in ours}
    known = {**known, **{column: str(at) for at, column in enumerate(columns)}}
    known = {**known, **{name: name for name in ours if name != TEXT}}
    return PLACE.sub(lambda found: f"{{{known[found[1]]}}}", template)
