"""What was found: results, dynamics, ablation, significance, failures, cost, limits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from tunewise.reports.compare import Contest, contest
from tunewise.reports.drawing import Chart
from tunewise.reports.evidence import Contender, Evidence
from tunewise.reports.page import Page
from tunewise.reports.paper_failures import by_label
from tunewise.reports.paper_parts import Block, Figure, Grid, Items, Paragraph, Section, cell
from tunewise.reports.plain import shown
from tunewise.reports.results import Results, Row
from tunewise.reports.verdict import Verdict
from tunewise.reports.words import (
    count,
    duration,
    listed,
    metric_name,
    metric_said,
    percent,
    points,
    probability,
    size,
    split_name,
)
from tunewise.statistics.claims import Claim

MOST_AGAINST_FULL = 12


def outcome(
    evidence: Evidence, results: Results, judged: Verdict, page: Page, charts: Sequence[Chart]
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
    blocks = [Paragraph(text), grid, *_figures(charts, "paper"), *by_label(evidence, results)]
    return Section("Results", tuple(blocks))


def dynamics(evidence: Evidence, page: Page, charts: Sequence[Chart]) -> Section:
    """How training went."""
    figures = _figures(charts, "learning")
    if not figures:
        return Section("Training dynamics", ())
    kept = []
    for contender in evidence.contenders:
        epochs = [trial.record.result.get("best_epoch") for trial in contender.finished]
        whole = [len(trial.record.result.get("epochs") or ()) for trial in contender.finished]
        if epochs and all(epochs) and max(whole) > 1:
            told = listed([str(epoch) for epoch in sorted({int(epoch or 0) for epoch in epochs})])
            kept.append(f"{shown(contender.name)} {told} of {max(whole)}")
    text = page.turning or ""
    if kept:
        text += f" The weights that count are those after epoch: {'; '.join(kept)}."
    text += " Bands in the figures span the seeds."
    return Section("Training dynamics", (Paragraph(text.strip()), *figures))


def ablation(evidence: Evidence, results: Results, charts: Sequence[Chart]) -> Section:
    """What single settings change: sweeps between contenders, and the points of the search."""
    blocks: list[Block] = []
    for method, rows in _sweeps(results).items():
        spread = [(row, row.scores(results.split)[results.metric].mean) for row in rows]
        best, worst = max(spread, key=lambda one: one[1]), min(spread, key=lambda one: one[1])
        text = (
            f"Among {len(rows)} settings of {method}, {metric_said(results.metric)} runs "
            f"from {percent(worst[1])} % ({shown(worst[0].name)}) to {percent(best[1])} % "
            f"({shown(best[0].name)})."
        )
        table = tuple(
            (
                cell(row.name, 60),
                count(row.parameters.trainable if row.parameters else None),
                percent(mean),
                duration(row.measured.seconds),
            )
            for row, mean in sorted(spread, key=lambda one: -one[1])
        )
        header = ("contender", "trained", metric_name(results.metric), "a trial")
        blocks += [Paragraph(text), Grid(f"Settings of {method}", "lrrr", header, table)]
    searched = [
        text for contender in evidence.contenders if (text := _searched(contender, results))
    ]
    if searched:
        blocks += [Paragraph("The search on validation, first seed:"), Items(tuple(searched))]
    blocks += _figures(charts, "search")
    return Section("Ablation", tuple(blocks))


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
                    _interval(pair.items),
                    probability(pair.items.p_adjusted),
                    _interval(pair.method),
                    probability(pair.method.p_adjusted),
                    row.standing,
                )
            )
    header = ("contender", "points", "items, 95 %", "p", "items and seeds, 95 %", "p", "standing")
    best = shown(results.best.name) if results.best else ""
    caption = f"Differences to {best} in points of {metric_said(results.metric)}"
    grid = Grid(caption, "lrrrrrl", header, tuple(rows), wide=True)
    figures = _figures(charts, "difference")
    return Section("Significance", (*(Paragraph(text) for text in told), grid, *figures))


def cost(results: Results, judged: Verdict, charts: Sequence[Chart]) -> Section:
    """Trained numbers, time, memory and size."""
    rows = tuple(
        (
            cell(row.name, 60),
            count(row.parameters.trainable if row.parameters else None),
            two_digits(row.parameters.share) if row.parameters else "–",
            duration(row.measured.seconds),
            duration(row.measured.seconds_all),
            size(row.measured.peak_bytes),
            size(row.measured.artefact_bytes),
        )
        for row in results.rows
        if row.seeds
    )
    if not rows:
        return Section("Cost", ())
    hosts = sorted({host for row in results.rows for host in row.measured.hosts})
    text = judged.cost or "No contender is both as good as the best and cheaper."
    where = f" Times were measured on {listed(hosts)}" if hosts else " Times are those measured"
    text += f"{where}; they hold for that machine and its load alone."
    header = ("contender", "trained", "share", "a trial", "in all", "peak memory", "artefact")
    grid = Grid("Trained numbers and measured cost", "lrrrrrr", header, rows, wide=True)
    return Section("Cost", (Paragraph(text), grid, *_figures(charts, "cost")))


def against_full(evidence: Evidence, results: Results) -> Section:
    """Every contender of a model beside its full fine-tuning."""
    title = "Comparison with full fine-tuning"
    done = [row for row in results.rows if row.scores(results.split)]
    lines: list[tuple[str, ...]] = []
    ties: list[str] = []
    for full in [row for row in done if row.method == "full"]:
        others = [row for row in done if row.model == full.model and row.method != "full"]
        for row in others[: MOST_AGAINST_FULL - len(lines)]:
            found = contest(evidence, results, row.name, full.name)
            lines.append(_beside(row, full, found))
            low, high = found.measures[0].items.interval or (0.0, 0.0)
            if low <= 0 <= high:
                ties.append(shown(row.name))
    if not lines:
        return Section(title, ())
    known = (
        f"For {listed(ties)} the interval over items holds zero: as trained, the data do not show "
        "a difference to full fine-tuning."
        if ties
        else "For none of them does the interval over items hold zero."
    )
    text = (
        "What is given up, and what is saved, by training less than everything? The table has "
        "each contender of the same model beside it; each interval counts this pair alone. "
        f"{known}"
    )
    header = ("contender", "points", "95 %", "trained", "time", "artefact")
    caption = "Beside full fine-tuning: difference over items, and cost as a share of its cost"
    return Section(title, (Paragraph(text), Grid(caption, "lrrrrr", header, tuple(lines))))


def limits(evidence: Evidence, results: Results, judged: Verdict) -> Section:
    """What the study cannot say."""
    told = [shown(note) for note in judged.notes]
    seeds = len(results.seeds_planned)
    if results.best is not None:
        if seeds == 1:
            told.append("One seed: nothing is said about the methods with other seeds.")
        else:
            told.append(
                f"{seeds} seeds: sentences about the methods rest on {seeds} trainings each."
            )
        models = {contender.model for contender in evidence.contenders if contender.model}
        told.append(
            f"One data set{' and one model' if len(models) == 1 else ''}: another may put the "
            "contenders in another order."
        )
        smallest = [
            row.to_best.items.detectable
            for row in results.rows
            if row.to_best and row.to_best.items.detectable
        ]
        if smallest:
            told.append(
                f"Over these items, differences below about {100 * min(smallest):.1f} points to "
                "the best would be missed in more than one of five such studies."
            )
    return Section("Limits", (Items(tuple(told)),) if told else ())


def repeating(evidence: Evidence, page: Page) -> Section:
    """How to run it again."""
    versions = evidence.study.get("environment", {})
    named = [
        f"{name} {versions[name]}"
        for name in ("tunewise", "python", "torch", "transformers", "peft", "numpy")
        if versions.get(name)
    ]
    text = f"The command {page.command} runs the study again and goes on after interruptions."
    if named:
        text += f" It ran with {', '.join(named)}."
    hashes = [
        f"{name.removesuffix('.hash')} with the hash {value}"
        for name, value in page.hashes
        if name.endswith(".hash")
    ]
    if hashes:
        text += f" It started from {listed([cell(one, 80) for one in hashes])}."
    return Section("Repeating it", (Paragraph(text),))


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
        first = max(known, key=lambda row: row.scores(results.split)[metric].mean)
        name = metric_said(metric)
        if results.best and first.name == results.best.name:
            said += f" {shown(first.name)} also leads by {name}."
        else:
            said += f" By {name}, {shown(first.name)} leads."
    return said


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


def _searched(contender: Contender, results: Results) -> str:
    """What each point of a search gave."""
    if len(contender.points) < 2 or not contender.trials:
        return ""
    told = []
    for point in contender.points:
        first = point.trials[0] if point.trials else None
        score = first.metrics("validation").get(results.metric) if first else None
        values = ", ".join(f"{key.split('.')[-1]} {value}" for key, value in point.values.items())
        status = first.record.status if first and not first.done else "not run"
        mark = ", chosen" if point is contender.chosen else ""
        result = f"{percent(score)} %" if score is not None else status
        told.append(f"{shown(values)}: {result}{mark}")
    return f"{shown(contender.name)}. {'; '.join(told)}."


def _beside(row: Row, full: Row, found: Contest) -> tuple[str, ...]:
    def share(ours: float | None, theirs: float | None) -> str:
        return two_digits(ours / theirs) if ours is not None and theirs else "–"

    headline = found.measures[0]
    trained = [one.parameters.trainable if one.parameters else None for one in (row, full)]
    return (
        cell(row.name, 40),
        points(headline.difference),
        _interval(headline.items),
        share(*trained),
        share(row.measured.seconds, full.measured.seconds),
        share(row.measured.artefact_bytes, full.measured.artefact_bytes),
    )


def two_digits(share: float) -> str:
    """A share in percent with two digits that matter.

    >>> two_digits(1.0), two_digits(0.0159), two_digits(12.34)
    ('100 %', '1.6 %', '1234 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.2g} %"


def _interval(claim: Claim) -> str:
    if claim.interval is None:
        return "–"
    return " to ".join(points(end) for end in claim.interval)


def _figures(charts: Sequence[Chart], group: str) -> list[Figure]:
    return [
        Figure(chart.key, chart.title or chart.says.split(":")[0], chart.says)
        for chart in charts
        if chart.group == group
    ]
