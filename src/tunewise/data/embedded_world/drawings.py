"""Scenes as images, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, ImageDraw

from tunewise.data.embedded_world.scenes import LEVELS, SIDES, Scene

CELL = 32  # pixels, width and height of a place
WIDTH, HEIGHT = CELL * len(SIDES), CELL * len(LEVELS)

PAINT = {
    "red": (200, 30, 30),
    "blue": (40, 70, 200),
    "green": (40, 150, 60),
    "yellow": (235, 205, 40),
    "white": (250, 250, 250),
    "black": (20, 20, 20),
    "brown": (120, 75, 35),
    "purple": (130, 50, 160),
}
WALL, FLOOR, EDGE = (205, 215, 220), (190, 170, 150), (90, 90, 90)

Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels


def drawing(scene: Scene) -> Image.Image:
    """The image of a scene, RGB, 96 x 64 pixels; the same on every machine."""
    image = Image.new("RGB", (WIDTH, HEIGHT), WALL)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, CELL, WIDTH, HEIGHT), fill=FLOOR)
    pen.line((0, CELL, WIDTH, CELL), fill=EDGE)
    half = CELL // 2
    for group in scene.groups:
        # each thing in a quarter of its place, filled in reading order
        left, top = SIDES.index(group.side) * CELL, LEVELS.index(group.level) * CELL
        corners = [(x, y) for y in (top, top + half) for x in (left, left + half)]
        for x, y in corners[: group.count]:
            box = (x + 2, y + 2, x + half - 3, y + half - 3)
            SHAPES[group.noun](pen, box, PAINT[group.colour])
    return image


Colour = tuple[int, int, int]
Shape = Callable[[ImageDraw.ImageDraw, Box, Colour], None]


def _bed(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    left, top, right, bottom = box
    pen.rectangle((left, top + 5, right, bottom - 1), fill=colour, outline=EDGE)
    pen.rectangle((left, top + 2, left + 3, bottom), fill=EDGE)


def _chair(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    left, top, right, bottom = box
    pen.rectangle((left + 1, top, left + 3, bottom), fill=colour)
    pen.rectangle((left + 1, top + 5, right - 1, top + 7), fill=colour)
    pen.line((right - 1, top + 7, right - 1, bottom), fill=colour, width=2)


def _table(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    left, top, right, bottom = box
    pen.rectangle((left, top + 2, right, top + 5), fill=colour)
    pen.line((left + 2, top + 5, left + 2, bottom), fill=colour, width=2)
    pen.line((right - 2, top + 5, right - 2, bottom), fill=colour, width=2)


def _sofa(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    left, top, right, bottom = box
    pen.rectangle((left, top + 3, right, bottom - 1), fill=colour)
    pen.rectangle((left + 3, top + 6, right - 3, bottom - 4), fill=EDGE)


def _box(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    pen.rectangle(box, fill=colour, outline=EDGE)
    pen.line((box[0], box[1], box[2], box[3]), fill=EDGE)


def _plant(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    left, top, right, bottom = box
    middle = (left + right) // 2
    pen.polygon([(left, top), (middle, top + 7), (right, top)], fill=colour)
    pen.rectangle((middle - 2, top + 7, middle + 2, bottom), fill=EDGE)


def _clock(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    pen.ellipse(box, fill=colour, outline=EDGE)
    middle = ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2)
    pen.line((*middle, middle[0], box[1] + 2), fill=EDGE)


def _lamp(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    left, top, right, bottom = box
    middle = (left + right) // 2
    pen.line((middle, top, middle, top + 4), fill=EDGE, width=2)
    pen.polygon([(middle, top + 3), (left, bottom), (right, bottom)], fill=colour)


def _mirror(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    left, top, right, bottom = box
    pen.ellipse((left + 2, top, right - 2, bottom), outline=colour, width=3)


def _picture(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    pen.rectangle(box, outline=colour, width=3)


def _shelf(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    left, top, right, bottom = box
    for height in (top + 1, (top + bottom) // 2, bottom - 1):
        pen.line((left, height, right, height), fill=colour, width=2)


def _radio(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    left, top, right, bottom = box
    pen.rectangle((left, top + 4, right, bottom - 1), fill=colour)
    pen.line((right - 2, top, right - 2, top + 4), fill=EDGE)


SHAPES: dict[str, Shape] = {
    "bed": _bed,
    "chair": _chair,
    "table": _table,
    "sofa": _sofa,
    "box": _box,
    "plant": _plant,
    "clock": _clock,
    "lamp": _lamp,
    "mirror": _mirror,
    "picture": _picture,
    "shelf": _shelf,
    "radio": _radio,
}
