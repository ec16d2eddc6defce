"""Every recipe can be read, and its header's offline command prepares a study without a network."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest

from tunewise.studies.prepare import prepare
from tunewise.studyfile.expand import expand
from tunewise.studyfile.studyfile import read_study

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))


def commands(recipe: Path) -> list[list[str]]:
    """The commands of the header, as a shell would take them apart."""
    header = []
    for line in recipe.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        header.append(line.removeprefix("#").strip())
    joined = "\n".join(header).replace("\\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if line.startswith("tunewise run ")]


def offline(recipe: Path) -> list[str] | None:
    """The words of the command that needs no network, where the header has one."""
    return next((words for words in commands(recipe) if "embedded:" in " ".join(words)), None)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_a_study_of_its_own_name(recipe: Path) -> None:
    study = read_study(recipe)
    assert study.name == recipe.stem
    assert expand(study)
    text = recipe.read_text(encoding="utf-8")
    assert re.search(rf"# .*(tunewise run recipes/{recipe.name}\b|make \w+)", text), (
        "says how to run it"
    )


@pytest.mark.parametrize("recipe", [r for r in RECIPES if offline(r)], ids=lambda path: path.stem)
def test_the_offline_command_prepares_without_a_network(recipe: Path) -> None:
    words = offline(recipe)
    assert words is not None
    assert words[2] == f"recipes/{recipe.name}"
    sets = [value for flag, value in itertools.pairwise(words) if flag == "--set"]
    prepared = prepare(read_study(recipe, sets))
    assert all(model.source.startswith("embedded:") for model in prepared.study.models.values())
    assert prepared.contenders
