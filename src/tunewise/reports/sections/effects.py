"""What single settings change: sweeps between contenders, effects, and LoRA-like scaling."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from tunewise.core.format import percent, points, probability
from tunewise.core.sanitize import shown
from tunewise.reports.document.model import (
    PAPER,
    PRINT,
    REPORT,
    Block,
    Column,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.factors import Factor
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.results import Results, Row
from tunewise.reports.facts.shortlist import FEW
from tunewise.reports.facts.wording import metric_name, metric_words, setting_words, value_words
from tunewise.reports.sections.cells import CONTENDER, SECONDS, TRAINABLE, claim, only

MOST_EFFECTS = 24  # where people read
WHAT = (
    "An effect is the mean difference over all pairs of contenders that are alike in everything "
    "but one setting. Settings that were searched are reported on validation, where they were "
    "tried, with the first seed; for these no claim about other seeds is made."
)


def section(facts: Facts) -> Section | None:
    found = facts.effects
    effects: list[Block] = []
    if found:
        text = f"{WHAT}{_largest(found, facts.results)}"
        effects = [Paragraph(text, outputs=PRINT), _table(found, facts.results)]
    return Section.of(
        "effects", "Effects of single settings", [*effects, *_sweeps(facts), *_scaling(facts)]
    )


def _table(found: Sequence[Factor], results: Results) -> Table:
    columns = (
        Column("Of", "method", of="method", number=False),
        Column("Setting", "setting", setting_words, "setting", number=False),
        Column("From → to", None, _from_to, number=False),
        Column("", "from", of=lambda one: value_words(one.first)),
        Column("", "to", of=lambda one: value_words(one.value)),
        Column("Split", "split", of="split", number=False),
        Column("", "searched", of=lambda one: "yes" if one.searched else "no"),
        Column("Pairs", "pairs", of="effect.pairs"),
        Column("Points", "difference", points, "effect.difference"),
        *claim("Examples, 95 %", "items", "effect.items"),
        *claim("Examples and seeds, 95 %", "method", "effect.method"),
        Column("p", "method p", probability, "effect.p_adjusted"),
    )
    caption = f"Effects in points of {metric_words(results.metric)}; p by Holm over all effects"
    return Table.about("effects", caption, columns, found, outputs=REPORT, most=MOST_EFFECTS)


def _from_to(one: Factor) -> str:
    return f"{value_words(one.first)} → {value_words(one.value)}"


def _largest(found: Sequence[Factor], results: Results) -> str:
    """The setting that matters most among those whose interval leaves zero out."""
    sure = [
        one
        for one in found
        if one.effect.items and not one.effect.items.low <= 0 <= one.effect.items.high
    ]
    if not sure:
        return " No interval over examples leaves zero out: none of them shows an effect here."
    most = max(sure, key=lambda one: abs(one.effect.difference))
    sentence = (
        f" {len(sure)} of {len(found)} intervals over examples leave zero out. The largest effect "
        f"is that of {setting_words(most.setting)}, {_from_to(most)}, in {shown(most.method)}: "
        f"{points(most.effect.difference)} points of {metric_words(results.metric)}."
    )
    tested = [one for one in found if one.effect.p_adjusted is not None]
    proven = [one for one in tested if (one.effect.p_adjusted or 0) < 0.05]
    if tested:
        sentence += (
            f" With seeds counted too, {len(proven) or 'none'} of those that could be tested "
            f"{'remains' if len(proven) < 2 else 'remain'}."
        )
    return sentence


def _sweeps(facts: Facts) -> list[Block]:
    """Contenders of one method and model: how far their scores lie apart, and a table of them."""
    results, found = facts.results, list[Block]()
    swept = {one.method for one in facts.effects if not one.searched}
    for (method, model), mine in _by_method(results.scored).items():
        rows = sorted(mine, key=lambda row: -_mean(results, row))
        best, worst = rows[0], min(rows, key=lambda row: _mean(results, row))
        of = shown(f"{method}{f' on {model}' if model else ''}")
        found.append(
            Paragraph(
                f"Among {len(rows)} settings of {of}, {metric_words(results.metric)} runs from "
                f"{percent(_mean(results, worst))} % ({shown(worst.name)}) to "
                f"{percent(_mean(results, best))} % ({shown(best.name)}).",
                outputs=PAPER,
            )
        )
        if method not in swept:  # else the effects say more
            found.append(_settings(of, rows[:FEW], results))
    return found


def _by_method(scored: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """The rows of each method and model that has several."""

    def key(row: Row) -> tuple[str, str]:
        return row.method, row.model or ""

    groups = {what: list(rows) for what, rows in groupby(sorted(scored, key=key), key)}
    return {what: rows for what, rows in groups.items() if len(rows) > 1}


def _settings(of: str, rows: Sequence[Row], results: Results) -> Table:
    columns = (
        only(CONTENDER, PAPER),
        only(TRAINABLE, PAPER),
        Column(metric_name(results.metric), None, percent, lambda row: _mean(results, row)),
        only(SECONDS, PAPER),
    )
    caption = f"Settings of {of}"
    return Table.about("sweep", caption, columns, rows, outputs=PAPER, wide=False)


def _mean(results: Results, row: Row) -> float:
    return row.scores(results.split)[results.metric].mean


def _scaling(facts: Facts) -> list[Block]:
    """Where ranks differ and alpha does not, the factor of an update falls with the rank."""
    ranked = {
        (settings["rank"], settings["alpha"])
        for contender in facts.evidence.contenders
        for settings in [contender.settings]
        if settings.get("rank") and settings.get("alpha")
        if settings.get("scaling", "rank") == "rank"
    }
    ranks, alphas = sorted({rank for rank, _ in ranked}), {alpha for _, alpha in ranked}
    if len(ranks) < 2 or len(alphas) != 1:
        return []
    (alpha,) = alphas
    factors_text = ", ".join(f"{alpha / rank:.3g}" for rank in ranks)
    text = (
        f"As α stays at {alpha:g}, the factor α/r in front of BA is {factors_text} for the ranks "
        f"{', '.join(map(str, ranks))}: a higher rank has more directions and takes smaller steps "
        "in each. A rank therefore does not change capacity alone; dividing by √r instead keeps "
        f"the size of the correction {facts.references('rslora')}."
    )
    return [Paragraph(text, outputs=PRINT)]
