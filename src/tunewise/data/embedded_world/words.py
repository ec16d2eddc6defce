"""The words of the world: what stands in its rooms, who lives there, and where."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COLOURS = _words("red blue green yellow white black brown grey orange pink purple silver")

# Each noun with its plural.
FURNITURE = {
    "bed": "beds",
    "chair": "chairs",
    "table": "tables",
    "desk": "desks",
    "sofa": "sofas",
    "armchair": "armchairs",
    "wardrobe": "wardrobes",
    "shelf": "shelves",
    "bookcase": "bookcases",
    "cupboard": "cupboards",
    "stool": "stools",
    "bench": "benches",
    "dresser": "dressers",
    "cabinet": "cabinets",
    "piano": "pianos",
    "stove": "stoves",
}
OBJECTS = {
    "lamp": "lamps",
    "mirror": "mirrors",
    "carpet": "carpets",
    "curtain": "curtains",
    "cushion": "cushions",
    "clock": "clocks",
    "vase": "vases",
    "plant": "plants",
    "picture": "pictures",
    "basket": "baskets",
    "kettle": "kettles",
    "radio": "radios",
    "blanket": "blankets",
    "candle": "candles",
    "suitcase": "suitcases",
    "bicycle": "bicycles",
    "guitar": "guitars",
    "box": "boxes",
    "towel": "towels",
    "book": "books",
}
PLURALS = FURNITURE | OBJECTS

RELATIONS = ("next to", "left of", "right of", "under", "behind", "opposite")
ANCHORS = _words("window door fireplace radiator balcony sink staircase chimney alcove skylight")

KINDS = (
    "bedroom",
    "attic room",
    "studio",
    "basement room",
    "garden room",
    "corner room",
    "back room",
    "loft",
)
FLOORS = ("ground", "first", "second", "third", "fourth", "fifth", "sixth")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven")
MONTHS = _words(
    "January February March April May June July August September October November December"
)

TOWNS = _words(
    "Ashford Bramley Carrow Dunmore Elmstead Farley Granton Hadley Ilford Kelso Larkhill Marlow "
    "Norwood Oakham Penrith Redhill Selby Thornton Upton Wexford"
)
STREETS = _words(
    "Abbey Acorn Baker Bridge Canal Castle Cedar Chapel Cherry Church Cross Dove Duke Fern "
    "Forge Garden George Hazel Hill Holly Jubilee King Lime Linden Market Meadow Mill Orchard "
    "Park Pearl Pine Queen River Rose School Spring Station Temple Valley Willow"
)
WAYS = ("Street", "Road", "Lane", "Avenue", "Square")
ROADS = tuple(f"{name} {way}" for name in STREETS for way in WAYS)

TITLES = ("Mr", "Mrs", "Dr", "Miss")
SURNAMES = _words(
    "Adler Barnes Bell Bianchi Bishop Carter Chen Clarke Cole Dixon Duval Ellis Farrow Flynn "
    "Frost Gill Grant Haas Hughes Ito Jensen Kaur Keller Khan Lopez Marsh Mendes Moore Novak "
    "Okafor Owen Patel Petrov Price Quinn Reid Rossi Sato Shaw Silva Stone Varga Walsh Weber "
    "Young"
)
LANDLORDS = tuple(f"{title} {name}" for title in TITLES for name in SURNAMES)
FIRST_NAMES = _words(
    "Ada Alma Amir Anna Ben Boris Carla Clara Daniel Dora Edith Elena Emil Felix Frida Hana "
    "Hugo Ida Igor Iris Jonas Julia Karim Laura Leo Lina Lucas Mara Max Mina Nadia Nora Omar "
    "Oscar Otto Paula Rosa Sami Sofia Tara Theo Vera Viktor Yara Zoe"
)
HABITS = (
    "plays the violin",
    "practises the drums",
    "teaches the piano",
    "keeps two dogs",
    "keeps pigeons",
    "bakes bread",
    "works at night",
    "repairs clocks",
    "sings in a choir",
    "studies law",
    "paints portraits",
    "grows tomatoes",
)
HEATINGS = ("gas", "wood", "electric", "oil")
