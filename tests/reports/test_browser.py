"""The page in a real browser: it draws, it answers, it follows the mode, it runs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.reports.browser import Browser, chromium
from tests.reports.conftest import Seen

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")

DRAWN = "document.querySelectorAll('.plot svg').length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(rooms: Seen, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(rooms.html, encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("dark", [False, True])
def test_all_charts_draw_without_a_word_in_the_console(
    browser: Browser, page: Path, width: int, dark: bool
) -> None:
    browser.open(page, width=width, dark=dark)
    assert browser.run(DRAWN) == 15
    assert browser.messages == []
    assert [url for url in browser.requests if not url.startswith("file:")] == []
    assert browser.run("document.documentElement.scrollWidth") == width


def test_the_mode_changes_page_and_charts(browser: Browser, page: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    bars = "document.querySelector('[data-chart=test-accuracy] .mark-rect path')"
    browser.open(page, dark=False)
    light = browser.run(f"[{ground}, {bars}.getAttribute('fill')]")
    browser.open(page, dark=True)
    dark = browser.run(f"[{ground}, {bars}.getAttribute('fill')]")
    assert light[0] != dark[0] and light[1] != dark[1]


def test_picking_a_contender_fades_the_others_in_every_chart(browser: Browser, page: Path) -> None:
    rectangles = "document.querySelectorAll('[data-chart=test-accuracy] .mark-rect path')"
    bars = f"[...{rectangles}].slice(0, 5)"  # behind them come the seeds' ticks
    opacities = f"{bars}.map(bar => bar.getAttribute('opacity') ?? '1')"
    browser.open(page)
    browser.run("document.querySelector('button.pick[data-name=\"full\"]').click()")
    browser.run("new Promise(done => setTimeout(done, 300))")
    assert browser.run(opacities) == ["1", "0.15", "0.15", "0.15", "0.15"]
    assert browser.run("document.querySelectorAll('[aria-pressed=true]').length") == 1


def test_everything_that_acts_can_be_reached_by_keyboard(browser: Browser, page: Path) -> None:
    browser.open(page)
    acting = "[...document.querySelectorAll('a[href], button, summary, [tabindex]')]"
    assert browser.run(f"{acting}.every(one => one.tabIndex >= 0)")
    browser.run("document.querySelector('button.pick').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r")
    assert (
        browser.run("document.querySelector('button.pick').getAttribute('aria-pressed')") == "true"
    )


def test_hostile_texts_do_nothing(browser: Browser, hostile: Seen, tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text(hostile.html, encoding="utf-8")
    for width in (400, 1400):
        browser.open(path, width=width)
        assert browser.run("window.hacked ?? null") is None
        assert browser.messages == []
        assert [url for url in browser.requests if not url.startswith("file:")] == []
        assert browser.run("document.documentElement.scrollWidth") == width
        assert browser.run(DRAWN) == 18  # three of slices among them
