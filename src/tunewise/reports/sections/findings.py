"""What was found: scores with their intervals, significance, and where the order holds."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.core.format import interval, listed, percent, points, probability
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import Chart
from tunewise.reports.document import Block, Grid, Paragraph, Section, cell
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.results import Results, Row
from tunewise.reports.facts.slices import Slice, Sliced, sliced
from tunewise.reports.facts.verdict.verdict import Verdict
from tunewise.reports.facts.wording import metric_name, metric_said, setting_said, split_name
from tunewise.reports.sections.failures import by_label
from tunewise.reports.sections.figures import figures
from tunewise.statistics.metrics import upward

ALPHA = 0.05
MOST_SLICES = 24  # rows over all columns


def outcome(
    evidence: Evidence, results: Results, judged: Verdict, charts: Sequence[Chart]
) -> Section:
    """The scores, with their intervals."""
    scored = [row for row in results.rows if row.scores(results.split)]
    if not scored:
        return Section("Results", ())
    header = ["contender", "seeds"]
    for metric in results.metrics:
        header += [metric_name(metric), "95 %"]
    rows = [_score_row(row, results) for row in results.rows]
    align = "lr" + "rr" * len(results.metrics)
    caption = (
        f"Scores on {results.items:,} items of {split_name(results.split)}, in percent: mean ± "
        "standard deviation over seeds, and 95 % interval over items"
    )
    text = f"{judged.headline}{_other_metrics(scored, results)}"
    grid = Grid(caption, align, tuple(header), tuple(rows), wide=True)
    blocks = [Paragraph(text), grid, *figures(charts, "paper"), *by_label(evidence, results)]
    return Section("Results", tuple(blocks))


def significance(results: Results, judged: Verdict, charts: Sequence[Chart]) -> Section:
    """Which differences are more than chance."""
    if not any(row.to_best for row in results.rows):
        return Section("Significance", ())
    told = [*judged.certainty, *([judged.outlook] if judged.outlook else [])]
    rows = []
    for row in results.rows:
        if row.to_best:
            pair = row.to_best
            rows.append(
                (
                    cell(row.name, 60),
                    points(pair.difference),
                    interval(pair.items.interval),
                    probability(pair.items.p_adjusted),
                    interval(pair.method.interval),
                    probability(pair.method.p_adjusted),
                    row.standing,
                )
            )
    header = ("contender", "points", "items, 95 %", "p", "items and seeds, 95 %", "p", "standing")
    best = shown(results.best.name) if results.best else ""
    caption = f"Differences to {best} in points of {metric_said(results.metric)}"
    grid = Grid(caption, "lrrrrrl", header, tuple(rows), wide=True)
    drawn = figures(charts, "difference")
    blocks = [*(Paragraph(text) for text in told), grid, *_tests(results), *drawn]
    return Section("Significance", tuple(blocks))


def by_slice(evidence: Evidence, results: Results) -> Section:
    """Where the order of the two best holds, slice by slice of the data."""
    found = sliced(evidence, results)
    if found is None or found.best is None:
        return Section("Slices of the data", ())
    best, second = shown(found.best), shown(found.second or "")
    lines = [one for slices in found.columns.values() for one in slices][:MOST_SLICES]
    rows = tuple(_slice_row(one, found) for one in lines)
    header = ["slice", "items", "best", "95 %"]
    if found.second:
        header += ["second", "95 %", "points", "p"]
    columns = listed([setting_said(shown(column)) for column in found.columns])
    text = (
        f"Does the result hold everywhere? The data are parted by {columns}, and "
        f"{metric_said(found.metric)} of {best} is told in each part"
    )
    if found.second:
        text += (
            f" beside that of {second}: the best and the second of the whole study, named before "
            f"any part was looked at. p counts {found.counted} slices by Holm’s method"
        )
    scored = [(score.mean, one.value) for one in lines if (score := one.score(found.best))]
    known = [(mean, value) for mean, value in scored if mean is not None]
    text += "."
    if len(known) > 1:
        (low, worst), (high, easiest) = min(known), max(known)
        text += (
            f" It runs from {percent(low)} % (“{cell(worst, 40)}”) to {percent(high)} % "
            f"(“{cell(easiest, 40)}”)."
        )
    caption = (
        f"{metric_name(found.metric)} by slice of {split_name(found.split)}, in percent: {best}"
        f"{f' (best) and {second} (second)' if second else ''}"
    )
    align = "l" + "r" * (len(header) - 1)
    grid = Grid(caption, align, tuple(header), rows, wide=True)
    return Section("Slices of the data", (Paragraph(text), grid))


def _slice_row(one: Slice, found: Sliced) -> tuple[str, ...]:
    cells = [f"{setting_said(shown(one.column))}: {cell(one.value, 50)}", f"{one.items:,}"]
    for name in (found.best, found.second) if found.second else (found.best,):
        score = one.score(str(name))
        low_high = score.interval if score else None
        cells.append(percent(score.mean) if score else "–")
        cells.append("–".join(percent(end) for end in low_high) if low_high else "–")
    if found.second:
        cells.append("–" if one.difference is None else points(one.difference))
        cells.append(probability(one.test.p_adjusted if one.test else None))
    return tuple(cells)


def _score_row(row: Row, results: Results) -> tuple[str, ...]:
    name = cell(row.name, 60)
    if row.status != "done":
        name += f" ({row.status})"
    cells = [name, str(len(row.seeds))]
    for metric in results.metrics:
        spread = row.scores(results.split).get(metric)
        interval = row.intervals.get((results.split, metric))
        mean = percent(spread.mean) if spread else "–"
        if spread and spread.sd is not None:
            mean += f" ± {percent(spread.sd)}"
        cells += [mean, "–".join(percent(end) for end in interval) if interval else "–"]
    return tuple(cells)


def _other_metrics(scored: Sequence[Row], results: Results) -> str:
    """Whether the other metrics put the same contender first."""
    said = ""
    for metric in results.metrics[1:]:
        known = [row for row in scored if metric in row.scores(results.split)]
        if not known:
            continue
        first = max(known, key=lambda row: _upward(metric, row, results.split))
        name = metric_said(metric)
        if results.best and first.name == results.best.name:
            said += f" {shown(first.name)} also comes first by {name}."
        else:
            said += f" By {name}, {shown(first.name)} comes first."
    return said


def _upward(metric: str, row: Row, split: str) -> float:
    return upward(metric, row.scores(split)[metric].mean)


def _tests(results: Results) -> list[Block]:
    """Which tests the p values come from, and how many of them would reject by themselves."""
    pairs = [row.to_best for row in results.rows if row.to_best]
    items = [pair.items for pair in pairs if pair.items.p is not None]
    methods = [pair.method for pair in pairs if pair.method.p is not None]
    if len(items) < 2:
        return []
    told = []
    for what, claims in (("items", items), ("items and seeds", methods)):
        if claims:
            alone = sum(one.p is not None and one.p < ALPHA for one in claims)
            kept = sum(bool(one.separated) for one in claims)
            names = listed(list(dict.fromkeys(str(one.test) for one in claims)))
            told.append(
                f"over {what} ({names}) {alone} of {len(claims)} differences have p < 0.05 by "
                f"themselves and {kept} after the correction"
            )
    text = (
        f"What the correction changes: {'; '.join(told)}. It counts {results.pairs_counted} pairs, "
        "those among the others included, because any of them might have come out best."
    )
    return [Paragraph(text)]
