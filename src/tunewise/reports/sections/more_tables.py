"""Tables of costs, search points, findings, settings and slices."""

from __future__ import annotations

from tunewise.reports.document import Cell, Table
from tunewise.reports.facts.comparability.checks import fairness
from tunewise.reports.facts.comparability.finding import value_words
from tunewise.reports.facts.costs import costs_of
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.factors import factors
from tunewise.reports.facts.phases import HELD, TIMED, phases_of
from tunewise.reports.facts.question_types import by_type
from tunewise.reports.facts.results import Results
from tunewise.reports.facts.searching import tried
from tunewise.reports.facts.setting_differences import settings_apart
from tunewise.reports.facts.slices import sliced


def more_tables(evidence: Evidence, results: Results) -> list[Table]:
    """Every table that needs more than the rows; one without content is left out."""
    made = [
        costs(evidence, results),
        _search(evidence),
        _fairness(evidence),
        _effects(evidence),
        _phases(evidence, results),
        _settings(evidence, results),
        _slices(evidence, results),
        _types(evidence, results),
    ]
    return [table for table in made if table.rows or table.key == "costs"]


def costs(evidence: Evidence, results: Results) -> Table:
    """Parameters, what was measured, and next to it what was scored."""
    rows = costs_of(evidence, results)
    more = list(dict.fromkeys(name for cost in rows for name in cost.more_bytes))
    scored = list(dict.fromkeys(m for row in results.rows for m in row.scores(results.split)))
    header = (
        "contender",
        "parameters",
        "trained",
        "reduction factor",
        "seconds a trial",
        "seconds in all",
        "peak bytes",
        *(f"{name.replace('_', ' ')} bytes" for name in more),
        "artefact bytes",
        *(f"{results.split} {metric}" for metric in scored),
    )
    cells: list[tuple[Cell, ...]] = []
    for cost in rows:
        row, counted = cost.row, cost.row.parameters
        spreads = [row.scores(results.split).get(metric) for metric in scored]
        cells.append(
            (
                row.name,
                counted.total if counted else None,
                counted.trainable if counted else None,
                cost.reduction,
                row.measured.seconds,
                row.measured.seconds_all,
                row.measured.peak_bytes,
                *(cost.more_bytes.get(name) for name in more),
                row.measured.artefact_bytes,
                *(spread.mean if spread else None for spread in spreads),
            )
        )
    return Table("costs", "Trained numbers, measured costs, scores", header, tuple(cells))


def _search(evidence: Evidence) -> Table:
    metric = evidence.headline
    rows: list[tuple[Cell, ...]] = [
        (
            contender.name,
            ", ".join(f"{key} = {value_words(value)}" for key, value in point.values.items()),
            point.score,
            point.status,
            "chosen" if point.chosen else None,
            ", ".join(point.edges) or None,
        )
        for contender in evidence.contenders
        if len(contender.points) > 1
        for point in tried(contender, metric)
    ]
    header = ("contender", "point", f"validation {metric}", "status", "chosen", "edge")
    return Table("search", "Search points, best first", header, tuple(rows))


def _fairness(evidence: Evidence) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (one.severity, one.kind, one.says, one.todo, ", ".join(one.rows))
        for one in fairness(evidence)
    ]
    header = ("severity", "kind", "finding", "what to do", "contenders")
    return Table("fairness", "What differs beside the method", header, tuple(rows))


def _effects(evidence: Evidence) -> Table:
    header = (
        *("method", "setting", "from", "to", "split", "searched", "pairs", "difference"),
        *("items low", "items high", "method low", "method high", "method p"),
    )
    rows: list[tuple[Cell, ...]] = []
    for one in factors(evidence):
        effect = one.effect
        rows.append(
            (
                one.method,
                one.setting,
                value_words(one.first),
                value_words(one.value),
                one.split,
                "yes" if one.searched else "no",
                effect.pairs,
                effect.difference,
                *(effect.items or (None, None)),
                *(effect.method or (None, None)),
                effect.p_adjusted,
            )
        )
    return Table("effects", "Effects of single settings", header, tuple(rows))


def _phases(evidence: Evidence, results: Results) -> Table:
    header = (
        "contender",
        *(f"{part} bytes" for part in HELD),
        "peak bytes",
        "peak phase",
        *(f"{part} seconds" for part in TIMED),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            one.name,
            *(one.held.get(part) for part in HELD),
            one.peak,
            one.peak_phase,
            *(one.seconds.get(part) for part in TIMED),
        )
        for one in phases_of(evidence, results)
    ]
    title = "Memory by what holds it, and seconds of a step by phase"
    return Table("phases", title, header, tuple(rows))


def _settings(evidence: Evidence, results: Results) -> Table:
    names = [row.name for row in results.rows]
    rows: list[tuple[Cell, ...]] = [
        (one.path, *(one.values[name] for name in names)) for one in settings_apart(evidence)
    ]
    return Table("settings", "Settings in which rows differ", ("setting", *names), tuple(rows))


def _slices(evidence: Evidence, results: Results) -> Table:
    found = sliced(evidence, results)
    rows: list[tuple[Cell, ...]] = []
    for one in found.slices if found else ():
        for score in one.scores:
            low, high = score.interval or (None, None)
            rows.append((one.column, one.value, one.items, score.name, score.mean, low, high))
    metric = found.metric if found else ""
    header = ("column", "slice", "items", "contender", metric, "low", "high")
    return Table("slices", "Scores by slice", header, tuple(rows))


def _types(evidence: Evidence, results: Results) -> Table:
    """Every type of question: counts in each split, scores, and the paired test of its slice."""
    found = sliced(evidence, results)
    types = by_type(evidence, found)
    names = [score.name for score in found.slices[0].scores] if found and found.slices else []
    rows: list[tuple[Cell, ...]] = []
    for row in types.rows if types else ():
        scores = [row.slice.score(name) if row.slice else None for name in names]
        test, gap = (row.slice.test, row.slice.difference) if row.slice else (None, None)
        rows.append(
            (
                row.name,
                *row.counts,
                *(score.mean if score else None for score in scores),
                round(gap, 12) if gap is not None else None,
                test.p_adjusted if test else None,
            )
        )
    pair = f"{found.best} minus {found.second}" if found and found.second else "difference"
    splits = types.splits if types else ()
    header = ("type", *splits, *names, pair, "p")
    return Table("question-types", "Types of questions", header, tuple(rows))
