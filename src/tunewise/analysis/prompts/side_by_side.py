"""What prompted models answered, side by side, example by example."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.parquet as pq

from tunewise.analysis.disagreements import differing_pairs
from tunewise.analysis.evidence import Evidence
from tunewise.core.canonical import JSONObject, Settings
from tunewise.store.records import IN_CHAT

UNDERSTOOD = "understood"  # the column that answers to prompts alone are stored with


@dataclass(frozen=True)
class Prompt:
    """A prompted contender: its form, and the words that its prompt has for the options."""

    name: str
    position: int
    model: str | None
    settings: Settings
    words: tuple[str, ...]
    seeded: bool
    chat: bool = False  # whether it was asked by the chat template of its model

    @property
    def expert(self) -> bool:
        return self.settings.get("style") == "expert"

    @property
    def writes(self) -> bool:
        """Whether its answers are read from texts; else labels are only weighed."""
        return self.settings.get("scoring") == "text"


@dataclass(frozen=True)
class Reply:
    """One prompt's answer to one example. `text` is None where nothing was to be written."""

    option: int
    answer: str  # the option's name
    word: str  # what the prompt calls it
    probability: float
    right: bool | None
    text: str | None
    understood: bool
    cut: bool


@dataclass(frozen=True)
class Asked:
    """An example with every prompt's reply, in the order of the prompts."""

    id: str
    texts: dict[str, str]
    right: str | None
    replies: tuple[Reply, ...]

    @property
    def differing(self) -> int:
        """Pairs of prompts whose answers differ."""
        return differing_pairs(reply.option for reply in self.replies)


@dataclass(frozen=True)
class SideBySide:
    """Every prompt with its replies to the examples that all of them were asked."""

    split: str
    prompts: tuple[Prompt, ...]
    items: tuple[Asked, ...]

    @property
    def by_model(self) -> list[list[int]]:
        """The places of the prompts, model by model."""
        found: dict[str | None, list[int]] = {}
        for place, prompt in enumerate(self.prompts):
            found.setdefault(prompt.model, []).append(place)
        return list(found.values())

    def replies(self, place: int) -> list[Reply]:
        """One prompt's replies, example by example."""
        return [example.replies[place] for example in self.items]

    def moved(self, one: int, other: int) -> list[tuple[Reply, Reply]]:
        """The replies of two prompts to the examples that they answer otherwise."""
        pairs = zip(self.replies(one), self.replies(other), strict=True)
        return [(ours, theirs) for ours, theirs in pairs if ours.option != theirs.option]

    def most_telling(self, most: int) -> list[Asked]:
        """All of them; of many, those on which prompts differ most, the earlier of equals first."""
        if len(self.items) <= most:
            return list(self.items)
        return sorted(self.items, key=lambda example: -example.differing)[:most]


def side_by_side(evidence: Evidence) -> SideBySide | None:
    """The prompts of a study on the split that decides, each with its first seed.

    None where there is no example that every prompt has answered.
    """
    found = []
    for one in (one for one in evidence.contenders if one.finished):
        path = one.finished[0].predictions(evidence.split)  # those of answers to a prompt say so
        if path is not None and UNDERSTOOD in pq.read_schema(path).names:
            rows: list[JSONObject] = pq.read_table(path).to_pylist()
            found += [(one, rows)] if rows else []
    prompts = []
    for contender, _ in found:
        settings = {**contender.settings, **contender.centre.settings.method.settings}
        model, form = contender.centre.settings.model, settings.get("chat", "never")
        has_template = model is not None and IN_CHAT in (model.reads or "")
        prompts.append(
            Prompt(
                contender.name,
                contender.position,
                contender.model,
                settings,
                words=tuple(map(str, settings.get("labels") or evidence.labels)),
                seeded=contender.described.seeded,
                chat=form == "always" or (form == "auto" and has_template),
            )
        )
    by_id = [{row["id"]: row for row in rows} for _, rows in found]
    texts = evidence.texts(evidence.split) if found else {}
    examples = []
    for id, row in by_id[0].items() if found else ():
        if all(id in rows for rows in by_id):
            each = zip(prompts, by_id, strict=True)
            replies = tuple(_reply(evidence, prompt, rows[id]) for prompt, rows in each)
            right = None if row["label"] is None else evidence.option(row["label"])
            examples.append(Asked(id, texts.get(id, {}), right, replies))
    return SideBySide(evidence.split, tuple(prompts), tuple(examples)) if examples else None


def _reply(evidence: Evidence, prompt: Prompt, row: JSONObject) -> Reply:
    option, label = int(row["choice"]), row["label"]
    answer = evidence.option(option)
    return Reply(
        option,
        answer,
        word=prompt.words[option] if option < len(prompt.words) else answer,
        probability=float(row["probabilities"][option]),
        right=None if label is None else label == option,
        text=str(row["text"] or "") if prompt.writes else None,
        understood=bool(row[UNDERSTOOD]),
        cut=bool(row["cut"]),
    )
