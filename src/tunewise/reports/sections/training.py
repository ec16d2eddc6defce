"""What a paper says of training: how it went, and what the settings changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from tunewise.core.format import count, duration, interval, listed, percent, points, probability
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import Chart
from tunewise.reports.document import Block, Grid, Items, Paragraph, Section, cell
from tunewise.reports.facts.comparability.finding import value_words
from tunewise.reports.facts.curves import turns, validation_curve
from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.reports.facts.factors import Factor, factors
from tunewise.reports.facts.page import Page
from tunewise.reports.facts.references import References
from tunewise.reports.facts.results import Results, Row
from tunewise.reports.facts.searching import edges
from tunewise.reports.facts.wording import metric_name, metric_said, setting_said
from tunewise.reports.sections.figures import figures
from tunewise.reports.sections.shortlist import FEW, few, of_how_many

MOST_EFFECTS = 24
MOST_POINTS = 6  # columns of a table of searched points
MOST_LISTED = 8  # searches told in a list where they fit no table


def dynamics(evidence: Evidence, results: Results, page: Page, charts: Sequence[Chart]) -> Section:
    """How training went, and where validation loss turns for each contender."""
    drawn = figures(charts, "learning")
    if not drawn:
        return Section("Training dynamics", ())
    text = f"{page.turning or ''} Curves are means over seeds; bands reach from the lowest seed to "
    text += "the highest."
    blocks: list[Block] = [Paragraph(text.strip())]
    rows = _turning(evidence, results)
    if rows:
        header = ("contender", "lowest", "at", "at the end", "epochs", "kept", "train loss")
        caption = (
            "Validation loss in nats, mean over seeds: its lowest, after which epoch, and at the "
            f"end; the epoch that counts, seed by seed{of_how_many(results)}"
        )
        blocks.append(Grid(caption, "lrrrrlr", header, rows, wide=True))
        blocks += _overfitting(rows)
    return Section("Training dynamics", (*blocks, *drawn))


def ablation(
    evidence: Evidence, results: Results, refs: References, charts: Sequence[Chart]
) -> Section:
    """What single settings change: sweeps between contenders, and the points of the search."""
    blocks: list[Block] = []
    found = factors(evidence)
    swept = {shown(one.method) for one in found if not one.searched}
    for method, rows in _sweeps(results).items():
        spread = [(row, row.scores(results.split)[results.metric].mean) for row in rows]
        best, worst = max(spread, key=lambda one: one[1]), min(spread, key=lambda one: one[1])
        text = (
            f"Among {len(rows)} settings of {method}, {metric_said(results.metric)} runs "
            f"from {percent(worst[1])} % ({shown(worst[0].name)}) to {percent(best[1])} % "
            f"({shown(best[0].name)})."
        )
        blocks.append(Paragraph(text))
        if method.partition(" on ")[0] in swept:
            continue  # the effects say more, and the scores stand among the results
        table = tuple(
            (
                cell(row.name, 60),
                count(row.parameters.trainable if row.parameters else None),
                percent(mean),
                duration(row.measured.seconds),
            )
            for row, mean in sorted(spread, key=lambda one: -one[1])[:FEW]
        )
        header = ("contender", "trained", metric_name(results.metric), "a trial")
        blocks.append(Grid(f"Settings of {method}", "lrrr", header, table))
    blocks += _effects(found, results)
    blocks += _scaling(evidence, refs)
    blocks += _search(evidence, results, refs)
    return Section("Ablation", (*blocks, *figures(charts, "search")) if blocks else ())


def _turning(evidence: Evidence, results: Results) -> tuple[tuple[str, ...], ...]:
    """A line for each contender with a curve of validation loss, in the order of the results."""
    curve = validation_curve(evidence, "loss")
    lowest = turns(curve)
    by_name = {contender.name: contender for contender in evidence.contenders}
    rows = []
    for name in (row.name for row in few(results) if row.name in lowest):
        epoch, _ = lowest[name]
        mine = {point.epoch: point.mean for point in curve if point.name == name}
        trials = by_name[name].finished
        kept = [trial.record.result.best_epoch for trial in trials]
        last = [epochs[-1] for trial in trials if (epochs := trial.record.result.epochs)]
        losses = [one.train_loss for one in last if one.train_loss is not None]
        rows.append(
            (
                cell(name, 60),
                f"{mine[epoch]:.3f}",
                f"{epoch:g}",
                f"{mine[max(mine)]:.3f}",
                f"{max(mine):g}",
                ", ".join("–" if one is None else str(one) for one in kept),
                f"{sum(losses) / len(losses):.3f}" if losses else "–",
            )
        )
    return tuple(rows)


def _overfitting(rows: Sequence[tuple[str, ...]]) -> list[Block]:
    """Who gets worse on validation while the training loss goes on falling, and by how much."""
    rises = [(float(row[3]) - float(row[1]), row[0]) for row in rows if row[3] != row[1]]
    if not rises:
        return []
    most, name = max(rises)
    text = (
        f"The largest rise after the turn is {most:.2f} nats ({name}). From there on training "
        "fits what does not hold on other items; the weights that count are those of the epoch "
        "in the table, chosen on validation."
    )
    return [Paragraph(text)]


def _effects(found: Sequence[Factor], results: Results) -> list[Block]:
    """Each setting's effect with its intervals, over all that differ in it alone."""
    if not found:
        return []
    several = len({factor.method for factor in found}) > 1
    rows = tuple(
        (
            cell(f"{setting_said(one.setting)}{f' of {one.method}' if several else ''}", 40),
            cell(f"{value_words(one.first)} → {value_words(one.value)}", 50),
            str(one.effect.pairs),
            points(one.effect.difference),
            interval(one.effect.items),
            interval(one.effect.method),
            probability(one.effect.p_adjusted),
            one.split,
        )
        for one in found[:MOST_EFFECTS]
    )
    header = ("setting", "from → to", "pairs", "points", "items, 95 %", "items and seeds, 95 %")
    text = (
        "What does each setting change by itself? An effect is the mean difference over all pairs "
        "that are alike in everything else. Settings that were searched are told on validation, "
        "where they were tried, with the first seed; for these no claim about other seeds is "
        f"made.{_largest(found, results)}"
    )
    grid = Grid(
        f"Effects of single settings in points of {metric_said(results.metric)}; p by Holm over "
        "all effects",
        "llrrrrrl",
        (*header, "p", "split"),
        rows,
        wide=True,
    )
    return [Paragraph(text, lead="Effects."), grid]


def _largest(found: Sequence[Factor], results: Results) -> str:
    """The setting that matters most among those whose interval leaves zero out."""
    sure = [
        one
        for one in found
        if one.effect.items and not one.effect.items.low <= 0 <= one.effect.items.high
    ]
    if not sure:
        return " No interval over items leaves zero out: none of them shows an effect here."
    most = max(sure, key=lambda one: abs(one.effect.difference))
    said = (
        f" {len(sure)} of {len(found)} intervals over items leave zero out. The largest effect is "
        f"that of {setting_said(most.setting)}, {value_words(most.first)} → "
        f"{value_words(most.value)}, in {shown(most.method)}: "
        f"{points(most.effect.difference)} points of {metric_said(results.metric)}."
    )
    proven = [one for one in found if one.effect.p_adjusted and one.effect.p_adjusted < 0.05]
    if any(one.effect.p_adjusted is not None for one in found):
        said += (
            f" With seeds counted too, {len(proven) or 'none'} of those that could be tested "
            f"{'remains' if len(proven) < 2 else 'remain'}."
        )
    return said


def _scaling(evidence: Evidence, refs: References) -> list[Block]:
    """Where ranks differ and alpha does not, LoRA's factor falls with the rank."""
    ranked = {
        (settings["rank"], settings["alpha"])
        for contender in evidence.contenders
        if contender.method == "lora"
        for settings in [contender.settings]
        if settings.get("rank") and settings.get("alpha")
        if settings.get("scaling", "rank") == "rank"
    }
    ranks, alphas = sorted({rank for rank, _ in ranked}), {alpha for _, alpha in ranked}
    if len(ranks) < 2 or len(alphas) != 1:
        return []
    (alpha,) = alphas
    factors_said = ", ".join(f"{alpha / rank:.3g}" for rank in ranks)
    text = (
        f"As α stays at {alpha:g}, the factor α/r in front of BA is {factors_said} for the ranks "
        f"{', '.join(map(str, ranks))}: a higher rank has more directions and takes smaller steps "
        "in each. A rank therefore does not change capacity alone; dividing by √r instead keeps "
        f"the size of the correction {refs('rslora')}."
    )
    return [Paragraph(text)]


def _search(evidence: Evidence, results: Results, refs: References) -> list[Block]:
    """What each searched point gave: a table where all searches tried the same, else a list."""
    searched = [one for one in evidence.contenders if len(one.points) > 1 and one.trials]
    if not searched:
        return []
    tried = {_told(contender) for contender in searched}
    order = {row.name: place for place, row in enumerate(results.rows)}
    text = f"The search on validation, with the first seed, in percent of {results.metric}"
    text = text.replace(results.metric, metric_said(results.metric))
    blocks: list[Block]
    if len(tried) == 1 and len(searched[0].points) <= MOST_POINTS:
        header = ("contender", *(cell(value, 30) for value in _told(searched[0])))
        rows = tuple(
            (cell(one.name, 60), *(_point(one, place, results) for place in range(len(one.points))))
            for one in sorted(searched, key=lambda one: order[one.name])[:FEW]
        )
        name = listed([setting_said(key) for key in searched[0].searched])
        grid = Grid(f"Search over {name}; * chosen", "l" + "r" * len(rows[0][1:]), header, rows)
        blocks = [
            Paragraph(f"{text}, is a table.{_edges(searched, results)}", lead="Search."),
            grid,
        ]
    else:
        said = tuple(_searched(one, results) for one in searched[:MOST_LISTED])
        blocks = [Paragraph(f"{text}:{_edges(searched, results)}", lead="Search."), Items(said)]
    if any(len(one.points) > 2 for one in searched):
        about = (
            "What more points would bring is told by the score to expect from the best of k of "
            f"those that were tried {refs('show-your-work')}."
        )
        blocks.append(Paragraph(about))
    return blocks


def _edges(searched: Sequence[Contender], results: Results) -> str:
    """Whose best value is an end of what was tried: a better one may lie beyond."""
    ends = [contender for contender in searched if edges(contender, results.metric)]
    if not ends:
        return ""
    names = listed([shown(one.name) for one in ends])
    return (
        f" For {names} the best value is an end of the range that was tried; a better one may "
        "lie beyond it."
    )


def _told(contender: Contender) -> tuple[str, ...]:
    several = len(contender.searched) > 1
    return tuple(
        ", ".join(
            f"{setting_said(key)} {value_words(value)}" if several else value_words(value)
            for key, value in point.values.items()
        )
        for point in contender.points
    )


def _point(contender: Contender, place: int, results: Results) -> str:
    point = contender.points[place]
    score = point.score(results.metric)
    status = point.trials[0].record.status if point.trials else "not run"
    mark = "*" if point is contender.chosen else ""
    return f"{percent(score)}{mark}" if score is not None else status


def _searched(contender: Contender, results: Results) -> str:
    """What each point of a search gave, in one line."""
    values = _told(contender)
    told = [
        f"{cell(value, 60)}: {_point(contender, place, results)}"
        for place, value in enumerate(values)
    ]
    return f"{shown(contender.name)}. {'; '.join(told).replace('*', ' (chosen)')}."


def _sweeps(results: Results) -> dict[str, list[Row]]:
    """Scored contenders of one model and method, where there are several."""

    def key(row: Row) -> tuple[str, str]:
        return row.method, row.model or ""

    scored = sorted((r for r in results.rows if results.metric in r.scores(results.split)), key=key)
    groups = {what: list(rows) for what, rows in groupby(scored, key)}
    return {
        shown(f"{method}{f' on {model}' if model else ''}"): rows
        for (method, model), rows in groups.items()
        if len(rows) > 1
    }
