"""Families, tied and untied, times methods: saved, exported and merged they answer the same.

Or the study is refused in words before a step is taken. There is no third outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import AutoPeftModelForCausalLM, AutoPeftModelForSequenceClassification
from tests.conftest import OPTIONS
from tests.training.families import CHOOSING, CLASSIFIERS, WRITERS, WRITING, save_family
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from tunewise.backbones.model import Model
from tunewise.backbones.weights import save_tensors
from tunewise.core.canonical import settings_of
from tunewise.core.errors import InputError
from tunewise.export import round_trip as rounds
from tunewise.export.artifact import write_artifact
from tunewise.export.round_trip import move, round_trip
from tunewise.methods import lora_files, peft_files, peft_model
from tunewise.methods.base import METHODS
from tunewise.methods.peft import PEFTMethod
from tunewise.store.records import TrialSettings
from tunewise.studies.contenders.models import Inspector
from tunewise.training.assembly import Parts, prepared_model
from tunewise.training.finished import load_exported
from tunewise.training.predictor import ModelPredictor

Way = tuple[str, dict[str, Any]]
Place = Callable[..., Path]
TEXTS = ("a", "a b c a b c", "good bad room")
IDS = torch.tensor([[5, 9, 4, 6, 3], [7, 8, 10, 4, 3]])  # trained tokens are among them

pytestmark = pytest.mark.filterwarnings("ignore")  # PEFT, called by the test itself, warns freely


def peft(kind: str, **settings: Any) -> Way:
    return "peft", {"peft_type": kind, **settings}


def lora(**settings: Any) -> Way:
    return peft("LORA", r=2, **settings)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """`place("gpt2", writes=True, tied=True)`: the folder of such a model."""
    made: dict[str, Path] = {}

    def folder(family: str, **how: Any) -> Path:
        key = f"{family}-{how}"
        if key not in made:
            made[key] = save_family(tmp_path_factory.mktemp(family), family, **how)
        return made[key]

    return folder


def parts_of(source: Path, way: Way, *, writes: bool) -> Parts:
    method = METHODS.build(*way)
    settings = {
        "task": WRITING if writes else CHOOSING,
        "data": {"hash": "0"},
        "model": {"source": str(source), "revision": None, "hash": "0"},
        "method": {"name": way[0], "version": method.version, "settings": settings_of(method)},
        "training": {"max_length": 40},
        "seed": 0,
    }
    return Parts.of(TrialSettings.from_json(settings), source)


def validate(source: Path, way: Way, folder: Path, *, writes: bool) -> None:
    """What `validate` does of a contender."""
    parts = parts_of(source, way, writes=writes)
    method: Any = parts.method
    assert parts.settings.model is not None
    Inspector(parts.settings.model, parts.task, parts.options).inspect(method, 40, "0")
    round_trip(parts, TEXTS, folder)


def check_laws(source: Path, way: Way, folder: Path, *, writes: bool) -> None:
    """By the libraries themselves and our loaders, without `round_trip`."""
    parts = parts_of(source, way, writes=writes)
    method: Any = parts.method
    model = prepared_model(parts, method)
    move(model.module)
    expected = logits(model.module)
    method.save(model, folder / "saved")

    fresh = parts.build_model()
    assert fresh is not None
    torch.manual_seed(77)  # what is random in it must be saved too, or follow from the settings
    method.prepare(fresh)
    method.load(fresh, folder / "saved")
    same(logits(fresh.module), expected)

    predictor = ModelPredictor(parts.task, method, model, 40)
    form = write_artifact(parts, predictor, folder / "exported", merge=False)
    if form != "tunewise":
        same(logits(loaded(form, folder / "exported", writes=writes)), expected)
    try:
        form = write_artifact(parts, predictor, folder / "merged", merge=True)
    except InputError as error:
        assert "does not fold into the model's own layers" in str(error)
    else:
        assert form == "transformers"
        same(logits(loaded(form, folder / "merged", writes=writes)), expected)
    same(logits(model.module), expected)  # nothing of this changed the contender


def loaded(form: str, folder: Path, *, writes: bool) -> Any:
    if form == "transformers":
        kind = AutoModelForCausalLM if writes else AutoModelForSequenceClassification
        return kind.from_pretrained(folder)
    if writes:
        return AutoPeftModelForCausalLM.from_pretrained(folder)
    # GPT-2's classifier reads the last token that is no padding, and its base names none.
    padding = AutoTokenizer.from_pretrained(folder).pad_token_id
    return AutoPeftModelForSequenceClassification.from_pretrained(
        folder, num_labels=len(OPTIONS), pad_token_id=padding
    )


@torch.no_grad()
def logits(module: Any) -> Tensor:
    rows = [module.eval()(input_ids=ids[None], attention_mask=torch.ones(1, 5)) for ids in IDS]
    return torch.cat([row.logits for row in rows])


def same(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


TOKENS = (4, 5, 9)
CHOSEN = [  # to write, a model that is tied if "tied", and a way that is right in each
    ("gpt2", "tied", lora(bias="all")),
    ("gpt2", "tied", peft("TRAINABLE_TOKENS", token_indices=TOKENS)),
    ("gpt2", "tied", lora(target_modules="all-linear")),
    ("gpt2", "tied", ("lora", {"rank": 2, "targets": ("lm_head",)})),
    ("llama", "tied", lora(modules_to_save=("embed_tokens",))),
    ("llama", "tied", lora(target_modules=("lm_head",))),
    ("llama", "untied", lora(trainable_token_indices=TOKENS)),
    ("llama", "untied", lora(lora_bias=True)),
    ("opt", "tied", lora(modules_to_save=("lm_head",))),
    ("opt", "tied", lora(bias="lora_only", use_rslora=True)),
    ("qwen2", "untied", lora(modules_to_save=("embed_tokens",))),
    ("qwen2", "tied", lora(target_modules=("embed_tokens",))),
    ("gemma", "tied", lora(use_dora=True)),
]
CHOOSE = [
    ("bert", lora(bias="all")),
    ("distilbert", peft("ADALORA", init_r=4, target_r=2, bias="all")),
    ("roberta", peft("VERA", r=4, save_projection=False)),
    ("roberta", lora(modules_to_save=("word_embeddings",))),
    ("bert", peft("OFT", oft_block_size=4, bias="all")),
    ("t5", lora(target_modules="all-linear")),
    ("bart", lora(bias="all")),
    ("distilbert", peft("TRAINABLE_TOKENS", token_indices=TOKENS)),
]


@pytest.mark.parametrize(("family", "tie", "way"), CHOSEN, ids=str)
def test_a_writer_answers_the_same_by_every_way(
    place: Place, tmp_path: Path, family: str, tie: str, way: Way
) -> None:
    source = place(family, writes=True, tied=tie == "tied")
    validate(source, way, tmp_path / "tried", writes=True)
    check_laws(source, way, tmp_path, writes=True)


@pytest.mark.parametrize(("family", "way"), CHOOSE, ids=str)
def test_a_classifier_answers_the_same_by_every_way(
    place: Place, tmp_path: Path, family: str, way: Way
) -> None:
    source = place(family, writes=False)
    validate(source, way, tmp_path / "tried", writes=False)
    check_laws(source, way, tmp_path, writes=False)


@pytest.mark.parametrize("kind", ["PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING", "CARTRIDGE"])
def test_a_prompt_of_pefts_cannot_write(place: Place, tmp_path: Path, kind: str) -> None:
    way = peft(kind, num_virtual_tokens=3)
    with pytest.raises(InputError, match=f"peft_type = {kind}: .* Use our method prefix"):
        validate(place("gpt2", writes=True, tied=True), way, tmp_path, writes=True)


def test_a_bias_that_has_no_place_in_a_layer_is_not_merged(place: Place, tmp_path: Path) -> None:
    parts = parts_of(place("llama", writes=True), lora(lora_bias=True), writes=True)
    method: Any = parts.method
    model = prepared_model(parts, method)
    assert method.merged(model) is None
    with pytest.raises(InputError, match=r"'PEFT-LoRA' trains does not fold .* without --merge"):
        write_artifact(parts, ModelPredictor(parts.task, method, model, 40), tmp_path, merge=True)


# What the round trip itself notices.


def test_a_number_that_is_not_saved_is_noticed(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lossy(tensors: dict[str, Tensor], path: Path) -> None:
        zeros = {n: torch.zeros_like(t) if "lora_B" in n else t for n, t in tensors.items()}
        save_tensors(zeros, path)

    monkeypatch.setattr(lora_files, "save_tensors", lossy)
    parts = parts_of(place("bert", writes=False), ("lora", {"rank": 2}), writes=False)
    with pytest.raises(InputError, match=r"does not come back .*such as .*\.B"):
        round_trip(parts, TEXTS, tmp_path)


def test_a_saving_that_fails_is_reported_with_its_reason(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peft_files, "_apart", lambda tensors: tensors)
    way = peft("TRAINABLE_TOKENS", token_indices=TOKENS)
    parts = parts_of(place("gpt2", writes=True, tied=True), way, writes=True)
    with pytest.raises(InputError, match=r"saving it fails .*Some tensors share memory"):
        round_trip(parts, TEXTS, tmp_path)


def test_a_folder_that_others_cannot_load_is_noticed(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lora_files, "task_type", lambda model: "SEQ_CLS")
    source = place("llama", writes=True)
    with pytest.raises(InputError, match=r"exporting it fails .*Expected target PEFT class"):
        round_trip(parts_of(source, ("lora", {"rank": 2}), writes=True), TEXTS, tmp_path)


def test_a_folder_that_others_read_otherwise_is_noticed(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the tied embeddings were, of which both ends were trained and one saved."""

    def without_copies(wrapped: Any) -> list[str]:
        monkeypatch.setattr(peft_model, "_shared", lambda wrapped, path: False)
        return kept(wrapped)

    kept = peft_model._without_copies
    monkeypatch.setattr(peft_model, "_without_copies", without_copies)
    way = lora(modules_to_save=("embed_tokens",))
    parts = parts_of(place("llama", writes=True, tied=True), way, writes=True)
    with pytest.raises(InputError, match=r"exported, it answers otherwise .*differ by"):
        round_trip(parts, TEXTS, tmp_path)


def test_a_merged_folder_that_answers_otherwise_is_noticed(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peft_model, "untie_adapted", lambda module: None)
    way = lora(target_modules=("lm_head",))
    parts = parts_of(place("llama", writes=True, tied=True), way, writes=True)
    with pytest.raises(InputError, match="exported with --merge, it answers otherwise"):
        round_trip(parts, TEXTS, tmp_path)


def test_what_stays_in_our_form_is_loaded_again(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = parts_of(place("bert", writes=False), ("prefix", {"length": 3}), writes=False)
    round_trip(parts, TEXTS, tmp_path / "right")

    def other(folder: Path) -> Any:
        found: Any = load_exported(folder)
        move(found.model.module)
        return found

    monkeypatch.setattr(rounds, "load_exported", other)
    with pytest.raises(InputError, match=r"exported, it answers otherwise .*answers move"):
        round_trip(parts, TEXTS, tmp_path / "wrong")


def test_a_full_disk_is_no_fault_of_the_contender(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, model: Model, folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PEFTMethod, "save", full)
    with pytest.raises(OSError, match="No space left"):
        round_trip(parts_of(place("bert", writes=False), lora(), writes=False), TEXTS, tmp_path)


# All of it.

WORD_EMBEDDINGS = ("bert", "roberta", "distilbert", "deberta-v2")
EMBEDDINGS = {
    "gpt2": "wte",
    "t5": "shared",
    "bart": "shared",
    "modernbert": "tok_embeddings",
    **dict.fromkeys(WORD_EMBEDDINGS, "word_embeddings"),
}
EVERY: list[Way] = [
    ("full", {}),
    ("head", {}),
    ("bitfit", {}),
    ("last-layers", {"count": 1}),
    ("prefix", {"length": 3}),
    ("lora", {"rank": 2}),
    ("lora", {"rank": 2, "targets": ("all-linear",)}),
    lora(),
    lora(bias="all"),
    lora(bias="lora_only"),
    lora(lora_bias=True),
    lora(use_dora=True),
    lora(use_rslora=True),
    lora(target_modules="all-linear"),
    lora(trainable_token_indices=TOKENS),
    lora(init_lora_weights="pissa"),
    peft("TRAINABLE_TOKENS", token_indices=TOKENS),
    peft("IA3"),
    peft("ADALORA", init_r=4, target_r=2, bias="all"),
    peft("VERA", r=4),
    peft("VERA", r=4, save_projection=False),
    peft("LOHA", r=2),
    peft("LOKR", r=2),
    peft("OFT", oft_block_size=4),
    peft("BOFT", boft_block_size=4),
    peft("LN_TUNING"),
    peft("VBLORA", vector_length=8, num_vectors=16),
    peft("FOURIERFT", n_frequency=20),
    peft("RANDLORA", r=2),
    peft("HRA"),
    peft("PROMPT_TUNING", num_virtual_tokens=3),
    peft("PREFIX_TUNING", num_virtual_tokens=3),
    peft("P_TUNING", num_virtual_tokens=3),
]
MODELS = [
    *((family, True, tied) for family in WRITERS for tied in (True, False)),
    *((family, False, False) for family in CLASSIFIERS),
]


def ends(family: str, *, writes: bool) -> list[Way]:
    """Ways that name the two ends of a model."""
    inside = EMBEDDINGS.get(family, "embed_tokens")
    found = [lora(modules_to_save=(inside,)), lora(target_modules=(inside,))]
    if writes:
        found += [
            lora(modules_to_save=("lm_head",)),
            lora(modules_to_save=(inside, "lm_head")),
            lora(modules_to_save=(inside,), ensure_weight_tying=True),
            lora(target_modules=("lm_head",)),
            lora(target_modules=("lm_head",), use_dora=True),
            lora(target_modules=(inside, "lm_head")),
            lora(target_modules=(inside,), ensure_weight_tying=True),
            ("lora", {"rank": 2, "targets": ("lm_head",)}),
            peft("VERA", r=4, target_modules=("lm_head",)),
        ]
    return found


@pytest.mark.faults
@pytest.mark.parametrize(("family", "writes", "tied"), MODELS, ids=str)
def test_no_contender_is_valid_and_wrong(
    place: Place, tmp_path: Path, family: str, writes: bool, tied: bool
) -> None:
    source = place(family, writes=writes, tied=tied)
    right = 0
    for number, way in enumerate([*EVERY, *ends(family, writes=writes)]):
        folder = tmp_path / family / str(number)
        try:
            validate(source, way, folder / "tried", writes=writes)
        except InputError as error:
            assert "fails" not in str(error) or "(" in str(error), way
            continue
        try:
            check_laws(source, way, folder, writes=writes)
        except Exception as error:
            raise AssertionError(f"{way} is valid, and then {error}") from error
        right += 1
    assert right >= 15
