"""What a paper says of costs: in all, phase by phase, and beside full fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tunewise.core.format import count, duration, interval, listed, milliseconds, points, size
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import Chart
from tunewise.reports.document import Block, Grid, Paragraph, Section, cell
from tunewise.reports.facts.compare import Contest, contest
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.phases import HELD, TIMED, phases_of
from tunewise.reports.facts.results import Results, Row
from tunewise.reports.facts.verdict.verdict import Verdict
from tunewise.reports.sections.figures import figures
from tunewise.reports.sections.shortlist import few, of_how_many

NOTHING_SAVED = (
    "No contender that is not shown to be worse than the best trains fewer numbers, takes less "
    "time or needs less memory."
)


def cost(evidence: Evidence, results: Results, judged: Verdict, charts: Sequence[Chart]) -> Section:
    """Trained numbers, time, memory and size; then what each phase of training took."""
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
        for row in few(results)
        if row.seeds
    )
    if not rows:
        return Section("Cost", ())
    hosts = sorted({host for row in results.rows for host in row.measured.hosts})
    text = judged.cost or NOTHING_SAVED
    where = f"on {len(hosts)} machines" if len(hosts) > 1 else "on one machine"
    text += f" Times were measured {where}; they hold for that machine and its load alone."
    header = ("contender", "trained", "share", "a trial", "in all", "peak memory", "artefact")
    caption = f"Trained numbers and measured cost{of_how_many(results)}"
    grid = Grid(caption, "lrrrrrr", header, rows, wide=True)
    drawn = figures(charts, "cost", "tradeoff")
    return Section("Cost", (Paragraph(text), grid, *_phases(evidence, results), *drawn))


def against_full(evidence: Evidence, results: Results) -> Section:
    """Every contender of a model beside its full fine-tuning."""
    title = "Comparison with full fine-tuning"
    done = [row for row in few(results) if row.scores(results.split)]
    lines: list[tuple[str, ...]] = []
    ties: list[str] = []
    for full in [row for row in done if row.method == "full"]:
        others = [row for row in done if row.model == full.model and row.method != "full"]
        for row in others:
            found = contest(evidence, results, row.name, full.name)
            lines.append(_beside(row, full, found))
            interval = found.measures[0].items.interval
            if interval and interval.low <= 0 <= interval.high:
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
    header = (
        *("contender", "points", "items, 95 %", "items and seeds, 95 %"),
        *("trained", "time", "peak memory", "artefact"),
    )
    caption = "Beside full fine-tuning: the difference to it, and cost as a share of its cost"
    caption += of_how_many(results)
    return Section(
        title, (Paragraph(text), Grid(caption, "lrrrrrrr", header, tuple(lines), wide=True))
    )


def _phases(evidence: Evidence, results: Results) -> list[Block]:
    """Memory by what holds it, and time by phase, where trials measured them."""
    measured = phases_of(evidence, replace(results, rows=few(results)))
    if not measured:
        return []
    rows = tuple(
        (
            cell(one.name, 60),
            *(size(one.held.get(part)) for part in HELD),
            size(one.peak),
            one.peak_phase or "–",
            *(milliseconds(one.seconds.get(part)) for part in TIMED),
        )
        for one in measured
    )
    text = (
        "Where memory and time go: the bytes of the weights, of the gradients, of the "
        "optimizer’s state and of the activations that the backward pass needs, counted storage "
        "by storage in one step of the longest examples; the largest sum at one time, with its "
        "phase; and the milliseconds of each phase in a mean step."
    )
    times = [one for one in measured if one.seconds.get("backward") and one.seconds.get("forward")]
    if times:
        ratios = [one.seconds["backward"] / one.seconds["forward"] for one in times]
        low, high = (f"{value:.1f}" for value in (min(ratios), max(ratios)))
        span = low if low == high else f"{low} to {high}"
        text += f" The backward pass takes {span} times as long as the forward pass."
    header = ("contender", *HELD, "peak", "in", *TIMED)
    align = "l" + "r" * (len(HELD) + 1) + "l" + "r" * len(TIMED)
    caption = "Memory by what holds it, and milliseconds of a step by phase"
    caption += of_how_many(results)
    return [Paragraph(text), Grid(caption, align, header, rows, wide=True)]


def _beside(row: Row, full: Row, found: Contest) -> tuple[str, ...]:
    def share(ours: float | None, theirs: float | None) -> str:
        return two_digits(ours / theirs) if ours is not None and theirs else "–"

    headline = found.measures[0]
    trained = [one.parameters.trainable if one.parameters else None for one in (row, full)]
    return (
        cell(row.name, 60),
        "–" if headline.difference is None else points(headline.difference),
        interval(headline.items.interval),
        interval(headline.method.interval),
        share(*trained),
        share(row.measured.seconds, full.measured.seconds),
        share(row.measured.peak_bytes, full.measured.peak_bytes),
        share(row.measured.artefact_bytes, full.measured.artefact_bytes),
    )


def two_digits(share: float) -> str:
    """A share in percent with two digits that matter.

    >>> two_digits(1.0), two_digits(0.0159), two_digits(12.34)
    ('100 %', '1.6 %', '1234 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.2g} %"
