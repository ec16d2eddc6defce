"""The report as one HTML file that needs no network and trusts nothing that came with the data.

Dataset texts, labels and names are hostile until shown otherwise: the renderer and the template
escape every value, the charts' data is JSON in which no tag can end, and the page's own policy lets
only the two scripts below run, known by their hashes, with no `eval` (Vega reads its expressions
itself).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tunewise.analysis.facts import Facts
from tunewise.analysis.results import examples_words
from tunewise.core.cache import cache_folder
from tunewise.core.errors import DamagedFile
from tunewise.core.files import read_hashed, write_hashed
from tunewise.core.format import plural
from tunewise.core.sanitize import shown
from tunewise.reports.document.html import section_html
from tunewise.reports.document.model import Section, figures, sections_for
from tunewise.reports.document.palette import THEMES, color, dark_color, to_dark

TEMPLATES = Path(__file__).parent / "templates"


def page(facts: Facts, sections: Sequence[Section]) -> str:
    """The whole report as the text of one file."""
    parts = sections_for(sections, "html")
    drawn = {figure.key: figure.spec for figure in figures(parts)}
    bundle, script = vega_bundle(), _ours("report.js")
    elsewhere = facts.evidence.study.elsewhere is not None
    results = facts.results
    trials = sum(len(contender.trials) for contender in facts.evidence.contenders)
    seeds = plural(len(results.seeds_planned), "seed")
    if facts.race is not None:  # a budget decides how many
        most = max((len(row.seeds) for row in results.rows), default=0)
        seeds = plural(most, "seed") if most < 2 else f"up to {plural(most, 'seed')}"
    content: dict[str, Any] = {
        "title": facts.evidence.name,
        "lead": (
            f"{plural(len(results.rows), 'contender')}, {seeds}, {trials} trials; scored on "
            f"{examples_words(results)}."
        ),
        "finished": facts.verdict.finished,
        "source": "runs that other programs made" if elsewhere else "the study folder alone",
        "contents": [(part.key, part.title) for part in parts],
        "sections": [section_html(part) for part in parts],
        "drawn": bool(drawn),
        "rows": [row for row in facts.results.rows if row.validation or row.parameters],
        "policy": policy(bundle, script),
        "css": Markup(_ours("report.css")),
        "bundle": Markup(bundle),
        "script": Markup(script),
        "data": Markup(embedded_json({"specs": drawn, "themes": THEMES, "dark": to_dark()})),
    }
    return environment().get_template("report.html.j2").render(content)


def environment() -> Environment:
    """Templates in which every value is escaped, and a missing one is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(shown=shown, color=color, dark_color=dark_color)
    return made


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
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; img-src data:; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )


def vega_version() -> str:
    """The version of Vega-Lite that charts are drawn by, such as ``6.4``: the newest there is."""
    versions: list[str] = vl_convert.get_vegalite_versions()
    return versions[-1]


@cache
def vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; Vega-Embed brings Vega's interpreter along.

    Putting it together takes seconds and depends on the library alone, so it lies in the user's
    cache from the first report on, with its hash: what is not as it was written is made again.
    """
    of = f"{version('vl-convert-python')}-{vega_version()}"
    path = cache_folder() / "scripts" / f"vega-{of}.json"
    with suppress(OSError, DamagedFile, KeyError):
        return str(read_hashed(path)["script"])
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vega_version())
    for ending in ("</script", "<!--"):
        if ending in bundle.lower():
            raise ValueError(f"the Vega bundle contains {ending!r} and cannot stand in a page")
    with suppress(OSError):
        write_hashed(path, {"script": bundle})
    return bundle


def _ours(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
