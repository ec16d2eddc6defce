"""What can be stated of every room: each topic with its wordings."""

from __future__ import annotations

from tunewise.data.embedded_world.facts import Either, Measured, Named
from tunewise.data.embedded_world.words import (
    FIRST_NAMES,
    FLOORS,
    HABITS,
    HEATINGS,
    LANDLORDS,
    MONTHS,
    ROADS,
    TOWNS,
)

TOPICS: tuple[Named | Measured | Either, ...] = (
    Named(
        lambda room: room.town,
        TOWNS,
        (
            "This {kind} is in {street}, {town}.",
            "The {kind} lies in {street} in {town}.",
            "In {street}, {town}, there is a {kind} to let.",
        ),
        (
            ("the room is in {x}", "is the room in {x}"),
            ("the house stands in {x}", "does the house stand in {x}"),
        ),
    ),
    Named(
        lambda room: room.street,
        ROADS,
        (
            "A {kind} of {size} square metres in {street}, {town}.",
            "{street} in {town} has this {kind}.",
            "The address is {street}, {town}.",
        ),
        (
            ("the room is in {x}", "is the room in {x}"),
            ("the house stands in {x}", "does the house stand in {x}"),
        ),
    ),
    Named(
        lambda room: room.floor,
        FLOORS,
        (
            "It is on the {floor} floor.",
            "The {kind} is on the {floor} floor of a brick house.",
            "You will find it on the {floor} floor.",
        ),
        (
            ("the room is on the {x} floor", "is the room on the {x} floor"),
            ("one would live on the {x} floor", "would one live on the {x} floor"),
        ),
    ),
    Measured(
        lambda room: room.rent,
        (50, 100, 150),
        (
            "The rent is {rent} pounds a month.",
            "It costs {rent} pounds a month.",
            "{landlord} asks {rent} pounds for it.",
        ),
        (
            ("the room costs {x} pounds", "does the room cost {x} pounds"),
            ("the rent is {x} pounds", "is the rent {x} pounds"),
        ),
    ),
    Measured(
        lambda room: room.minutes,
        (2, 4, 6),
        (
            "The station is {minutes} minutes away on foot.",
            "It is a walk of {minutes} minutes to the station.",
            "One walks {minutes} minutes to the train.",
        ),
        (
            ("the walk takes {x} minutes", "does the walk take {x} minutes"),
            ("the train is {x} minutes away", "is the train {x} minutes away"),
        ),
    ),
    Named(
        lambda room: room.month,
        MONTHS,
        (
            "It is free from {month}.",
            "You can move in in {month}.",
            "The new lease begins in {month}.",
        ),
        (
            ("the room is free from {x}", "is the room free from {x}"),
            ("the lease starts in {x}", "does the lease start in {x}"),
        ),
    ),
    Named(
        lambda room: room.landlord,
        LANDLORDS,
        (
            "The house belongs to {landlord}.",
            "{landlord} is the landlord.",
            "The landlord, {landlord}, lives in the house.",
        ),
        (
            ("{x} owns the house", "does {x} own the house"),
            ("the landlord is {x}", "is the landlord {x}"),
            ("the rent is paid to {x}", "is the rent paid to {x}"),
        ),
    ),
    Named(
        lambda room: room.tenant,
        FIRST_NAMES,
        (
            "{tenant} lived here before.",
            "The last tenant was {tenant}.",
            "Until now it was let to {tenant}.",
        ),
        (
            ("{x} used to live in the room", "did {x} live in the room"),
            ("the last tenant was {x}", "was {x} the last tenant"),
        ),
    ),
    Named(
        lambda room: room.neighbour,
        FIRST_NAMES,
        (
            "{neighbour}, the neighbour, {habit}.",
            "Next door lives {neighbour}, who {habit}.",
            "The neighbour is called {neighbour} and {habit}.",
        ),
        (
            ("the neighbour is {x}", "is the neighbour {x}"),
            ("{x} lives next door", "does {x} live next door"),
        ),
    ),
    Named(
        lambda room: room.habit,
        HABITS,
        (
            "{neighbour} next door {habit}.",
            "The neighbour {habit}.",
            "Behind the wall lives {neighbour}, who {habit}.",
        ),
        (
            ("somebody here {x}", "is there somebody who {x}"),
            ("the neighbour {x}", "has one a neighbour who {x}"),
        ),
    ),
    Named(
        lambda room: room.heating,
        HEATINGS,
        (
            "The heating is {heating}.",
            "In winter the {heating} heating keeps it warm.",
            "There is {heating} heating.",
        ),
        (
            ("the room has {x} heating", "does the room have {x} heating"),
            ("the heating is {x}", "is the heating {x}"),
        ),
    ),
    Either(
        lambda room: room.pets,
        (
            ("Pets are welcome.", "You may bring a cat or a dog.", "Animals are allowed."),
            ("No pets, please.", "Animals are not allowed.", "Pets have to stay outside."),
        ),
        (
            (
                ("a dog may live here", "may a dog live here"),
                ("one can keep a cat", "can one keep a cat"),
                ("pets are permitted", "are pets permitted"),
            ),
            (
                ("pets are forbidden", "are pets forbidden"),
                ("a dog has to go", "does a dog have to go"),
            ),
        ),
    ),
    Either(
        lambda room: room.own_kitchen,
        (
            ("It has its own kitchen.", "There is a private kitchen.", "The kitchen is for you."),
            ("The kitchen is shared.", "You cook with the others.", "The kitchen is for all."),
        ),
        (
            (
                ("the kitchen is private", "is the kitchen private"),
                ("one cooks alone", "does one cook alone"),
            ),
            (
                ("the kitchen is shared", "is the kitchen shared"),
                ("one cooks with others", "does one cook with others"),
            ),
        ),
    ),
    Either(
        lambda room: room.own_bath,
        (
            ("It has its own bathroom.", "The bathroom is private.", "The bathroom is for you."),
            ("The bathroom is shared.", "There is one bathroom for all.", "You share the bath."),
        ),
        (
            (
                ("the bathroom is private", "is the bathroom private"),
                ("one has a bathroom alone", "does one have a bathroom alone"),
            ),
            (
                ("the bathroom is shared", "is the bathroom shared"),
                ("others use the bath", "do others use the bath"),
            ),
        ),
    ),
    Either(
        lambda room: room.furnished,
        (
            ("It comes furnished.", "All furniture is included.", "The furniture stays."),
            ("You bring your own bed.", "No furniture is included.", "The furniture goes."),
        ),
        (
            (
                ("the room is furnished", "is the room furnished"),
                ("one finds furniture there", "does one find furniture there"),
            ),
            (
                ("the room is empty", "is the room empty"),
                ("one needs new furniture", "does one need new furniture"),
            ),
        ),
    ),
)
