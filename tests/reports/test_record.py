from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Plan

import tunewise.reports
from tunewise.reports.outputs.record import SCHEMA, record

SHIPPED = Path(tunewise.reports.__file__).with_name("evaluation_results.schema.json")
SHAPE = json.loads(SHIPPED.read_text(encoding="utf-8"))


def plain(seen: Seen) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(record(seen.facts), allow_nan=False))
    return content


def test_the_schema_is_sound_and_states_the_version() -> None:
    jsonschema.Draft202012Validator.check_schema(SHAPE)
    assert SHAPE["properties"]["schema"]["const"] == SCHEMA
    assert SHAPE["$id"].endswith(f":{SCHEMA}")


def test_records_of_every_kind_of_study_fit(rooms: Seen, hostile: Seen, tmp_path: Path) -> None:
    limited = Plan(seeds=(0, 1), epochs=1, require={"artefact": 1000.0, "accuracy": 0.99})
    seen = [
        rooms,
        hostile,
        look(tmp_path / "empty", Plan(ran=False)),
        look(tmp_path / "no test", Plan(has_test=False, seeds=(0,))),
        look(tmp_path / "limited", limited),
        look(tmp_path / "single", Plan(contenders=CONTENDERS[:1])),
    ]
    for one in seen:
        jsonschema.validate(plain(one), SHAPE)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda content: content.pop("fairness"),
        lambda content: content["verdict"].pop("best"),
        lambda content: content["contenders"][0].update(standing="first"),
        lambda content: content["contenders"][0]["test"]["accuracy"].update(mean="high"),
        lambda content: content["searches"][0]["points"][0].pop("score"),
        lambda content: content["fairness"]["findings"][0].update(severity="grave"),
        lambda content: content.update(schema=2),
    ],
)
def test_the_schema_refuses_what_is_no_record(rooms: Seen, break_it: Any) -> None:
    content = copy.deepcopy(plain(rooms))
    break_it(content)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, SHAPE)


def test_where_validation_loss_turns_is_data_too(rooms: Seen) -> None:
    learning = plain(rooms)["learning"]
    assert learning["full"] == {"lowest_epoch": 4.0, "rose": True}
    assert not learning["head"]["rose"]
