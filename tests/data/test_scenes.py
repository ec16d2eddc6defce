from __future__ import annotations

import pytest

from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.drawings import HEIGHT, PAINT, SHAPES, WIDTH, drawing
from tunewise.data.embedded_world.scenes import (
    COLOURS,
    KINDS,
    MOST,
    ON_FLOOR,
    ON_WALL,
    questions,
    scene,
)


@pytest.mark.parametrize("number", range(40))
def test_no_two_groups_share_a_kind_or_a_place(number: int) -> None:
    groups = scene(number).groups
    assert 2 <= len(groups) <= 5
    assert len({group.noun for group in groups}) == len(groups)
    assert len({(group.level, group.side) for group in groups}) == len(groups)
    assert all(1 <= group.count <= MOST for group in groups)
    assert all((group.noun in ON_FLOOR) == (group.level == "floor") for group in groups)


@pytest.mark.parametrize("number", range(40))
def test_every_answer_is_read_off_the_scene(number: int) -> None:
    one = scene(number)
    asked = questions(one, Draw("test", number))
    assert tuple(question.kind for question in asked) == KINDS
    by_kind = {
        "object": {group.noun for group in one.groups},
        "number": {str(group.count) for group in one.groups},
        "colour": {group.colour for group in one.groups},
        "location": {group.side for group in one.groups},
    }
    assert all(question.answer in by_kind[question.kind] for question in asked)


def test_a_drawing_shows_each_colour_it_should_and_no_other() -> None:
    for number in range(40):
        one = scene(number)
        colours = {colour for _, colour in drawing(one).getcolors(WIDTH * HEIGHT) or []}
        shown = {name for name, paint in PAINT.items() if paint in colours}
        assert shown == {group.colour for group in one.groups}


def test_everything_can_be_drawn() -> None:
    assert set(SHAPES) == {*ON_FLOOR, *ON_WALL}
    assert set(PAINT) == set(COLOURS)


def test_a_drawing_is_the_same_twice_and_of_the_stated_size() -> None:
    assert drawing(scene(3)).tobytes() == drawing(scene(3)).tobytes()
    assert drawing(scene(3)).size == (WIDTH, HEIGHT)
