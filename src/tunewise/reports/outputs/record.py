"""Results and verdict as plain values: what `evaluation_results.json` holds.

Whatever was measured (times, bytes, hosts, and words that rest on them) stands under keys named
``measured``. Everything else is a function of the study, so two runs of one study give the same
bytes once those keys are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tunewise.analysis.comparability.finding import Finding
from tunewise.analysis.facts import Facts
from tunewise.analysis.prompts.expert_form import expert_answers
from tunewise.analysis.prompts.forms import changes
from tunewise.analysis.results import Row
from tunewise.analysis.tuning.searching import best_of, tried
from tunewise.core.canonical import JSONObject

SCHEMA = 1  # of `evaluation_results.schema.json`, which lies beside this file
OF_A_ROW = (
    *("name", "model", "method", "settings", "status"),
    *("error", "chosen", "learning_rate", "seeds"),
)
MEASURED_OF_A_VERDICT = ("fastest", "leanest", "cost", "within", "fairness")


def record(facts: Facts) -> JSONObject:
    """Everything a program may want to know, as JSON values without NaN."""
    study, results, judged = facts.evidence.study, facts.results, asdict(facts.verdict)
    measured = {name: judged.pop(name) for name in MEASURED_OF_A_VERDICT}
    models = {name: model.as_json() for name, model in study.models.items()}
    content = {
        "schema": SCHEMA,
        "study": results.study,
        "split": results.split,
        "metric": results.metric,
        "metrics": results.metrics,
        "items": results.items,
        "seeds": results.seeds_planned,
        "pairs_counted": results.pairs_counted,
        "data": {"hash": study.data.hash, "models": models},
        "contenders": [
            {
                **{name: getattr(row, name) for name in OF_A_ROW},
                "validation": _scores(row, "validation"),
                "test": _scores(row, "test"),
                "standing": row.standing,
                "flags": row.flags,
                "to_best": asdict(row.to_best) if row.to_best else None,
                "parameters": asdict(row.parameters) if row.parameters else None,
                "measured": asdict(row.measured),
            }
            for row in results.rows
        ],
        "verdict": {**judged, "measured": measured},
        **({} if study.elsewhere is None else {"assumed": study.elsewhere}),
        **({"race": asdict(facts.race)} if facts.race else {}),
        **_written(facts),
        **_prompted(facts),
        "fairness": _fairness(facts.comparability),
        "searches": [
            {
                "contender": contender.name,
                "settings": contender.searched,
                "points": [asdict(point) for point in tried(contender, facts.evidence.headline)],
                "expected_best": best_of(contender, facts.evidence.headline),
            }
            for contender in facts.evidence.searched
        ],
        "slices": asdict(facts.sliced) if facts.sliced else None,
        "learning": {
            name: {"lowest_epoch": epoch, "rose": rose}
            for name, (epoch, rose) in facts.lowest_losses.items()
        },
        "below_the_obvious": [asdict(one) for one in facts.below_the_obvious],
        "measured": {"environment": study.environment},
    }
    return dict(finite(content))


def _written(facts: Facts) -> JSONObject:
    """Ways of decoding and kinds of failure, where answers were written."""
    if not facts.decoded:
        return {}
    wrong = {one.contender: asdict(one) for one in facts.wrong_answers}
    for one in wrong.values():
        del one["contender"], one["position"]
    return {"decoding": list(map(asdict, facts.decoded)), "wrong_answers": wrong}


def _prompted(facts: Facts) -> JSONObject:
    """What the form of the prompt changed, where a model was prompted."""
    if facts.prompts is None:
        return {}
    prompting = {
        "forms": list(map(asdict, facts.prompt_forms)),
        "expert": list(map(asdict, facts.expert_form)),
        "says": [*changes(facts.prompts), *expert_answers(facts.expert_form)],
    }
    return {"prompting": prompting}


def _scores(row: Row, split: str) -> JSONObject:
    return {
        metric: {
            "mean": spread.mean,
            "sd": spread.sd,
            "values": spread.values,
            "interval": row.intervals.get((split, metric)),
        }
        for metric, spread in row.scores(split).items()
    }


def _fairness(findings: Sequence[Finding]) -> JSONObject:
    """What was found in the study itself, and apart from it what was found in measurements."""
    plain = [{**asdict(one), "values": dict(one.values)} for one in findings]
    measured = [one for one in plain if one.pop("measured")]
    found = [one for one in plain if one not in measured]
    return {"findings": found, "measured": {"findings": measured}}


def finite(value: Any) -> Any:
    """The same with lists for tuples, texts for keys, and None for numbers JSON does not know."""
    if isinstance(value, dict):
        return {str(key): finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
