"""Words of praise and blame with their strength, and what turns, weakens or raises them.

Values: +2 delight, +1 praise, -1 blame, -2 disgust. Every rule of how they combine stands here
and in `reviews`; a bag of words sees the adjectives but none of the rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from tunewise.data.embedded_world.draw import Draw

# What a review talks about, with the mild adjectives that fit it: (praise, blame).
ASPECTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "room": (("cosy", "bright", "tidy", "airy"), ("gloomy", "cramped", "draughty", "stuffy")),
    "bed": (("comfortable", "soft", "sturdy"), ("lumpy", "narrow", "creaky")),
    "kitchen": (("clean", "roomy", "modern"), ("greasy", "dirty", "outdated")),
    "bathroom": (("spotless", "clean", "modern"), ("mouldy", "dirty", "smelly")),
    "landlord": (("friendly", "honest", "helpful"), ("rude", "greedy", "careless")),
    "house": (("quiet", "warm", "solid"), ("noisy", "cold", "damp")),
    "street": (("quiet", "green", "safe"), ("noisy", "grey", "dirty")),
    "view": (("pretty", "open", "green"), ("ugly", "bleak", "grey")),
    "heating": (("reliable", "quiet", "warm"), ("feeble", "noisy", "faulty")),
    "furniture": (("sturdy", "elegant", "tidy"), ("shabby", "wobbly", "ugly")),
    "neighbour": (("friendly", "quiet", "helpful"), ("rude", "noisy", "nosy")),
    "price": (("fair", "modest", "sensible"), ("steep", "unfair", "cheeky")),
}
# Strong adjectives fit everything.
DELIGHT = ("wonderful", "superb", "delightful", "perfect", "splendid", "marvellous")
DISGUST = ("awful", "terrible", "dreadful", "horrible", "appalling", "miserable")
STRONG = 0.35  # of all opinions


@dataclass(frozen=True)
class Opinion:
    """An aspect, an adjective for it, and the adjective's value."""

    aspect: str
    adjective: str
    value: float


@dataclass(frozen=True)
class Clause:
    """Words with the value they amount to for the person who writes."""

    words: str
    value: float


def draw_opinion(draw: Draw, aspect: str, *, praise: bool) -> Opinion:
    if draw.chance(STRONG):
        return Opinion(aspect, draw.pick(DELIGHT if praise else DISGUST), 2 if praise else -2)
    return Opinion(aspect, draw.pick(ASPECTS[aspect][0 if praise else 1]), 1 if praise else -1)


# {a} the aspect, {j} the adjective, {who} somebody else, with the factor of the wording. A factor
# below zero turns the side and forgets the strength: "not wonderful" blames no more than "not
# cosy".
PLAIN = (
    ("the {a} is {j}", 1.0),
    ("the {a} was {j}", 1.0),
    ("I found the {a} {j}", 1.0),
    ("the {a} seemed {j} to me", 1.0),
    ("I would call the {a} {j}", 1.0),
    ("the {a} is truly {j}", 1.5),
    ("the {a} was really {j}", 1.5),
    ("I found the {a} remarkably {j}", 1.5),
    ("the {a} is sometimes {j}", 0.5),
    ("the {a} was {j} now and then", 0.5),
    ("I found the {a} {j} in parts", 0.5),
)
TURNED = (
    ("the {a} is not {j}", -1.0),
    ("the {a} was never {j}", -1.0),
    ("I did not find the {a} {j}", -1.0),
    ("nobody would call the {a} {j}", -1.0),
    ("the {a} was hardly {j}", -1.0),
    ("the {a} used to be {j} and no longer is", -1.0),
    ("the {a} is not at all {j}", -2.0),
    ("the {a} was anything but {j}", -2.0),
    ("the {a} is far from {j}", -2.0),
    ("the {a} is not always {j}", -0.5),
    ("the {a} is less {j} than I had thought", -0.5),
)
HEARSAY = (
    ("{who} called the {a} {j} and was right", 1.0),
    ("{who} called the {a} {j} and was wrong", -1.0),
    ("{who} finds the {a} {j} and I agree", 1.0),
    ("{who} finds the {a} {j} and I disagree", -1.0),
    ("I was told the {a} was {j}, which is true", 1.0),
    ("I was told the {a} was {j}, which is false", -1.0),
    ("I had expected the {a} to be {j}, and so it is", 1.0),
    ("I had expected the {a} to be {j}, and it is not", -1.0),
    ("the advert promised that the {a} was {j}, and it is", 1.0),
    ("the advert promised that the {a} was {j}, and it is not", -1.0),
)
# What is written of another place, or by others alone, counts for nothing, however strong the
# words.
ELSEWHERE = (
    ("in my last home the {a} was {j}", 0.0),
    ("where I lived before, the {a} was {j}", 0.0),
    ("{who} calls the {a} {j} and I cannot say", 0.0),
    ("where {who} lives, the {a} is {j}", 0.0),
)
