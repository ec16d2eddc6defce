"""The rooms and who may enter them: the table of the design, checked against every import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tunewise

ROOT = Path(tunewise.__file__).parent
ROOMS = (  # each may import itself and the rooms named behind it
    ("core", ""),
    ("foundations", "core"),
    ("statistics", "core"),
    ("store", "core statistics"),
    ("costs", "core store"),
    ("data", "core store"),
    ("backbones", "core"),
    ("decoding", "core backbones"),
    ("methods", "core statistics data backbones decoding"),
    ("tasks", "core statistics data backbones decoding"),
    ("training", "core foundations statistics store costs data backbones decoding methods tasks"),
    ("export", "core statistics store costs data backbones decoding methods tasks training"),
    ("studyfile", "core statistics store data backbones methods tasks training"),
    (
        "studies",
        "core statistics store costs data backbones methods tasks training export studyfile",
    ),
    (
        "estimate",
        "core store costs data backbones decoding methods tasks training studyfile studies",
    ),
    ("analysis", "core statistics store"),
    ("reports", "core statistics store analysis"),
    ("judging", "core statistics store data analysis reports"),
    ("trackers", "core statistics store analysis"),
    ("cli", None),
)
SUBROOMS = {  # each may import itself and those before it; flat files of the room lie below them
    "data": ("embedded_world", "readers", "audit", "cleaning", "first_look"),
    "reports": ("document", "charts", "sections", "outputs"),
    "training": ("ranks", "checks", "trial", "together"),
}
FOLDERS = (
    "analysis",
    "data",
    "estimate",
    "export",
    "judging",
    "reports",
    "studies",
    "studyfile",
    "training",
)
MOST_FILES = 22  # of one level: a newcomer takes them in at one glance
NO_TORCH = ("core", "statistics", "store", "data", "analysis", "reports", "judging", "trackers")
HEAVY = {"torch", "transformers", "peft", "safetensors"}
TOP = {
    "api",
    "notebook",
    "results",
    "runner",
    "shortlisted",
    "trained",
    "worker",
    "__main__",
    "__init__",
}  # files beside the rooms


def files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> list[str]:
    """Every module a file imports, wherever in it, but not for type checking alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize(("room", "open_to"), [row for row in ROOMS if row[1] is not None])
def test_a_room_imports_only_from_the_rooms_below_it(room: str, open_to: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(room)
        for name in imported(path)
        if name.startswith("tunewise.")
        and name.split(".")[1] not in (room, *open_to.split(), "__version__")
    ]
    assert wrong == []


@pytest.mark.parametrize(("room", "order"), SUBROOMS.items())
def test_the_rooms_of_a_room_import_downwards(room: str, order: tuple[str, ...]) -> None:
    place = {name: number for number, name in enumerate(order)}
    wrong = []
    for path in files(room):
        mine = place.get(path.relative_to(ROOT / room).parts[0].removesuffix(".py"))
        if mine is None:
            continue
        for name in imported(path):
            parts = name.split(".")
            if parts[:2] == ["tunewise", room] and place.get(parts[2], -1) > mine:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


@pytest.mark.parametrize("room", FOLDERS)
def test_a_folder_is_taken_in_at_one_glance(room: str) -> None:
    folders = [ROOT / room, *(path for path in (ROOT / room).rglob("*") if path.is_dir())]
    counted = {
        str(folder.relative_to(ROOT)): len(
            [p for p in folder.glob("*.py") if p.name != "__init__.py"]
        )
        for folder in folders
    }
    assert {folder: n for folder, n in counted.items() if n > MOST_FILES} == {}


@pytest.mark.parametrize("room", NO_TORCH)
def test_some_rooms_never_load_torch(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(room)
        for name in imported(path)
        if name.split(".")[0] in HEAVY
    ]
    assert wrong == []


def test_nothing_is_imported_inside_a_function() -> None:
    wrong = []
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                inside = [n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
                wrong += [f"{path.relative_to(ROOT)}:{n.lineno}" for n in inside]
    assert wrong == []


def test_every_folder_is_a_room_and_every_room_says_its_subject() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == {room for room, _ in ROOMS}
    assert {path.stem for path in ROOT.glob("*.py")} == TOP
    for room, _ in ROOMS:
        tree = ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{room} does not say what it is for"


def test_what_only_reads_never_loads_torch() -> None:
    _loads_nothing_heavy(
        "import tunewise",
        "import tunewise.cli.main",
        "import tunewise.cli.status, tunewise.studies.jobs",
        "import tunewise.cli.results",
        "import tunewise.cli.report",
        "import tunewise.cli.schema",
        "import tunewise.cli.track",
        "import tunewise.cli.env",
        "import tunewise.cli.judge",
        "import tunewise.cli.init",
        "import tunewise; tunewise.open",
    )


def test_what_runs_a_study_starts_the_worker_before_it_loads_torch() -> None:
    """Both then load it side by side."""
    _loads_nothing_heavy(*(f"import tunewise.cli.{name}" for name in ("run", "demo", "train")))


def _loads_nothing_heavy(*codes: str) -> None:
    """In one fresh process: what is heavy stays loaded, and is told at the code that loads it."""
    checks = [f"{code}; found = {HEAVY!r} & set(sys.modules); assert not found" for code in codes]
    subprocess.run([sys.executable, "-c", "\n".join(["import sys", *checks])], check=True)


def test_reading_a_study_loads_no_more_than_its_parts_need() -> None:
    """PEFT, scikit-learn and transformers' models take longer to load than a plan to be made."""
    code = (
        "import sys, tunewise.cli.plan; from tunewise.methods.base import METHODS; "
        "from tunewise.tasks.base import TASKS; "
        "assert all(name in METHODS for name in ('full', 'head', 'lora', 'prefix')); "
        "assert 'classification' in TASKS; "
        "found = {'peft', 'sklearn', 'transformers.modeling_utils'} & set(sys.modules); "
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "forbidden",
    ["import pickle", "weights_only=False", "allow_pickle=True", "shell=True", "yaml.load("],
)
def test_what_could_run_foreign_code_appears_nowhere(forbidden: str) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}
    assert [str(path) for path, text in texts.items() if forbidden in text] == []


def test_remote_code_is_never_trusted() -> None:
    for path in ROOT.rglob("*.py"):
        text = path.read_text(encoding="utf-8").replace(" ", "")
        assert "trust_remote_code=True" not in text, path
