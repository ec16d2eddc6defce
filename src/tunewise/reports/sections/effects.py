"""What single settings change: sweeps between contenders, effects, and LoRA-like scaling."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tunewise.analysis.factors import Factor
from tunewise.analysis.facts import Facts
from tunewise.analysis.results import Results, Row
from tunewise.analysis.shortlist import FEW
from tunewise.analysis.wording import metric_name, metric_words, setting_words, value_words
from tunewise.core.format import is_fraction, points, probability, score
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import CONTENDER, SECONDS, TRAINABLE, claim, only
from tunewise.statistics.metrics import upward

MOST_EFFECTS = 24  # where people read
WHAT = (
    "An effect is the mean difference over all pairs of contenders that are alike in everything "
    "but one setting. Settings that were searched are reported on validation, where they were "
    "tried, with the first seed; for these no claim about other seeds is made."
)


@doc.titled("effects", "Effects of single settings")
def section(facts: Facts) -> doc.Blocks:
    if found := facts.effects:
        yield doc.Paragraph(f"{WHAT}{_largest(found, facts.results)}", outputs=doc.PRINT)
        caption = (
            f"Effects in points of {metric_words(facts.results.metric)}; p by Holm over all effects"
        )
        yield doc.Table.about(
            "effects", caption, COLUMNS, found, outputs=doc.REPORT, most=MOST_EFFECTS
        )
    yield from _sweeps(facts)
    # Where ranks differ and alpha does not, the factor of an update falls with the rank.
    ranked = {
        (settings["rank"], settings["alpha"])
        for settings in (contender.settings for contender in facts.evidence.contenders)
        if settings.get("rank") and settings.get("alpha")
        if settings.get("scaling", "rank") == "rank"
    }
    ranks, alphas = sorted({rank for rank, _ in ranked}), {alpha for _, alpha in ranked}
    if len(ranks) > 1 and len(alphas) == 1:
        (alpha,) = alphas
        text = (
            f"As α stays at {alpha:g}, the factor α/r in front of BA is "
            f"{', '.join(f'{alpha / rank:.3g}' for rank in ranks)} for the ranks "
            f"{', '.join(map(str, ranks))}: a higher rank has more directions and takes smaller "
            "steps in each. A rank therefore does not change capacity alone; dividing by √r "
            f"instead keeps the size of the correction {facts.references('rslora')}."
        )
        yield doc.Paragraph(text, outputs=doc.PRINT)


def _from_to(one: Factor) -> str:
    return f"{value_words(one.first)} → {value_words(one.value)}"


COLUMNS = (
    doc.Column("Of", "method", of="method", number=False),
    doc.Column("Setting", "setting", setting_words, "setting", number=False),
    doc.Column("From → to", None, _from_to, number=False),
    doc.Column("", "from", of=lambda one: value_words(one.first)),
    doc.Column("", "to", of=lambda one: value_words(one.value)),
    doc.Column("Split", "split", of="split", number=False),
    doc.Column("", "searched", of=lambda one: "yes" if one.searched else "no"),
    doc.Column("Pairs", "pairs", of="effect.pairs"),
    doc.Column("Points", "difference", points, "effect.difference"),
    *claim("Examples, 95 %", "items", "effect.items"),
    *claim("Examples and seeds, 95 %", "method", "effect.method"),
    doc.Column("p", "method p", probability, "effect.p_adjusted"),
)


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
    tested = [one.effect.p_adjusted for one in found if one.effect.p_adjusted is not None]
    proven = sum(p < 0.05 for p in tested)
    if tested:
        sentence += (
            f" With seeds counted too, {proven or 'none'} of those that could be tested "
            f"{'remains' if proven < 2 else 'remain'}."
        )
    return sentence


def _sweeps(facts: Facts) -> doc.Blocks:
    """Contenders of one method and model: how far their scores lie apart, and a table of them."""
    results = facts.results
    unit = " %" if is_fraction(results.metric) else ""

    def mean(row: Row) -> float:
        return row.scores(results.split)[results.metric].mean

    columns = (
        only(CONTENDER, doc.PAPER),
        only(TRAINABLE, doc.PAPER),
        doc.Column(metric_name(results.metric), None, partial(score, results.metric), mean),
        only(SECONDS, doc.PAPER),
    )
    swept = {one.method for one in facts.effects if not one.searched}
    alike: dict[tuple[str, str], list[Row]] = {}
    for row in results.scored:
        alike.setdefault((row.method, row.model or ""), []).append(row)
    for method, model in sorted(what for what, rows in alike.items() if len(rows) > 1):
        rows = sorted(alike[method, model], key=lambda row: -upward(results.metric, mean(row)))
        best, worst = rows[0], rows[-1]
        of = shown(f"{method}{f' on {model}' if model else ''}")
        text = (
            f"Among {len(rows)} settings of {of}, {metric_words(results.metric)} runs from "
            f"{score(results.metric, mean(worst))}{unit} ({shown(worst.name)}) to "
            f"{score(results.metric, mean(best))}{unit} ({shown(best.name)})."
        )
        yield doc.Paragraph(text, outputs=doc.PAPER)
        if method not in swept:  # else the effects say more
            title = f"Settings of {of}"
            yield doc.Table.about(
                "sweep", title, columns, rows[:FEW], outputs=doc.PAPER, wide=False
            )
