"""How fast each optimizer comes down, as a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt

from tunewise.foundations.regression import convergence
from tunewise.foundations.topics.optimizers import EPOCHS, example

FLOOR = 1e-16  # a logarithmic axis has no zero


def convergence_chart(curves: Mapping[str, Sequence[float]]) -> alt.Chart:
    """Distance to the least loss against epochs, a line for each optimizer.

    Args:
        curves: from ``regression.convergence``: name to one number an epoch, the start included.
    """
    rows = [
        {"optimizer": name, "epoch": epoch, "distance": max(distance, FLOOR)}
        for name, curve in curves.items()
        for epoch, distance in enumerate(curve)
    ]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", title="epoch"),
            y=alt.Y("distance:Q", title="loss above its minimum", scale=alt.Scale(type="log")),
            color=alt.Color("optimizer:N", sort=list(curves), title="optimizer"),
        )
    )


def drawn() -> alt.Chart:
    """The chart of the topic's own regression."""
    return convergence_chart(convergence(example(), epochs=EPOCHS, seed=0))
