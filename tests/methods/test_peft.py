"""PEFT's methods through our door: settings, counts, refusals, AdaLoRA between its steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from peft import AutoPeftModelForSequenceClassification, PeftModelForSequenceClassification
from tests.conftest import OPTIONS
from tests.methods.test_contract import LABELS, NEEDED, batch, logits, train

from tunewise.backbones.load import build
from tunewise.backbones.model import Model
from tunewise.core.canonical import changed_settings, settings_of
from tunewise.core.errors import InputError
from tunewise.methods.base import METHODS
from tunewise.methods.lora import LoRA
from tunewise.methods.peft import PEFTMethod
from tunewise.methods.peft_model import ADAPTER
from tunewise.methods.peft_settings import available, configuration, defaults, kinds, label

Tiny = Callable[..., Model]
CHOSEN = [pytest.param(chosen, id=str(chosen["peft_type"])) for chosen in NEEDED["peft"]]

pefts_own = pytest.mark.filterwarnings("ignore")  # PEFT, called by the test itself, warns freely


def adapted(tiny: Tiny, settings: dict[str, Any], family: str = "bert", **how: Any) -> Model:
    model = tiny(family, **{"dropout": 0.0, **how})
    torch.manual_seed(3)
    method: Any = METHODS.build("peft", settings)
    method.prepare(model)
    return model


def trainable(module: Any) -> int:
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad)


@pytest.mark.parametrize("name", available())
def test_every_type_has_readable_settings_and_a_name(name: str) -> None:
    assert set(defaults(name)) <= set(kinds(name))
    assert label({"peft_type": name})


def test_no_type_of_pefts_is_forgotten() -> None:
    from tunewise.methods.peft_settings import CONFIGURATIONS, NOT_HERE

    assert {*available(), *NOT_HERE} == set(CONFIGURATIONS)


def test_a_value_that_is_pefts_default_is_no_setting() -> None:
    assert PEFTMethod("LORA", {"r": 8}) == PEFTMethod("LORA")
    assert settings_of(PEFTMethod("LORA", {"r": 4})) == {"peft_type": "LORA", "r": 4}
    assert changed_settings(PEFTMethod("IA3")) == {"peft_type": "IA3"}


@pefts_own
@pytest.mark.parametrize("chosen", CHOSEN)
def test_as_many_parameters_are_trained_as_by_peft_itself(
    tiny: Tiny, chosen: dict[str, Any]
) -> None:
    ours = adapted(tiny, chosen)
    settings = {name: value for name, value in chosen.items() if name != "peft_type"}
    if chosen["peft_type"] == "LN_TUNING":  # PEFT has no choice of its own for BERT
        settings["target_modules"] = ["LayerNorm"]
    if settings.get("target_modules") == ("attention+mlp",):
        settings["target_modules"] = ["query", "key", "value", "dense"]
        settings["exclude_modules"] = ["pooler.dense"]
    config: Any = configuration(chosen["peft_type"], settings)
    theirs = PeftModelForSequenceClassification(tiny("bert").module, config)
    assert trainable(ours.module) == trainable(theirs)
    # PEFT keeps a frozen copy of the head; we count each number once.
    head = sum(ours.module.get_parameter(name).numel() for name in ours.head)
    all_theirs = sum(weight.numel() for weight in theirs.parameters())
    assert sum(weight.numel() for weight in ours.module.parameters()) == all_theirs - head


@pytest.mark.parametrize("pooling", ["library", "mean"])
@pytest.mark.parametrize("chosen", CHOSEN)
def test_peft_computes_the_same(tiny: Tiny, chosen: dict[str, Any], pooling: str) -> None:
    """PEFT's own model, given our configuration and our numbers."""
    ours = adapted(tiny, chosen, pooling=pooling)
    train(ours, steps=3)
    config = ours.adapter.config
    theirs: Any = ours.adapter.peft_model.eval()
    assert isinstance(theirs, PeftModelForSequenceClassification)
    with torch.no_grad():
        found = theirs(**batch(ours)).logits
    torch.testing.assert_close(logits(ours), found, rtol=0, atol=1e-6)
    assert config.task_type == "SEQ_CLS"


@pefts_own
@pytest.mark.parametrize("chosen", CHOSEN)
def test_pefts_own_loading_reads_what_is_saved(
    tiny: Tiny, checkpoint: Callable[[str], Path], tmp_path: Path, chosen: dict[str, Any]
) -> None:
    model = adapted(tiny, chosen)
    train(model, steps=3)
    METHODS.build("peft", chosen).save(model, tmp_path)  # type: ignore[attr-defined]  # an Adaptation
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(checkpoint("bert"))
    loaded = AutoPeftModelForSequenceClassification.from_pretrained(
        tmp_path, num_labels=len(OPTIONS), dtype="float32"
    ).eval()
    with torch.no_grad():
        found = loaded(**batch(model)).logits
    torch.testing.assert_close(found, logits(model), rtol=0, atol=1e-5)


def test_our_lora_and_pefts_are_the_same_function(tiny: Tiny, tmp_path: Path) -> None:
    ours = tiny("bert", dropout=0.0)
    torch.manual_seed(3)
    LoRA(rank=4, alpha=8, targets=("query", "value")).prepare(ours)
    train(ours, steps=3)
    LoRA(rank=4, alpha=8, targets=("query", "value")).save(ours, tmp_path)
    settings = {"peft_type": "LORA", "r": 4, "target_modules": ("query", "value")}
    theirs = adapted(tiny, settings)
    PEFTMethod("LORA", {"r": 4}).load(theirs, tmp_path)
    torch.testing.assert_close(logits(theirs), logits(ours), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("targets", "family", "paths"),
    [
        (("attention",), "distilbert", {"q_lin", "k_lin", "v_lin", "out_lin"}),
        ("attention+mlp", "gpt2", {"c_attn", "c_proj", "c_fc"}),
        (("query", "fc1"), "phi", {"q_proj", "fc1"}),
        (None, "modernbert", {"Wqkv"}),  # PEFT knows no targets of this family
        (r".*\.0\..*query", "bert", {"query"}),
    ],
)
def test_targets_may_be_roles_names_or_a_pattern(
    tiny: Tiny, targets: Any, family: str, paths: set[str]
) -> None:
    model = adapted(tiny, {"peft_type": "LORA", "target_modules": targets}, family)
    found = {
        path.rpartition(".")[2]
        for path, layer in model.module.named_modules()
        if isinstance(layer, peft.tuners.lora.LoraLayer)
    }
    assert found == paths


def test_the_head_is_never_adapted(tiny: Tiny) -> None:
    model = adapted(tiny, {"peft_type": "LORA", "target_modules": ("dense",)}, "roberta")
    adapters = [path for path, _ in model.module.named_parameters() if "lora_" in path]
    assert adapters and not any(path.startswith("classifier") for path in adapters)


@pytest.mark.parametrize(
    ("settings", "family", "words"),
    [
        ({"peft_type": "LORA", "target_modules": ("valeu",)}, "bert", "Did you mean 'value'"),
        ({"peft_type": "LOHA"}, "gpt2", "LOHA: PEFT cannot do this on gpt2"),
        ({"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 39}, "bert", "takes 40 tokens"),
        ({"peft_type": "LORA", "r": -1}, "bert", "positive integer"),
        ({"peft_type": "OSF"}, "gpt2", "adapts nothing"),
    ],
)
def test_what_peft_cannot_do_is_stated(
    tiny: Tiny, settings: dict[str, Any], family: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        adapted(tiny, settings, family)


def test_a_prompts_positions_are_taken_from_the_texts(tiny: Tiny) -> None:
    model = adapted(tiny, {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 9}, "roberta")
    longest = tiny("roberta").max_length
    assert model.max_length == longest - 9
    ids = torch.full((1, model.max_length), 5)
    answer = model.module(input_ids=ids, attention_mask=torch.ones_like(ids))
    assert torch.isfinite(answer.logits).all()


@pytest.mark.parametrize("pooling", ["library", "mean"])
@pytest.mark.parametrize("kind", ["PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING"])
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_padding_changes_nothing_behind_a_prompt(
    tiny: Tiny, family: str, kind: str, pooling: str
) -> None:
    settings = {"peft_type": kind, "num_virtual_tokens": 3}
    model = adapted(tiny, settings, family, pooling=pooling)
    with torch.no_grad():
        together = model.module.eval()(**batch(model)).logits
        for row, text in ((0, "the room is bad"), (6, "the bed is very bad")):
            alone = model.processor([text], return_tensors="pt")
            inputs = {name: alone[name] for name in ("input_ids", "attention_mask")}
            found = model.module(**inputs).logits[0]
            torch.testing.assert_close(found, together[row], rtol=0, atol=1e-5)


SOON = {"peft_type": "ADALORA", "init_r": 6, "target_r": 2, "tinit": 2, "tfinal": 2}


def steps(model: Model, method: PEFTMethod, numbers: range) -> None:
    """Plain steps as the loop takes them, without a state of any generator."""
    weights = [weight for weight in model.module.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(weights, lr=0.1)
    for number in numbers:
        loss = torch.nn.functional.cross_entropy(
            model.module(**batch(model)).logits, torch.tensor(LABELS)
        )
        extra = method.penalty(model)
        (loss if extra is None else loss + extra).backward()
        optimizer.step()
        method.after_step(model, number)
        optimizer.zero_grad()


def test_adalora_gives_up_ranks_down_to_its_target(tiny: Tiny) -> None:
    model, method = adapted(tiny, SOON), PEFTMethod("ADALORA", {**SOON})
    method.begin(model, 12)
    steps(model, method, range(1, 13))
    kept = [
        int((weight != 0).sum())
        for path, weight in model.module.named_parameters()
        if f"lora_E.{ADAPTER}" in path
    ]
    assert sum(kept) == 2 * len(kept)
    assert set(kept) != {2}  # and gives them to the layers that need them


def test_adaloras_penalty_is_what_peft_adds_to_the_loss(tiny: Tiny) -> None:
    model, method = adapted(tiny, SOON), PEFTMethod("ADALORA", {**SOON})
    labels = torch.tensor(LABELS)
    inputs = batch(model)
    theirs = model.adapter.peft_model(**inputs, labels=labels).loss
    plain = torch.nn.functional.cross_entropy(model.module(**inputs).logits, labels)
    penalty = method.penalty(model)
    assert penalty is not None
    torch.testing.assert_close(theirs, plain + penalty)


def test_adalora_without_steps_to_allocate_in_is_refused(tiny: Tiny) -> None:
    model = adapted(tiny, SOON)
    with pytest.raises(InputError, match="leave none of the 4 steps"):
        PEFTMethod("ADALORA", {**SOON}).begin(model, 4)


@pytest.mark.parametrize("after", [1, 3, 8, 11])
def test_adalora_goes_on_as_if_it_had_not_stopped(tiny: Tiny, after: int) -> None:
    method = PEFTMethod("ADALORA", {**SOON})
    straight = adapted(tiny, SOON)
    method.begin(straight, 12)
    steps(straight, method, range(1, 13))

    first = adapted(tiny, SOON)
    method.begin(first, 12)
    steps(first, method, range(1, after + 1))
    state = method.state(first)
    stored = json.loads(json.dumps(state.scalars))
    weights = {name: weight.clone() for name, weight in first.module.state_dict().items()}

    second = adapted(tiny, SOON)
    second.module.load_state_dict(weights)
    method.begin(second, 12)
    method.restore(second, state._replace(scalars=stored))
    steps(second, method, range(after + 1, 13))
    assert_same(straight, second)


def assert_same(one: Model, other: Model) -> None:
    theirs = dict(other.module.named_parameters())
    for name, weight in one.module.named_parameters():
        assert torch.equal(weight, theirs[name]), name


@pytest.mark.parametrize("kind", ["IA3", "VERA", "PROMPT_TUNING"])
def test_it_works_on_the_embedded_encoder(kind: str) -> None:
    model = build("embedded:encoder", options=OPTIONS, seed=1, dropout=0.0)
    torch.manual_seed(3)
    settings = {"num_virtual_tokens": 4} if kind == "PROMPT_TUNING" else {}
    PEFTMethod(kind, settings).prepare(model)
    first, last = train(model, steps=15)
    assert last < first
