"""Descriptions of rooms with questions whose answer is a span of the description, as in SQuAD."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tunewise.data.embedded_world.asked import ASKED
from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.facts import Either
from tunewise.data.embedded_world.rooms import Room, Thing
from tunewise.data.embedded_world.things import noun_phrase
from tunewise.data.embedded_world.topics import TOPICS
from tunewise.data.embedded_world.words import NUMBERS, PLURALS

OPEN = tuple(topic for topic in TOPICS if not isinstance(topic, Either))
CLOSED = tuple(topic for topic in TOPICS if isinstance(topic, Either))


@dataclass(frozen=True)
class Span:
    """A question, its answer as it stands in a text, from which character on, and as a sentence."""

    question: str
    answer: str
    start: int
    statement: str


@dataclass(frozen=True)
class Statement:
    """A sentence and all that can be asked of it; starts count from the sentence's first letter."""

    sentence: str
    spans: tuple[Span, ...]


def tell(room: Room, draw: Draw, *, topics: int, things: int, closed: int = 0) -> list[Statement]:
    """So many sentences on topics, on things and on what is one way or the other, shuffled."""
    statements = [
        _of_topic(draw.pick(topic.sentences), room, draw) for topic in draw.several(OPEN, topics)
    ]
    statements += [_of_thing(thing, draw) for thing in draw.several(room.things, things)]
    for either in draw.several(CLOSED, closed):
        statements.append(Statement(either.fact(room, draw, holds=True).sentence, ()))
    return draw.shuffled(statements)


def passage(statements: list[Statement]) -> str:
    return " ".join(one.sentence for one in statements)


def questions(statements: list[Statement], n: int, draw: Draw) -> list[Span]:
    """Different questions on n different sentences of the passage, with starts in the passage.

    Fewer where fewer sentences have a question of their own.
    """
    asked: list[Span] = []
    for place in draw.shuffled(range(len(statements))):
        taken = {span.question for span in asked}
        spans = [span for span in statements[place].spans if span.question not in taken]
        if spans and len(asked) < n:
            before = sum(len(one.sentence) + 1 for one in statements[:place])
            span = draw.pick(spans)
            asked.append(Span(span.question, span.answer, before + span.start, span.statement))
    return asked


def _of_topic(template: str, room: Room, draw: Draw) -> Statement:
    values = vars(room)
    sentence = _capital(template.format(**values))
    spans = []
    for field in re.findall(r"{(\w+)}", template):
        if asked := ASKED.get(field):
            answer = asked.answer.format(**values)
            question, statement = draw.pick(asked.questions), draw.pick(asked.statements)
            spans.append(_span(sentence, question, answer, statement))
    return Statement(sentence, tuple(spans))


def _of_thing(thing: Thing, draw: Draw) -> Statement:
    what, where = noun_phrase(thing), f"{thing.relation} the {thing.anchor}"
    one = thing.count == 1
    name, are = (thing.noun, "is") if one else (PLURALS[thing.noun], "are")
    sentence = draw.pick(
        (
            f"There {are} {what} {where}.",
            f"{_capital(where)} {are} {what}.",
            f"{_capital(where)} you see {what}.",
            f"{_capital(what)} {'stands' if one else 'stand'} {where}.",
        )
    )
    spans = [
        _span(
            sentence,
            f"What colour {are} the {name}?",
            thing.colour,
            draw.pick((f"The {name} {are} {{x}}.", f"{{x}} is the colour of the {name}.")),
        ),
        _span(
            sentence,
            f"Where {are} the {name}?",
            where,
            draw.pick((f"The {name} {are} {{x}}.", f"{{x}} {are} the {name}.")),
        ),
        _span(
            sentence,
            f"What is {where}?",
            what,
            draw.pick((f"One finds {{x}} {where}.", f"{{x}} can be found {where}.")),
        ),
    ]
    if not one:
        spans.append(
            _span(
                sentence,
                f"How many {name} are there?",
                NUMBERS[thing.count],
                draw.pick((f"There are {{x}} {name}.", f"{{x}} is the number of {name}.")),
            )
        )
    return Statement(sentence, tuple(spans))


def _span(sentence: str, question: str, answer: str, statement: str) -> Span:
    """The answer is taken as it stands in the sentence, where it may begin with a capital."""
    found = re.search(rf"\b{re.escape(answer)}\b", sentence, re.IGNORECASE)
    if found is None:
        raise ValueError(f"'{answer}' does not stand in '{sentence}'")
    return Span(question, found.group(), found.start(), _capital(statement.format(x=answer)))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
