"""What can be asked of every room whose answer stands in a description, word for word.

The key is a field of `Room`: a sentence that mentions the field answers its questions. Of things
see `spans`, where their wordings stand beside the fields of a `Thing`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """The answer as it stands in a sentence, questions, and the same with the answer `{x}`."""

    answer: str
    questions: tuple[str, ...]
    statements: tuple[str, ...]


ASKED: dict[str, Asked] = {
    "kind": Asked(
        "{kind}",
        ("What kind of room is it?", "What is to let?"),
        ("The kind of room is {x}.", "{x} is what is to let."),
    ),
    "town": Asked(
        "{town}",
        ("In which town is the room?", "Which town is it in?", "Where does one live?"),
        ("The town is {x}.", "{x} is the town.", "One lives in {x}."),
    ),
    "street": Asked(
        "{street}",
        ("In which street is the room?", "What is the street called?", "Which street is it in?"),
        ("The street is {x}.", "{x} is the street.", "One lives in {x}."),
    ),
    "floor": Asked(
        "{floor} floor",
        ("Which floor is it on?", "How high up is the room?"),
        ("The room is on the {x}.", "One lives on the {x}."),
    ),
    "size": Asked(
        "{size} square metres",
        ("How large is the room?", "What is the size of the room?"),
        ("It has {x}.", "{x} is the size of the room."),
    ),
    "rent": Asked(
        "{rent} pounds",
        ("How much is the rent?", "What does the room cost?", "What does one pay a month?"),
        ("The room costs {x}.", "One pays {x}.", "{x} is the rent."),
    ),
    "minutes": Asked(
        "{minutes} minutes",
        ("How long is the walk to the station?", "How far is the train?"),
        ("The walk takes {x}.", "{x} is how long one walks."),
    ),
    "month": Asked(
        "{month}",
        ("When is the room free?", "When can one move in?", "When does the lease start?"),
        ("The lease starts in {x}.", "{x} is when one can move in."),
    ),
    "landlord": Asked(
        "{landlord}",
        ("Who owns the house?", "Who is the landlord?", "To whom is the rent paid?"),
        ("{x} owns the house.", "The landlord is {x}.", "The rent is paid to {x}."),
    ),
    "tenant": Asked(
        "{tenant}",
        ("Who used to live in the room?", "Who was the last tenant?", "Who moved out?"),
        ("{x} used to live in the room.", "The tenant before was {x}.", "{x} moved out."),
    ),
    "neighbour": Asked(
        "{neighbour}",
        ("Who lives next door?", "What is the neighbour called?", "Who is the neighbour?"),
        ("{x} lives next door.", "The neighbour is {x}.", "{x} is the neighbour."),
    ),
    "habit": Asked(
        "{habit}",
        ("What does the neighbour do?", "What does one hear of the neighbour?"),
        ("One hears that the neighbour {x}.", "Somebody here {x}."),
    ),
    "heating": Asked(
        "{heating}",
        ("What heating does the room have?", "How is the room heated?"),
        ("The room has {x} heating.", "{x} is what heats the room."),
    ),
}
