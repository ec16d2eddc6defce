"""Loss and score against the learning rate, wherever several rates were trained with."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import Plan

from tunewise.analysis.evidence import Contender, Point
from tunewise.analysis.tuning.searching import AtRate, RateCurve, rate_curves
from tunewise.reports.charts.learning_rate import by_learning_rate
from tunewise.reports.outputs.terminal import print_report

SMALL = Plan(seeds=(0, 1), test=60, validation=60, epochs=2)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return look(tmp_path_factory.mktemp("rates") / "study", SMALL)


def full(seen: Seen) -> Contender:
    return next(one for one in seen.evidence.contenders if one.name == "full")


def layers(curves: list[RateCurve], place: int = 0) -> list[dict[str, Any]]:
    """The layers of a chart, each with the rows that it draws."""
    spec = by_learning_rate(curves, "accuracy")[place].spec
    return [{**one, "rows": spec["datasets"][one["data"]["name"]]} for one in spec["layer"]]


def drawn(curves: list[RateCurve], mark: str, place: int = 0) -> list[dict[str, Any]]:
    found = (one["rows"] for one in layers(curves, place) if one["mark"]["type"] == mark)
    return [row for rows in found for row in rows]


def test_a_search_over_rates_is_a_curve_with_its_chosen_rate(seen: Seen) -> None:
    found = {one.name: one for one in rate_curves(seen.evidence)}
    assert list(found) == ["head", "lora rank=16", "full"]  # majority and tfidf have no rate
    points = found["full"].points
    assert [point.rate for point in points] == [1e-4, 5e-4, 1e-3]
    assert [point.status for point in points] == ["done", "done", "diverged"]
    (chosen,) = (point for point in points if point.chosen)
    first = full(seen).finished[0].metrics("validation")
    assert (chosen.loss, chosen.score) == (first["loss"], first["accuracy"])


def test_contenders_that_differ_in_their_rate_alone_are_one_curve(seen: Seen) -> None:
    def at(point: Point, rate: float) -> Point:
        training = {**point.settings.training, "learning_rate": rate}
        return replace(point, values={}, settings=replace(point.settings, training=training))

    one = full(seen)
    listed = tuple(
        replace(one, described=described, points=(point,), chosen=point)
        for rate in (1e-3, 1e-4)
        for described in [
            replace(one.described, name=f"full learning_rate={rate:g}", search=()),
        ]
        for point in [at(one.centre, rate)]
    )
    (found,) = rate_curves(replace(seen.evidence, contenders=listed))
    assert found.name == "full"
    assert [(point.rate, point.chosen) for point in found.points] == [(1e-4, False), (1e-3, False)]


def test_rates_that_have_not_run_make_no_curve(seen: Seen) -> None:
    waiting = tuple(
        replace(one, points=tuple(replace(point, trials=()) for point in one.points), chosen=None)
        for one in seen.evidence.contenders
    )
    assert rate_curves(replace(seen.evidence, contenders=waiting)) == []


def test_what_diverged_stands_at_the_upper_edge_and_is_named_once(seen: Seen) -> None:
    points = (AtRate(1e-4, "done", 0.5, 0.8, True), AtRate(1e-3, "diverged", None, None, False))
    curves = [RateCurve(name, 3, points) for name in "ab"]
    triangles = [one for one in layers(curves) if one["mark"].get("shape") == "triangle-up"]
    assert [row["name"] for one in triangles for row in one["rows"]] == ["a", "b"]
    heights = [one["encoding"]["y"]["value"] for one in triangles]
    assert heights == sorted(set(heights))  # pixels from the upper edge, none over another
    assert [row["word"] for row in drawn(curves, "text")] == ["diverged"]
    assert drawn(curves, "text", place=1) == []  # nothing is known of its score


def test_equal_points_are_drawn_around_each_other(seen: Seen) -> None:
    point, far = AtRate(1e-4, "done", 0.5, 0.8, False), AtRate(1e-3, "done", 0.9, 0.6, True)
    curves = [RateCurve("a", 0, (point, far)), RateCurve("b", 1, (point,))]
    sizes = {(row["name"], row["rate"]): row["size"] for row in drawn(curves, "circle")}
    assert sizes["a", 1e-4] > sizes["b", 1e-4] == sizes["a", 1e-3]


def test_all_outputs_have_it(seen: Seen) -> None:
    (section,) = (one for one in seen.sections if one.key == "learning-rate")
    assert "Diverged, and drawn at the upper edge: full at 0.001." in str(section.blocks[0])
    assert len(seen.tables["learning-rate"].values("csv")) == 9
    written = io.StringIO()
    print_report(seen.facts, Console(file=written, width=80))
    assert "Validation loss by learning rate" in written.getvalue()
    assert "loss-by-learning-rate" in [figure.key for figure in seen.paper.figures]
