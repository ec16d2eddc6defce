"""Every code block of README and handbook does what it says, or says why it is not run here.

A page is worked through from the top in a folder of its own: YAML blocks are read as studies (and
saved, where their first line names a file), commands run in this process, Python runs in one
namespace a page. A page marked `after:` another goes on in a copy of that one's folder.
"""

from __future__ import annotations

import contextlib
import io
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.commands import run_here
from tests.docs.reading import ROOT, Block, blocks, follows, handbook, named
from tests.proofs import proven_here

from tunewise.methods.base import METHODS
from tunewise.studyfile.expand import expand
from tunewise.studyfile.studyfile import read_study
from tunewise.tasks.base import TASKS

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *handbook()]
SHOWN = {"text", ""}  # drawn for people; below a command it is the command's output
RUN = {"python", "sh", "yaml"}

NOT_RUN = {
    ("README.md", "the data and the model are on the hub"): 2,
    ("README.md", "sets up an environment"): 2,
    ("README.md", "reviews.csv stands for a file of yours; the tutorial runs both commands"): 1,
    ("CONTRIBUTING.md", "these run the tests"): 1,
    ("docs/costs.md", "a part of a study file"): 2,
    ("docs/how-to/export-and-use.md", "it trains for as long as the trial did"): 1,
    ("docs/how-to/export-and-use.md", "needs the extra onnx"): 1,
    ("docs/how-to/export-and-use.md", "the files are of a converter of yours"): 1,
    ("docs/how-to/export-and-use.md", "it uploads"): 1,
    ("docs/how-to/gpu-and-cluster.md", "needs a GPU and the hub"): 1,
    ("docs/how-to/gpu-and-cluster.md", "a part of a study"): 1,
    ("docs/how-to/gpu-and-cluster.md", "it trains for half a minute"): 1,
    ("docs/how-to/gpu-and-cluster.md", "it starts a cluster"): 1,
    ("docs/how-to/gpu-and-cluster.md", "it needs Slurm"): 1,
    ("docs/how-to/gpu-and-cluster.md", "it needs Kubernetes"): 1,
    ("docs/how-to/gpu-and-cluster.md", "cluster.yaml, no study"): 1,
    ("docs/how-to/programs.md", "the files stand for predictions of yours"): 1,
    ("docs/judge/harness.md", "the folder stands for one of yours"): 1,
    ("docs/judge/inspect.md", "the files stand for yours"): 1,
    ("docs/judge/peft.md", "the folder stands for a clone of PEFT"): 1,
    ("docs/judge/predictions.md", "the files stand for yours"): 1,
    ("docs/judge/scores.md", "scores.csv stands for a file of yours"): 1,
    ("docs/judge/trainer.md", "the folders stand for yours"): 1,
    ("docs/explanations/model-size.md", "needs models and data from the hub"): 1,
}

# PEFT asks transformers for a name that transformers is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

Folder = Callable[[Path], Path]


@pytest.fixture(scope="module")
def folder_after(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """`folder_after(page)`: the folder in which all blocks of the page were run, each page once."""
    done: dict[Path, Path] = {}

    def run(page: Path) -> Path:
        if page not in done:
            folder = tmp_path_factory.mktemp(page.stem)
            if before := follows(page):
                shutil.copytree(run(before), folder, dirs_exist_ok=True)
            with contextlib.chdir(folder), registries_as_they_were():
                run_page(page)
            done[page] = folder
        return done[page]

    return run


@contextlib.contextmanager
def registries_as_they_were() -> Iterator[None]:
    """Forget the methods and tasks that a page adds."""
    kept = [(registry, registry.classes) for registry in (METHODS, TASKS)]
    try:
        yield
    finally:
        for registry, classes in kept:
            registry._classes = classes


def run_page(page: Path) -> None:
    module = ModuleType(f"handbook_{page.stem.replace('-', '_')}")
    sys.modules[module.__name__] = module  # dataclasses look their own module up
    message = ""
    try:
        for block in blocks(page):
            if block.not_run or block.language.startswith("{"):
                continue
            try:
                message = run_block(block, module, message)
            except (Exception, SystemExit) as error:
                pytest.fail(f"{named(page)}:{block.line}: {type(error).__name__}: {error}")
    finally:
        del sys.modules[module.__name__]


def run_block(block: Block, module: ModuleType, message: str) -> str:
    """What the block wrote to stdout."""
    match block.language:
        case "yaml":
            read(block)
        case "python":
            code = compile(block.text, f"line {block.line}", "exec", dont_inherit=True)
            with contextlib.redirect_stdout(io.StringIO()):
                exec(code, module.__dict__)
        case "sh":
            return "".join(command(line) for line in commands(block))
        case "text" if block.answers and message:
            assert block.text.strip() in message, f"the command printed:\n{message}"
    return ""


def read(block: Block) -> None:
    first = block.text.splitlines()[0]
    path = Path(first[2:] if first.startswith("# ") else f"line-{block.line}.yaml")
    path.write_text(block.text, encoding="utf-8")
    assert expand(read_study(path)).contenders


def commands(block: Block) -> list[list[str]]:
    lines = (line.removeprefix("$ ") for line in block.text.splitlines())
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def command(words: list[str]) -> str:
    """Run the command line in this process; it must end with exit code 0."""
    assert words[0] == "tunewise", f"'{words[0]}' is not run here: say why in a comment above"
    with proven_here():
        ended = run_here(*words[1:], cwd=Path.cwd())
    assert ended.returncode == 0, f"{shlex.join(words)}: {ended.stderr}"
    return ended.stdout


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_of_the_page_runs(page: Path, folder_after: Folder) -> None:
    folder_after(page)


def test_what_is_not_run_is_listed_with_its_reason() -> None:
    found: dict[tuple[str, str], int] = {}
    for page in PAGES:
        for block in blocks(page):
            if block.not_run:
                key = named(page), block.not_run
                found[key] = found.get(key, 0) + 1
    assert found == NOT_RUN


def test_every_block_says_its_language() -> None:
    known = RUN | SHOWN
    for page in PAGES:
        for block in blocks(page):
            place = f"{named(page)}:{block.line}"
            assert block.language in known or block.language.startswith("{"), place


def test_a_broken_block_is_noticed() -> None:
    module = ModuleType("broken")
    with pytest.raises(NameError):
        run_block(Block("python", "print(nothing)\n", 1, None, False), module, "")
    with pytest.raises(AssertionError, match="make"):
        run_block(Block("sh", "$ make demo\n", 1, None, False), module, "")
    with pytest.raises(AssertionError, match="the command printed"):
        run_block(Block("text", "three\n", 1, None, True), module, "one two\n")
