"""What stands in a drawn room, and what can be asked about its image.

A scene is a wall and a floor, each with three places. A place holds nothing, or one to four things
of one kind and colour. Every answer is read off the scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.words import PLURALS

ON_FLOOR = ("bed", "chair", "table", "sofa", "box", "plant")
ON_WALL = ("clock", "lamp", "mirror", "picture", "shelf", "radio")
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "brown", "purple")
SIDES = ("left", "middle", "right")
LEVELS = ("wall", "floor")
MOST = 4  # things of one kind
DRAWN = "embedded:rooms/"  # and the number of a scene: its image
BLANK = f"{DRAWN}0"  # the name of an image that needs no file

Kind = Literal["object", "number", "colour", "location"]
"""What a question asks for, as in COCO-QA (Ren et al. 2015, arXiv:1505.02074)."""
KINDS: tuple[Kind, ...] = ("object", "number", "colour", "location")


@dataclass(frozen=True)
class Group:
    """So many things of one kind and colour at one place."""

    noun: str
    count: int  # 1 to MOST
    colour: str
    level: str  # one of LEVELS
    side: str  # one of SIDES

    @property
    def name(self) -> str:
        return self.noun if self.count == 1 else PLURALS[self.noun]

    @property
    def verb(self) -> str:
        return "is" if self.count == 1 else "are"


@dataclass(frozen=True)
class Scene:
    """Two to five groups: no two of one kind, no two at one place."""

    groups: tuple[Group, ...]


@dataclass(frozen=True)
class ImageQuestion:
    """A question about an image, its answer in one word, and what it asks for."""

    question: str
    answer: str
    kind: Kind


def scene(number: int) -> Scene:
    """The scene of that number, always the same.

    >>> scene(7) == scene(7)
    True
    """
    draw = Draw("scene", number)
    places = draw.several([(level, side) for level in LEVELS for side in SIDES], 2 + draw.below(4))
    nouns = {"floor": draw.shuffled(ON_FLOOR), "wall": draw.shuffled(ON_WALL)}
    return Scene(
        tuple(
            Group(
                noun=nouns[level].pop(),
                count=1 + draw.below(MOST),
                colour=draw.pick(COLOURS),
                level=level,
                side=side,
            )
            for level, side in places
        )
    )


def questions(scene: Scene, draw: Draw) -> list[ImageQuestion]:
    """One question of each kind, each about a group of its own choice.

    >>> one = Scene((Group("chair", 2, "red", "floor", "left"),))
    >>> [question.answer for question in questions(one, Draw("doctest", 0))]
    ['chair', '2', 'red', 'left']
    """
    asked = []
    for kind in KINDS:
        group = draw.pick(scene.groups)
        side = "in the middle" if group.side == "middle" else f"on the {group.side}"
        name, verb, place = group.name, group.verb, f"{side} of the {group.level}"
        forms: tuple[str, ...]
        match kind:
            case "object":
                forms = (f"what is {place}", f"what do you see {place}", f"which thing is {place}")
                answer = group.noun
            case "number":
                plural = PLURALS[group.noun]
                forms = (f"how many {plural} are in the room", f"how many {plural} are there")
                answer = str(group.count)
            case "colour":
                forms = (f"what colour {verb} the {name}", f"which colour {verb} the {name}")
                answer = group.colour
            case "location":
                forms = (f"where {verb} the {name}", f"on which side {verb} the {name}")
                answer = group.side
        asked.append(ImageQuestion(f"{draw.pick(forms)}?", answer, kind))
    return asked
