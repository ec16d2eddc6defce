"""From stored answers to statistics: which rows are compared, on what, by which metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunewise.analysis.evidence import Contender, Evidence
from tunewise.core.errors import DamagedFile
from tunewise.statistics.comparison import Comparison, Family, compare
from tunewise.statistics.intervals import Interval
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.score_matrix import RowScores, group_by_examples
from tunewise.statistics.scores_alone import ScoresAlone, compare_scores, interval_alone
from tunewise.statistics.summary import summarize
from tunewise.store.answers import row_scores

LEVEL = 0.95
RESAMPLES_BESIDE = 2000  # for intervals beside the headline, which no claim rests on


def comparison(evidence: Evidence) -> Comparison | None:
    """The headline metric on the deciding split; None while no contender has answered.

    The draws start from a fixed seed, so the same study always gives the same numbers.
    """
    rows = answered(evidence.contenders, evidence.split)
    if not rows:
        alone = scores_alone(evidence)
        return compare_scores(alone, METRICS[evidence.headline], level=LEVEL) if alone else None
    family: Family = "to-best"
    if not isinstance(declared := evidence.study.family, str):  # as far as both have answered
        present = {row.name for row in rows}
        family = [(one, other) for one, other in declared if {one, other} <= present]
    return compare(
        rows,
        evidence.headline,
        rng=np.random.default_rng(0),
        family=family,
        equivalence_margin=evidence.study.equivalence_margin,
        level=LEVEL,
    )


def intervals(evidence: Evidence) -> dict[str, dict[tuple[str, str], Interval]]:
    """Each contender's intervals over examples by split and metric, where they can be computed."""
    found: dict[str, dict[tuple[str, str], Interval]] = {name: {} for name in evidence.by_name}
    for alone in scores_alone(evidence):
        if interval := interval_alone(alone, METRICS[evidence.headline], level=LEVEL):
            found[alone.name][evidence.split, evidence.headline] = interval
    for split in ("validation", "test"):
        rows = answered(evidence.contenders, split)
        for name in evidence.metrics if rows else ():
            metric, rng = METRICS[name], np.random.default_rng(0)
            # Of right and wrong the interval is Wilson's, and nothing has to be drawn.
            resamples = 0 if metric.kind == "proportion" else RESAMPLES_BESIDE
            for group in group_by_examples(rows, metric, rng=rng, resamples=resamples):
                for row in group.rows:
                    interval = summarize(row, group, metric, level=LEVEL).items_interval
                    if interval is not None:
                        found[row.name][split, name] = interval
    return found


def scores_alone(evidence: Evidence) -> list[ScoresAlone]:
    """The scores of runs that were made elsewhere, and of which nothing more is known."""
    if evidence.study.elsewhere is None:
        return []
    found, split = [], evidence.split
    for one in evidence.contenders:
        if one.finished and not one.answers(split):
            values = {trial.seed: trial.metrics(split)[evidence.headline] for trial in one.finished}
            scores = {seed: value for seed, value in values.items() if value is not None}
            found.append(ScoresAlone(one.name, scores, evidence.data.rows.get(split)))
    return found


def answered(contenders: Sequence[Contender], split: str) -> list[RowScores]:
    """The answers of every contender that has some on this split, seed by seed.

    Raises:
        DamagedFile: the seeds of a contender answered different examples.
    """
    found = []
    for contender in contenders:
        runs = contender.answers(split)
        if not runs:
            continue
        row = row_scores(contender.name, runs, seeded=contender.described.seeded)
        if odd := [seed for seed, run in runs.items() if run.ids != row.ids]:
            raise DamagedFile(
                f"{row.name}: the answers of seed {odd[0]} on {split} are about other examples "
                "than those of its other seeds."
            )
        found.append(row)
    return found
