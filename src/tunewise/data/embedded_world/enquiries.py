"""What people write who look for a room, as conversations whose answer is what they said, in JSON.

The answer is read off the fields that the message was made of, so that it can be checked.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.words import FIRST_NAMES, MONTHS, TOWNS

ASKED = "As JSON: name, town, budget, month, pets."

NAMES = ("I am {name}.", "It is {name}.", "{name} here.", "This is {name}.")
SEARCHES = (
    "A room in {town} from {month}, please.",
    "From {month} I need a room in {town}.",
    "{month}: I leave {elsewhere} for {town}.",
    "I am in {elsewhere}; {town} from {month}?",
    "Any room in {town}, not {elsewhere}, in {month}?",
)
BUDGETS = (
    "I can pay {budget} pounds.",
    "At most {budget} a month.",
    "My budget is {budget} pounds.",
    "I pay {less}; {budget} would do.",
)
WITH_PETS = ("My dog comes along.", "I have two cats.", "I keep a rabbit.")
WITHOUT_PETS = ("I have no pets.", "My dog stays here.", "No animals.", "")


@dataclass(frozen=True)
class Enquiry:
    """What somebody who looks for a room has said."""

    name: str
    town: str
    budget: int  # pounds a month
    month: str
    pets: bool

    @property
    def answer(self) -> str:
        return json.dumps(asdict(self))


def enquire(draw: Draw) -> tuple[str, Enquiry]:
    """A message and what it tells."""
    town, elsewhere = draw.several(TOWNS, 2)
    enquiry = Enquiry(
        name=draw.pick(FIRST_NAMES),
        town=town,
        budget=250 + 50 * draw.below(16),
        month=draw.pick(MONTHS),
        pets=draw.chance(0.5),
    )
    words = {**asdict(enquiry), "elsewhere": elsewhere, "less": enquiry.budget - 50}
    rest = [draw.pick(SEARCHES), draw.pick(BUDGETS)]
    about_pets = draw.pick(WITH_PETS if enquiry.pets else WITHOUT_PETS)
    parts = [draw.pick(NAMES), *draw.shuffled([*rest, about_pets])]
    return " ".join(part.format(**words) for part in parts if part), enquiry
