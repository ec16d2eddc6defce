"""A shortlist as tables and sentences, for the terminal, a notebook and other programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from tunewise.analysis.wording import between, metric_name, p_words, score_words
from tunewise.backbones.sources import EMBEDDED
from tunewise.core.format import count, gap, listed, percent, plural, score
from tunewise.core.frame import frame
from tunewise.core.paths import tails
from tunewise.reports.document.model import Block, Column, Paragraph, Table
from tunewise.reports.outputs.notebook import cell
from tunewise.reports.sections.cells import ends
from tunewise.statistics.comparison import Comparison
from tunewise.statistics.metrics import metric_named
from tunewise.statistics.pairs import Pair
from tunewise.statistics.summary import Row
from tunewise.studies.probe import Probed
from tunewise.studies.shortlist import Shortlist

MOST_CUT = 0.05  # of the texts, that a model may cut before it is said
NAMES = {"majority": "the majority", "tfidf": "TF-IDF"}
OWN_WORLD = (
    "{} read nothing but an invented world of rooms and reviews: where that stands says little "
    "about real models."
)


def html(found: Shortlist) -> str:
    """What a notebook shows of it."""
    return cell("Shortlist", blocks(found))


def to_frame(found: Shortlist) -> Any:
    """A row for each model, best first, by the linear probe; scores are fractions."""
    return frame(table(found, found.probe, "").records())


@dataclass(frozen=True)
class _Line:
    """A model in one of the two tables."""

    model: Probed
    shown: str
    row: Row
    pair: Pair | None  # None: it is the best


def table(found: Shortlist, comparison: Comparison, caption: str) -> Table:
    """Each model with its interval and its difference to the best, of one of the two ways."""
    metric = found.metric
    short = tails(model.name for model in found.models)
    lines = [
        _Line(model, short[model.name], row, comparison.to_best(row.name))
        for row in comparison.rows
        for model in [found.model(row.name)]
    ]
    title = f"{metric_name(metric)} (95 %)"
    columns = (
        Column("Model", None, of="shown", number=False),
        Column("", "model", of="model.name"),
        Column("Parameters", "parameters", count, "model.parameters"),
        Column(title, None, of=partial(_own, metric)),
        Column("", metric, of="row.mean"),
        Column("", "low", of="row.items_interval.low"),
        Column("", "high", of="row.items_interval.high"),
        Column("To the best (95 %)", None, of=partial(_to_best, metric)),
        Column("", "difference", of="pair.difference"),
        Column("", "difference low", of="pair.items.interval.low"),
        Column("", "difference high", of="pair.items.interval.high"),
        Column("", "p adjusted", of="pair.deciding.p_adjusted"),
    )
    return Table.about("shortlist", caption, columns, lines)


def _own(metric: str, line: _Line) -> str:
    return f"{score(metric, line.row.mean)} ({ends(metric, line.row.items_interval)})"


def _to_best(metric: str, line: _Line) -> str:
    if line.pair is None:
        return "the best"
    text = gap(metric, line.pair.difference)
    interval = line.pair.items.interval
    return f"{text} ({between(metric, interval)})" if interval else text


def blocks(found: Shortlist) -> Iterator[Block]:
    """What was compared, both tables, and what to take."""
    rows = f"{found.rows['train']:,} texts of train, scored on {found.rows['validation']:,}"
    yield Paragraph(
        f"{found.study}: {plural(len(found.models), 'model')} by frozen features of {rows} of "
        f"validation, {found.classes} classes. Nothing was trained, and test was not opened.",
        style="headline",
    )
    yield table(found, found.probe, "Linear probe: a head solved on the frozen features")
    yield table(found, found.nearest, "Nearest neighbor by the same features")
    yield from map(Paragraph, _findings(found))
    for why in found.missing.values():
        yield Paragraph(f"Left out: {why}", style="note")


def _findings(found: Shortlist) -> Iterator[str]:
    """What to take into the study and why, each a paragraph."""
    metric, rows = found.metric, {row.name: row for row in found.probe.rows}
    short = tails(model.name for model in found.models)
    best, *others = found.keep
    worse = [row.name for row in found.probe.rows if row.name not in found.keep]
    if len(found.models) > 1:
        text = f"Take {short[best]}, the highest ({score_words(metric, rows[best].mean or 0.0)})."
        if others:
            also = listed([short[name] for name in others], most=9)
            text += f" Not shown to be worse: {also}."
        if found.smallest != best:
            size = count(found.model(found.smallest).parameters)
            text += f" The smallest of them is {short[found.smallest]}, {size} parameters."
        yield text
    if worse:
        pairs = {name: found.probe.to_best(name) for name in worse}
        p_values = {
            name: pair.deciding.p_adjusted if pair else None for name, pair in pairs.items()
        }
        named = [f"{short[name]} ({p_words(p)})" for name, p in p_values.items()]
        yield f"Leave out what is shown to be worse: {listed(named, most=9)}."
    yield _floor(found)
    if found.resolves is not None and len(found.models) > 1:
        yield (
            f"{found.rows['validation']:,} rows show differences from about "
            f"{100 * found.resolves:.0f} points of accuracy (80 % power, just one of two right on "
            "20 %). Training may order close models otherwise: the study decides between those you "
            "take."
        )
    if own := [model.name for model in found.models if model.name.startswith(EMBEDDED)]:
        yield OWN_WORLD.format(listed(own))
    for model in found.models:
        if model.cut > MOST_CUT:
            yield f"{short[model.name]} cuts {percent(model.cut)} % of the texts to its length."


def _floor(found: Shortlist) -> str:
    """What needs no model, and whether the models are worth their price."""
    metric, rows = found.metric, found.without_model
    told = [f"{NAMES[name]} {score(metric, row.mean)}" for name, row in rows.items()]
    text = f"Without a model, on the same rows: {listed(told)}."
    best, words = found.probe.row(found.keep[0]).mean, rows["tfidf"].mean
    higher = metric_named(metric).higher_is_better
    if best is not None and words is not None and (words >= best if higher else words <= best):
        text += " Counted words do as well as the best of these features: keep tfidf in the study."
    return text
