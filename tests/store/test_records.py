"""Records: nothing of a stored object is lost by reading it, and the store alone knows its keys."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import tunewise
from tunewise.core.errors import DamagedFile, DamagedStudy
from tunewise.core.files import mark_complete, write_json
from tunewise.store import records, trial_records
from tunewise.store.json_record import KEY, JSONRecord, NotARecord
from tunewise.store.records import ContenderRecord, ModelRecord, StudyRecord, TrialSettings
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job, TrialCosts, TrialResult
from tunewise.store.trials import read_record

ROOT = Path(tunewise.__file__).parent
RECORDS = [
    kind
    for module in (records, trial_records)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, JSONRecord) and kind is not JSONRecord
]
STUDY: dict[str, Any] = {  # by a newer version, by an older one, and with keys in another order
    "schema": 1,
    "seeds": [3, 4],
    "name": "rooms",
    "of a newer version": {"a": [1]},
    "metrics": ["accuracy"],
    "data": {"rows": {"train": 8}, "has_test": False, "more": None},
    "contenders": [
        {
            "name": "lora",
            "points": [
                {
                    "point": {"training.epochs": 2},
                    "settings": {"method": {"name": "lora"}, "training": {}, "max_length": 12},
                    "identity": {"x": 1},
                    "note": "kept",
                }
            ],
        }
    ],
    "models": {"bert": {"source": "bert", "revision": None, "hash": "h", "size": 3}},
}


# What is read is what was written.


def text(value: Any) -> str:
    """With the order of the keys."""
    return json.dumps(value)


def test_a_study_is_written_back_as_it_was_read() -> None:
    assert text(StudyRecord.from_json(STUDY).as_json()) == text(STUDY)


def test_a_change_keeps_every_other_key_and_its_place() -> None:
    study = StudyRecord.from_json(STUDY)
    changed = replace(study, name="flats", keep="all").as_json()
    assert text(changed) == text({**STUDY, "name": "flats", "keep": "all"})


def test_a_seed_stands_last_in_the_settings_also_where_it_is_nought() -> None:
    (contender,) = StudyRecord.from_json(STUDY).contenders
    settings = contender.points[0].settings
    assert list(settings.with_seed(0).as_json()) == ["method", "training", "max_length", "seed"]
    asked = list(TrialSettings(max_length=8).with_seed(0).as_json())
    assert asked == ["task", "data", "model", "max_length", "method", "training", "seed"]
    found = list(TrialSettings().with_max_length(8).with_seed(0).as_json())
    assert found == ["task", "data", "model", "method", "training", "max_length", "seed"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (TrialResult, {"id": "a", "error": None, "epochs": [], "best_epoch": None, "more": 1}),
        (
            TrialResult,
            {"id": "a", "epochs": [{"epoch": 1, "validation": {"loss": 0.5, "f1": None}}]},
        ),
        (TrialCosts, {"seconds": {"total": 1}, "bytes": {"peak_resident": 5, "reserved": 7}}),
        (Job, {"kind": "trial", "id": "a", "settings": {"toy": {"steps": 3}}, "promised": None}),
        (ModelRecord, {"source": ".", "revision": None}),
    ],
    ids=["result", "epochs", "costs", "job", "model"],
)
def test_records_are_written_back_as_they_were_read(kind: Any, value: dict[str, Any]) -> None:
    assert text(kind.from_json(value).as_json()) == text(value)


def test_what_an_older_version_did_not_write_is_a_default() -> None:
    study = StudyRecord.from_json({"name": "rooms", "data": None, "slices": None})
    assert (study.slices, study.data.rows, study.keep, study.plans_tests) == (
        (),
        {},
        "chosen",
        True,
    )
    assert ContenderRecord.from_json({"name": "majority"}).seeded
    assert TrialResult.from_json({"id": "a", "flags": None, "checks": None}).checks == ()


def test_what_else_a_trial_measured_is_found() -> None:
    costs = TrialCosts.from_json({"bytes": {"artefact": 1, "reserved": 7, "word": "x"}})
    assert costs.bytes.others == {"reserved": 7}


@pytest.mark.parametrize(
    "value", [{"contenders": 3}, {"contenders": [{}]}, {"models": {"bert": "h"}}, {"data": []}]
)
def test_a_study_that_is_none_is_named(tmp_path: Path, value: dict[str, Any]) -> None:
    with pytest.raises(NotARecord):
        StudyRecord.from_json(value)
    write_json(tmp_path / "study.json", {"schema": 1, "name": "rooms", **value})
    with pytest.raises(DamagedStudy, match=r"study\.json"):
        StudyFolder.open(tmp_path).study()


def test_a_result_that_is_none_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "ab12"
    write_json(folder / "result.json", {"id": "ab12", "epochs": "many"})
    mark_complete(folder)
    with pytest.raises(DamagedFile, match=r"result\.json"):
        read_record(folder)


# The store alone knows the keys.


def test_records_are_no_mappings() -> None:
    """So mypy and Python refuse a string key; what is below finds keys asked of their JSON too."""
    assert len(RECORDS) > 15
    for kind in RECORDS:
        assert not hasattr(kind, "__getitem__") and not hasattr(kind, "get"), kind


@cache
def keys_of(kind: type[JSONRecord]) -> frozenset[str]:
    return frozenset(str(f.metadata.get(KEY, f.name)) for f in fields(kind) if f.name != "read")


@cache
def held_by(kind: type[JSONRecord], name: str) -> frozenset[type[JSONRecord]]:
    """The records that a field of a record holds, or that lie in its tuple or mapping."""

    def inside(hint: Any) -> Iterator[type[JSONRecord]]:
        if hint in RECORDS:
            yield hint
        for each in get_args(hint):
            yield from inside(each)

    return frozenset(inside(get_type_hints(kind).get(name)))


GIVES: dict[
    str, set[Any]
] = {  # what is called so, or a call of it, is such a record wherever it stands
    "study": {StudyRecord},
    "result": {TrialResult},
    "costs": {TrialCosts},
}
FILES = ("study.json", "result.json", "costs.json", "STUDY", "RESULT", "COSTS")
THROUGH = ("items", "values", "copy", "get")  # methods that give what they are called on
MADE_OF = ("dict", "list", "tuple", "sorted", "zip", "enumerate", "reversed", "iter", "next")


class Reads:
    """Finds string keys of records in a function: follows a record from where it was had."""

    def __init__(self, tree: ast.AST) -> None:
        self.names: dict[str, set[Any]] = {}
        self.tree, before = tree, -1
        while before < (now := sum(map(len, self.names.values()))):
            before = now
            for node in ast.walk(tree):
                self._bind(node)

    def _bind(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                pairs = [(target, value) for target in targets]
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                pairs = [(target, value)]
            case ast.NamedExpr(target=target, value=value):
                pairs = [(target, value)]
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                pairs = [(target, value)]
            case _:
                return
        for target, value in pairs:
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                inner = list(zip(target.elts, value.elts, strict=False))
            else:
                inner = [(target, value)]
            for name, given in inner:
                for part in ast.walk(name):
                    if isinstance(part, ast.Name):
                        self.names.setdefault(part.id, set()).update(self.kinds(given))

    def kinds(self, node: ast.expr | None) -> set[Any]:
        """The records that an expression is, that it is JSON of, or that it is a collection of."""
        found: set[Any] = set()
        match node:
            case ast.Name(id=name):
                found = self.names.get(name, found)
            case ast.Attribute(value=value, attr=name):
                found = GIVES.get(name) or {
                    kind for outer in self.kinds(value) for kind in held_by(outer, name)
                }
            case ast.Call(func=ast.Name(id=("read_json" | "read_hashed")), args=args):
                named = any(word in ast.unparse(arg) for arg in args for word in FILES)
                found = set(RECORDS) if named else found
            case ast.Call(func=ast.Name(id=name), args=args) if name in MADE_OF:
                found = {kind for each in args for kind in self.kinds(each)}
            case ast.Call(func=ast.Attribute(value=value, attr="as_json")):
                found = self.kinds(value)
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                found = GIVES.get(name) or (self.kinds(value) if name in THROUGH else found)
            case ast.Subscript(value=value) | ast.Starred(value=value) | ast.NamedExpr(value=value):
                found = self.kinds(value)
            case ast.BoolOp(values=values) | ast.Dict(values=values):
                found = {kind for each in values for kind in self.kinds(each)}
            case ast.IfExp(body=one, orelse=other):
                found = self.kinds(one) | self.kinds(other)
            case ast.ListComp(elt=each) | ast.SetComp(elt=each) | ast.GeneratorExp(elt=each):
                found = self.kinds(each)
        return found

    def asked(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            match node:
                case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
                    owner = value
                case ast.Call(
                    func=ast.Attribute(value=value, attr=("get" | "pop" | "setdefault")),
                    args=[ast.Constant(value=str(key)), *_],
                ):
                    owner = value
                case ast.Compare(
                    left=ast.Constant(value=str(key)),
                    ops=[ast.In() | ast.NotIn()],
                    comparators=[value],
                ):
                    owner = value
                case _:
                    continue
            if any(key in keys_of(kind) for kind in self.kinds(owner)):
                yield ast.unparse(node)


def keys_in(code: str) -> list[str]:
    tree = ast.parse(code)
    inside: list[ast.AST] = [
        n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    return list(dict.fromkeys(key for part in inside or [tree] for key in Reads(part).asked()))


def test_nothing_outside_the_store_reads_a_record_by_its_keys() -> None:
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in sorted(ROOT.rglob("*.py"))
        if path.relative_to(ROOT).parts[0] != "store"
        if (found := keys_in(path.read_text(encoding="utf-8")))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "code",
    [
        'seeds = folder.study()["seeds"]',
        'study = folder.study()\nfirst = study["metrics"][0]',
        'for row in study_folder.study()["contenders"]:\n    row["name"]',
        'evidence.study.get("require")',
        'rows = [row.get("features") for row in prepared.study.contenders]',
        'costs = [trial.record.costs for trial in trials]\nc = [one["bytes"] for one in costs]',
        'trial.record.result.get("checks")',
        'if "memory" in record.costs:\n    pass',
        'result = trial.record.result\nfailed = {c["name"] for c in result.checks}',
        'written = trial.record.result.as_json()\nid = written["id"]',
        'model = record.result.settings.as_json().get("model") or {}',
        'name = record.result.settings["method"]',
        'made = {**record.result}\nmade["status"] = "done"',
        'found = read_json(folder / "result.json")\nfound["metrics"]',
        'study, records = folder.study(), folder.records()\nstudy["keep"]',
        'def say() -> None:\n    for name, m in evidence.study.models.items():\n        m["hash"]',
    ],
)
def test_a_key_of_a_record_would_be_found(code: str) -> None:
    assert keys_in(code) != []


@pytest.mark.parametrize(
    "code",
    [
        'evidence.study.task.get("kind")',
        'point.settings.training["epochs"]',
        'contender.settings.get("inputs")',
        'evidence.study.settings.get("training")',
        'record.costs.environment["torch"]',
        'answer = read_json(path)\nanswer["seconds"]',
    ],
)
def test_settings_and_other_files_may_be_read_by_their_keys(code: str) -> None:
    assert keys_in(code) == []


def test_a_word_is_one_class() -> None:
    defined = Counter(
        node.name
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    words = ("Contender", "Point", "Trial", "Finding", "Job")
    assert {word: defined[word] for word in words} == dict.fromkeys(words, 1)
