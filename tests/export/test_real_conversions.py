"""SmolLM2 in fewer bits, measured on real questions against the contender as it was trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.export.test_real_scripts import answers, finished
from tests.gguf_files import write_gguf
from tests.proofs import proven_here
from transformers import AutoModelForCausalLM

from tunewise.cli.convert import described
from tunewise.cli.export import command
from tunewise.cli.measure import measure
from tunewise.results import StudyResults

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]
QUESTIONS = 200


@pytest.fixture(scope="module")
def study(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    """SmolLM2 after a few steps of LoRA, tested on real questions."""
    place = tmp_path_factory.mktemp("squad")
    asked = answers(real_data, train=48, validation=8, test=QUESTIONS)
    asked["training"] |= {"epochs": 1, "batch_size": 4}
    return finished(asked, place / "study")


@pytest.fixture(scope="module")
def folder(study: StudyResults, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tuned model as a folder of transformers, in float32 as it was trained."""
    place = tmp_path_factory.mktemp("export") / "merged"
    with proven_here():
        command(study.folder.path, place, contender="lora", merge=True)
    return place


def test_a_folder_in_bfloat16_answers_questions_alike(study: StudyResults, folder: Path) -> None:
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(folder)
    _, found = measure(study, "lora", folder)
    print(*described(found), sep="\n")
    assert found.examples == QUESTIONS
    assert found.same_answers >= 0.9
    assert found.worse_by() < 0.03


@pytest.mark.parametrize(("kind", "alike"), [("Q8_0", 0.9), ("Q4_0", 0.2)])
def test_a_gguf_file_answers_questions_alike(
    study: StudyResults, folder: Path, tmp_path: Path, kind: str, alike: float
) -> None:
    pytest.importorskip("gguf")
    whole = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    write_gguf(whole, tmp_path / f"{kind}.gguf", kind)
    _, found = measure(study, "lora", tmp_path / f"{kind}.gguf")
    print(*described(found), sep="\n")
    assert found.examples == QUESTIONS
    assert found.same_answers >= alike
    assert found.worse_by() < (0.03 if kind == "Q8_0" else 0.2)
