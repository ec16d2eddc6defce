"""One color per contender everywhere, and the look of every chart in light and in dark.

The colors are those of Okabe and Ito (Color Universal Design, 2008), with yellow, which
vanishes on white, and black exchanged for plum and gray; the dark ones are the same hues, lighter.
Color is never the only sign: names stand next to marks, and from the ninth contender on
dashes differ too.
"""

from __future__ import annotations

from typing import Any

LIGHT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7B3F6E", "#6F7780")
DARK = ("#4BA3E3", "#F0834A", "#35C39A", "#E09CC4", "#F2B84B", "#8CCBF2", "#B98AB0", "#9AA3AD")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
FROZEN = ("#DCE0E5", "#3A424D")  # what is not trained, in light and in dark
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def color(position: int) -> str:
    """The color of the contender that stands at this position in the study."""
    return LIGHT[position % len(LIGHT)]


def dark_color(position: int) -> str:
    return DARK[position % len(DARK)]


def dash(position: int) -> list[int]:
    """The line of a contender: whole for the first eight, then dashed."""
    return DASHES[position // len(LIGHT) % len(DASHES)]


def to_dark() -> dict[str, str]:
    """For every color of the light charts, its dark counterpart."""
    return dict(zip((*LIGHT, FROZEN[0]), (*DARK, FROZEN[1]), strict=True))


def theme(*, ink: str, quiet: str, grid: str) -> dict[str, Any]:
    """A Vega-Lite configuration: no frame, few lines, type like the page's."""
    return {
        "background": None,
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": quiet,
            "titleColor": quiet,
            "titleFontWeight": 500,
            "titleFontSize": 12,
            "labelFontSize": 12,
            "labelPadding": 6,
            "titlePadding": 10,
            "grid": True,
            "gridColor": grid,
            "domain": False,
            "ticks": False,
        },
        "axisY": {"labelLimit": 190},
        "axisYDiscrete": {"grid": False, "labelColor": ink, "labelFontSize": 13},
        "header": {"labelColor": ink, "labelFontSize": 13, "labelFontWeight": 600},
        "legend": {"labelColor": ink, "titleColor": quiet, "labelLimit": 220, "orient": "bottom"},
        "text": {"color": ink, "fontSize": 12},
        "style": {
            "zero": {"color": quiet, "stroke": quiet, "strokeDash": [3, 3], "strokeWidth": 1},
            "whisker": {"color": ink, "stroke": ink, "strokeWidth": 1.5},
            "seed": {"color": ink, "strokeWidth": 1, "opacity": 0.55},
            "ring": {"color": ink, "stroke": ink, "strokeWidth": 2, "filled": False},
            "value": {"color": ink, "fill": ink, "fontWeight": 600},
        },
    }


THEMES = {
    "light": theme(ink="#1F2733", quiet="#5B6675", grid="#E8EBEF"),
    "dark": theme(ink="#E6EAF0", quiet="#9AA6B5", grid="#2B333E"),
}
