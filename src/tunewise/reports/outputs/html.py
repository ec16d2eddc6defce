"""The report as one HTML file that needs no network and trusts nothing that came with the data.

Dataset texts, labels and names are hostile until shown otherwise: Jinja escapes every value, the
charts' data is JSON in which no tag can end, and the page's own policy lets only the two scripts
below run, known by their hashes, with no `eval` (Vega reads its expressions itself).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tunewise.core import format
from tunewise.core.sanitize import shortened, shown, visible
from tunewise.reports.charts.drawing import Chart
from tunewise.reports.charts.palette import THEMES, colour, dark_colour, to_dark
from tunewise.reports.facts import wording as words
from tunewise.reports.facts.comparability.checks import fairness
from tunewise.reports.facts.comparability.finding import value_words
from tunewise.reports.facts.costs import costs_of
from tunewise.reports.facts.disagreements import disagreements
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.factors import factors
from tunewise.reports.facts.generated_answers import decoded, failures
from tunewise.reports.facts.page import page
from tunewise.reports.facts.phases import HELD, TIMED, phases_of
from tunewise.reports.facts.prompts.expert_form import expert_against, expert_answers
from tunewise.reports.facts.prompts.forms import changes, forms
from tunewise.reports.facts.prompts.side_by_side import side_by_side
from tunewise.reports.facts.question_types import by_type
from tunewise.reports.facts.results import Results
from tunewise.reports.facts.searching import tried
from tunewise.reports.facts.setting_differences import commands, settings_apart
from tunewise.reports.facts.slices import sliced
from tunewise.reports.facts.verdict.verdict import Verdict
from tunewise.statistics.failures import KINDS

TEMPLATES = Path(__file__).parent / "templates"
LONGEST_TEXT = 1200  # characters of an item or an error that the page shows
MOST_ASKED = 40  # items whose prompts the page sets side by side


def html(evidence: Evidence, results: Results, verdict: Verdict, drawings: Sequence[Chart]) -> str:
    """The whole report as the text of one file."""
    slices = sliced(evidence, results)
    types = by_type(evidence, slices)
    bundle, script = vega_bundle(), _ours("report.js")
    asked = side_by_side(evidence)
    against = expert_against(evidence, asked) if asked else []
    content: dict[str, Any] = {
        "page": page(evidence, results),
        "results": results,
        "verdict": verdict,
        "charts": {chart.key: chart for chart in drawings},
        "groups": _groups(drawings),
        "disagreements": disagreements(evidence),
        "decoded": decoded(evidence),
        "wrong": failures(evidence),
        "kinds": KINDS,
        "asked": asked,
        "asked_items": asked.most_telling(MOST_ASKED) if asked else [],
        "forms": forms(asked) if asked else [],
        "said_of_forms": [*(changes(asked) if asked else []), *expert_answers(against)],
        "against": against,
        "findings": fairness(evidence),
        "costs": costs_of(evidence, results),
        "phases": phases_of(evidence, results),
        "held": HELD,
        "timed": TIMED,
        "effects": factors(evidence),
        "searched": [
            (contender, tried(contender, evidence.headline))
            for contender in evidence.contenders
            if len(contender.points) > 1
        ],
        "sliced": slices,
        "types": types,
        "names": [row.name for row in results.rows],
        "apart": settings_apart(evidence),
        "commands": commands(evidence),
        "policy": policy(bundle, script),
        "css": Markup(_ours("report.css")),
        "bundle": Markup(bundle),
        "script": Markup(script),
        "data": Markup(embedded_json(_chart_data(drawings))),
    }
    return _environment().get_template("report.html.j2").render(content)


def embedded_json(value: Any) -> str:
    r"""JSON that is safe inside a script element: no tag, comment or entity can begin in it.

    >>> embedded_json({"text": "</script>&"})
    '{"text": "\\u003c/script\\u003e\\u0026"}'
    """
    text = json.dumps(value, allow_nan=False)  # ASCII: line separators and lone halves are escaped
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def policy(*scripts: str) -> str:
    """A content security policy under which only these inline scripts run."""
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; img-src data:; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )


def vega_version() -> str:
    """The version of Vega-Lite that altair's descriptions are written for, such as ``6.1``."""
    return ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


@cache
def vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; Vega-Embed brings Vega's interpreter along."""
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vega_version())
    for ending in ("</script", "<!--"):
        if ending in bundle.lower():
            raise ValueError(f"the Vega bundle contains {ending!r} and cannot stand in a page")
    return bundle


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _ours(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _groups(drawings: Sequence[Chart]) -> dict[str, list[Chart]]:
    """The charts of each section, in order; a section may have none."""
    sections = (
        *("difference", "scores", "learning", "cost", "tradeoff", "search", "slices"),
        "decoding",
    )
    return {name: [chart for chart in drawings if chart.group == name] for name in sections}


def _chart_data(drawings: Sequence[Chart]) -> dict[str, Any]:
    return {
        "specs": {chart.key: chart.spec for chart in drawings},
        "themes": THEMES,
        "dark": to_dark(),
    }


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )
    environment.filters.update(
        shown=shown,
        shortened=lambda text, most=LONGEST_TEXT: shortened(text, most),
        colour=colour,
        dark_colour=dark_colour,
        percent=format.percent,
        points=format.points,
        probability=format.probability,
        count=format.count,
        value=value_words,
        duration=format.duration,
        size=format.size,
        metric=words.metric_name,
        said=words.metric_said,
        split=words.split_name,
        setting=words.setting_said,
        interval=format.interval,
        milliseconds=format.milliseconds,
    )
    return environment


def _seen(value: Any) -> Any:
    """Make control characters visible in every text that enters the page, the page's own aside."""
    return visible(value) if type(value) is str else value
