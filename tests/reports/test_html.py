from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from altair.utils.schemapi import validate_jsonschema
from altair.vegalite.v6.schema.core import load_schema
from jsonschema import ValidationError
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import Plan
from tests.reports.hostile import HOSTILE

from tunewise.core.cache import FOLDER as CACHE
from tunewise.reports.document.palette import DARK, LIGHT
from tunewise.reports.outputs.page import embedded_json, vega_bundle

MOST_BYTES = 3_000_000


class Tags(HTMLParser):
    """Which elements a page has, with their attributes, and the text of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

        self.inside = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts[-1] += data


@cache
def parsed(page: str) -> Tags:
    """Parsed once: a page is a megabyte."""
    return Tags(page)


def test_there_are_sixty_hostile_strings() -> None:
    assert len(set(HOSTILE)) == 60


def test_the_page_is_one_file_that_asks_for_nothing(rooms: Seen) -> None:
    page = rooms.html
    assert len(page.encode()) < MOST_BYTES
    for tag, attributes in parsed(page).tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        assert "src" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")


def test_the_policy_names_exactly_the_scripts_of_the_page(rooms: Seen) -> None:
    found = parsed(rooms.html)
    policy = next(
        a["content"] for t, a in found.tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    data, *scripts = found.scripts
    assert json.loads(data)
    hashes = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == hashes
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy


def test_hostile_texts_add_no_element(hostile: Seen) -> None:
    tags = parsed(hostile.html).tags
    assert not {tag for tag, _ in tags} & {
        "img",
        "iframe",
        "object",
        "form",
        "base",
        "link",
        "math",
    }
    assert sum(tag == "script" for tag, _ in tags) == 3
    assert sum(tag == "style" for tag, _ in tags) == 1
    assert not any(name.startswith("on") for _, attrs in tags for name in attrs)


def test_no_control_character_reaches_the_page(hostile: Seen) -> None:
    before = hostile.html.split('<script type="application/json"')[0]
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", before
    )


def test_a_long_text_is_cut_and_its_length_reported(hostile: Seen) -> None:
    page = hostile.html
    assert "W" * 2000 not in page


def test_the_data_block_ends_nowhere_but_at_its_end() -> None:
    value = {"texts": list(HOSTILE), "lone": "\ud800"}
    text = embedded_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value


def test_the_bundle_holds_vegas_interpreter_and_no_end_of_a_script() -> None:
    assert "expressionInterpreter" in vega_bundle()
    assert "</script" not in vega_bundle().lower()


def test_every_contender_has_one_color_in_light_and_one_in_dark() -> None:
    assert len(set(LIGHT)) == len(LIGHT) == len(DARK) == len(set(DARK))


def specs(seen: Seen) -> dict[str, dict[str, Any]]:
    return {chart.key: chart.spec for chart in seen.charts}


def test_charts_are_drawn_for_everything_the_study_has(rooms: Seen) -> None:
    assert list(specs(rooms)) == [
        "test-accuracy",
        "both-splits-accuracy",
        "validation-metrics",
        "differences",
        "confusion",
        "loss-by-epoch",
        "validation-accuracy-by-epoch",
        "training-loss-by-epoch",
        "quality-parameters",
        "quality-memory",
        "quality-time",
        "parameters",
        "loss-by-learning-rate",
        "accuracy-by-learning-rate",
        "search-best-of-points",
    ]


def test_charts_are_what_vega_lite_allows(rooms: Seen, hostile: Seen) -> None:
    schema = load_schema()  # the whole of it; `Chart.from_dict` tries its parts one by one
    for spec in [*specs(rooms).values(), *specs(hostile).values()]:
        validate_jsonschema(spec, schema)  # raises where the schema is not met
    with pytest.raises(ValidationError):
        validate_jsonschema({**specs(rooms)["confusion"], "mark": "barr"}, schema)


def test_names_never_enter_an_expression(hostile: Seen) -> None:
    def expressions(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [v for k, v in value.items() if k in {"expr", "test", "labelExpr", "calculate"}]
            return [str(v) for v in own] + [e for v in value.values() for e in expressions(v)]
        return [e for v in value for e in expressions(v)] if isinstance(value, list) else []

    found = {e for spec in specs(hostile).values() for e in expressions(spec)}
    assert found == {"picked === '' || datum.name === picked"}


def test_a_study_without_results_still_has_a_page(tmp_path: Path) -> None:
    page = look(tmp_path / "s", Plan(ran=False)).html
    assert "No contender has a result yet." in page


def test_the_page_states_where_validation_loss_turns(rooms: Seen) -> None:
    assert "Validation loss turns after epoch 4 for lora rank=16 and full; it is still at its " in (
        " ".join(rooms.html.split())
    )


def test_pairs_of_texts_are_shown_with_their_columns(tmp_path: Path) -> None:
    page = look(tmp_path / "s", Plan(pair=True, seeds=(0,))).html
    assert "Would you stay again?" in page
    assert '<span class="column">question</span>' in page


class Bundler:
    """Stands for the library that puts the script together, which takes seconds."""

    def __init__(self) -> None:
        self.made = 0

    def get_vegalite_versions(self) -> list[str]:
        return ["6.1", "6.4"]

    def javascript_bundle(self, *_: object) -> str:
        self.made += 1
        return "script()"


def test_the_script_is_made_once_and_again_where_it_was_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundler, fresh = Bundler(), vega_bundle.__wrapped__
    monkeypatch.setattr("tunewise.reports.outputs.page.vl_convert", bundler)
    monkeypatch.setenv(CACHE, str(tmp_path))
    assert (fresh(), fresh(), bundler.made) == ("script()", "script()", 1)
    [kept] = tmp_path.rglob("vega-*.json")
    for content in (kept.read_text().replace("script()", "other()"), "{}", "["):
        kept.write_text(content)
        made = bundler.made
        assert (fresh(), bundler.made) == ("script()", made + 1)
