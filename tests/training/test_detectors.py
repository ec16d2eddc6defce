"""Each silent fault, planted: the detector that looks for it must say so, and only it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.conftest import OPTIONS
from tests.training.test_training import SETTINGS, training
from tests.training.test_trial import EVERY, Settings, do, result, settings, study
from torch import nn

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError
from tunewise.data.examples import Example, Prediction
from tunewise.methods.base import METHODS, Adaptation
from tunewise.methods.full import Full
from tunewise.methods.lora_layer import LoRALinear
from tunewise.store.records import ParameterCounts
from tunewise.store.trial_records import Check
from tunewise.tasks.base import Batch
from tunewise.tasks.classification import Classification
from tunewise.training.checks.answers import StartCheck, merge_check
from tunewise.training.checks.findings import BINS, Findings, checks_of, guarded
from tunewise.training.checks.weights import Watch, all_saved, as_promised
from tunewise.training.encoded_split import Feed
from tunewise.training.loop import Interrupted, Training
from tunewise.training.settings import TrainingSettings

__all__ = ["settings", "study"]  # fixtures

ADAPTED = [(name, own) for name, own in EVERY if issubclass(METHODS.get(name), Adaptation)]
MERGES = {"lora", "IA3", "ADALORA"}  # of those above, what can be folded into the model's layers
EXAMPLES = [Example("a", ("good room",), 2), Example("b", ("bad bed is cold",), 0)]


def named(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def checks_after(folder: Path, chosen: TrainingSettings = SETTINGS, **changes: Any) -> Any:
    """The checks of a toy training, with a fault planted by `changes`."""
    run = training(folder, chosen)
    for name, plant in changes.items():
        setattr(run, name, plant)
    progress = run.run()
    return named(checks_of(progress.findings, steps=progress.step, epochs=len(progress.epochs)))


@pytest.mark.parametrize(("name", "own"), ADAPTED)
def test_a_sound_training_passes_every_check(
    study: Path, settings: Settings, name: str, own: dict[str, Any]
) -> None:
    job = settings(name, own, epochs=4)
    assert do(study, job) == "done"
    checks = {check["name"]: check for check in result(study)["checks"]}
    method = METHODS.build(name, own)
    assert isinstance(method, Adaptation)
    saved = {"saved"} if method.saves_all else set()
    always = {"promised", "start", "moved", "frozen", "learnt", "mask", "answers", "loss", "merge"}
    assert set(checks) == always | saved
    learning = ("answers", "loss")  # a model of a few weights may truly fail at these
    assert [c for n, c in checks.items() if c["passed"] is False and n not in learning] == []
    assert checks["start"]["passed"] is (True if method.starts_at_base else None)
    assert checks["learnt"]["passed"]
    assert checks["mask"]["passed"] is not False  # None where a backbone's outputs are stored
    assert checks["merge"]["passed"] is (True if own.get("peft_type", name) in MERGES else None)


def test_fewer_trainable_parameters_than_the_plan_has_are_seen(
    study: Path, settings: Settings
) -> None:
    do(study, settings("head"), promised={"total": 1, "trainable": 99, "head": 51})
    [check] = [c for c in result(study)["checks"] if c["name"] == "promised"]
    assert check["passed"] is False
    assert "51 numbers are trained where the plan has 99" in check["detail"]


def test_a_frozen_head_is_seen() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[1].weight.requires_grad_(False)
    check = as_promised(module, ["1.weight", "1.bias"], ParameterCounts(trainable=8))
    assert (check.passed, check.detail) == (False, "the head is not trained: 1.weight.")


def test_an_adapter_that_does_not_start_at_zero_is_seen(
    tiny: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_check() -> Check:
        model = tiny("bert")
        start = StartCheck(Classification(text=("text",), label="label"), EXAMPLES)
        start(model)
        METHODS.build("lora", {"rank": 2}).prepare(model)  # type: ignore[attr-defined]
        return start.check(model, promised=True)

    assert start_check().passed
    made = LoRALinear.__init__

    def start_elsewhere(self: LoRALinear, *parts: Any, **more: Any) -> None:
        made(self, *parts, **more)
        nn.init.normal_(self.B)

    monkeypatch.setattr(LoRALinear, "__init__", start_elsewhere)
    assert start_check().passed is False


class Forgetful(Full):
    def groups(self, model: Model) -> list[dict[str, Any]]:
        return [{"params": ["trunk.weight", "classifier.weight"]}]  # the bias has no group


def test_a_trained_tensor_that_never_moves_is_named(tmp_path: Path) -> None:
    checks = checks_after(tmp_path, method=Forgetful())
    assert checks["moved"].passed is False
    assert checks["moved"].detail == "trained, but never moved: classifier.bias."
    assert checks["frozen"].passed


def test_a_tensor_that_is_slow_to_move_is_forgiven() -> None:
    module, findings = nn.Linear(2, 2), Findings()
    watch = Watch(module)
    watch.look(findings)
    assert findings.unmoved == ["weight", "bias"]
    nn.init.normal_(module.weight)
    watch.look(findings)
    assert findings.unmoved == ["bias"]


@pytest.mark.parametrize("change", ["one number", "a swapped sign"])
def test_a_frozen_tensor_that_changes_at_all_is_named(change: str) -> None:
    module, findings = nn.Linear(40, 50), Findings()
    module.weight.requires_grad_(False)
    watch = Watch(module)
    with torch.no_grad():
        if change == "one number":
            weight = module.weight[3, 7]
            weight.copy_(torch.nextafter(weight, torch.tensor(9.0)))
        else:
            module.weight[3, 7].neg_()
        module.bias.add_(1)
    watch.look(findings)
    assert (findings.moved, findings.unmoved) == (["weight"], [])


def test_a_frozen_tensor_that_was_put_back_was_still_moved() -> None:
    module, findings = nn.Linear(2, 2), Findings()
    module.weight.requires_grad_(False)
    watch, before = Watch(module), module.weight.clone()
    with torch.no_grad():
        module.weight.add_(1)
        watch.look(findings)
        module.weight.copy_(before)
    watch.look(findings)
    assert findings.moved == ["weight"]


def test_one_answer_for_everything_is_seen_at_the_last_evaluation() -> None:
    findings = Findings()
    same = [Prediction(str(n), 1, (0.0, 1.0), 0.1) for n in range(3)]
    findings.add_answers(1, [*same, Prediction("other", 0, (1.0, 0.0), 0.1)])
    findings.add_answers(2, same)
    check = named(checks_of(findings, steps=0, epochs=2))["answers"]
    assert check.passed is False
    assert check.detail.endswith("at epoch 2 of 2.")
    assert named(checks_of(findings, steps=0, epochs=3))["answers"].passed


def test_a_loss_that_does_not_fall_is_seen(tmp_path: Path) -> None:
    slow = TrainingSettings(epochs=10, batch_size=16, learning_rate=1e-9)
    assert checks_after(tmp_path / "slow", slow)["loss"].passed is False
    well = replace(slow, learning_rate=0.05)
    assert checks_after(tmp_path / "well", well)["loss"].passed


@pytest.mark.parametrize(
    ("losses", "passed"),
    [
        ([1.0] * 50 + [0.5] * 50, True),
        ([1.0] * 100, False),
        ([1.0, 0.8] * 25 + [0.99, 0.79] * 25, False),  # 0.01 lower: its noise is 0.09
        ([0.5] * 50 + [1.0] * 50, False),
        ([1.0] * 20 + [0.5] * 20, None),
    ],
)
def test_the_last_tenth_must_lie_below_the_first_by_more_than_noise(
    losses: list[float], passed: bool | None
) -> None:
    findings = Findings()
    for step, loss in enumerate(losses, start=1):
        findings.add_loss(step, len(losses), loss)
    assert sum(tenth[0] for tenth in findings.losses) == len(losses)
    assert findings.losses[0][0] == pytest.approx(len(losses) / BINS, abs=1)
    assert named(checks_of(findings, steps=len(losses), epochs=1))["loss"].passed is passed


def test_an_artifact_without_the_head_is_seen(tmp_path: Path) -> None:
    save_file({"lora.A": torch.zeros(2, 3)}, tmp_path / "adapter_model.safetensors")
    assert all_saved(tmp_path, 6).passed
    check = all_saved(tmp_path, 6 + 3 * len(OPTIONS))
    assert (check.passed, check.detail) == (False, "6 numbers are saved of 15 trained.")


def test_findings_survive_an_interruption(study: Path, settings: Settings) -> None:
    do(study, settings("lora", {"rank": 2}), "straight")
    job = settings("lora", {"rank": 2})
    for after in (2, 6):  # before and after the third step
        stop = iter([False] * after + [True] * 99)
        assert do(study, job, "resumed", stop=lambda stop=stop: next(stop)) == "interrupted"
    assert do(study, job, "resumed") == "done"
    assert result(study, "resumed")["checks"] == result(study, "straight")["checks"]


def test_a_detector_that_fails_ends_no_trial() -> None:
    def look() -> Check:
        raise RuntimeError("no such kernel")

    assert guarded(look, "start") == Check(
        "start", None, "could not be looked at (RuntimeError: no such kernel)."
    )


def masked(run: Training, broken: Collection[int], tokens: bool = False) -> None:
    """Break the collator: it forgets the answers of some batches, or shows no token of them."""
    batch = run.train_feed.batch
    count = iter(range(999))

    class Broken(Feed):
        def batch(self, places: Sequence[int]) -> Batch:
            made = batch(places)
            if next(count) not in broken:
                return made
            if tokens:
                hidden = torch.zeros(len(places), 1)
                return replace(made, inputs={**made.inputs, "attention_mask": hidden})
            return replace(made, labels=torch.full_like(made.labels, -100), targets=0)

    run.train_feed = Broken(run.task, None, run.train_feed.encoded)


@pytest.mark.parametrize("tokens", [False, True])
def test_batches_that_hold_nothing_to_learn_are_counted_and_left_out(
    tmp_path: Path, tokens: bool
) -> None:
    run = training(tmp_path)
    masked(run, {1, 6, 11, 12}, tokens)  # of 21: seven steps an epoch
    progress = run.run()
    checks = named(checks_of(progress.findings, steps=progress.step, epochs=3))
    assert checks["learnt"].passed is False
    assert checks["learnt"].detail == "4 of 21 batches held nothing to learn."
    assert sum(tenth[0] for tenth in progress.findings.losses) == 21 - 4
    assert [record["train_loss"] > 0 for record in progress.epochs] == [True] * 3


def test_labels_that_are_all_masked_count_whatever_the_batch_says_of_its_targets() -> None:
    batch = Batch(["a"], {}, torch.full((1, 4), -100), targets=4, real_tokens=4, padded_tokens=4)
    assert not Findings().add_batch(batch)


def test_a_training_without_anything_to_learn_is_refused_and_never_reported_as_a_loss_of_zero(
    tmp_path: Path,
) -> None:
    run = training(tmp_path)
    masked(run, range(99))
    with pytest.raises(InputError, match="nothing to learn: every label is masked"):
        run.run()


def test_a_part_without_labels_leaves_the_rest_of_its_step(tmp_path: Path) -> None:
    """The step is that of the other part alone."""
    run = training(tmp_path, replace(SETTINGS, accumulate=2))
    masked(run, {0})
    progress = run.run()
    assert (progress.findings.batches, progress.findings.empty) == (42, 1)
    assert progress.step == 21


def test_counts_of_batches_survive_an_interruption(tmp_path: Path) -> None:
    stop = iter([False] * 4 + [True] * 99)
    run = training(tmp_path, stop=lambda: next(stop))
    masked(run, {1, 4})
    with pytest.raises(Interrupted):
        run.run()
    progress = training(tmp_path).run()
    assert (progress.findings.batches, progress.findings.empty) == (21, 2)


@pytest.mark.parametrize(("shown", "passed"), [(5, True), (4, False), (6, False)])
def test_a_mask_that_hides_a_token_or_shows_padding_is_seen(shown: int, passed: bool) -> None:
    mask = torch.tensor([[1] * shown + [0] * (8 - shown)])
    inputs = {"input_ids": torch.ones(1, 8, dtype=torch.long), "attention_mask": mask}
    findings = Findings()
    findings.add_batch(Batch(["a"], inputs, torch.tensor([1]), 1, 5, 8))
    check = named(checks_of(findings, steps=1, epochs=1))["mask"]
    assert check.passed is passed


def adapted(tiny: Callable[..., Model], name: str, own: dict[str, Any]) -> tuple[Any, Model]:
    model, method = tiny("bert"), METHODS.build(name, own)
    torch.manual_seed(1)
    method.prepare(model)  # type: ignore[attr-defined]
    with torch.no_grad():
        for weight in model.module.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) / 20)
    return method, model


def merged(method: Any, model: Model) -> Check:
    task = Classification(text=("text",), label="label")
    return merge_check(method, model, task, EXAMPLES, computed_in="float32")


FOLDING = [("lora", {"rank": 2}), ("peft", {"peft_type": "IA3"}), ("peft", {"peft_type": "LOHA"})]


@pytest.mark.parametrize(("name", "own"), FOLDING)
def test_a_sound_merge_passes_and_draws_nothing(
    tiny: Callable[..., Model], name: str, own: dict[str, Any]
) -> None:
    method, model = adapted(tiny, name, own)
    state = torch.get_rng_state()
    assert merged(method, model).passed
    assert torch.equal(torch.get_rng_state(), state)


def test_a_merge_that_forgets_its_scale_is_seen(
    tiny: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    method, model = adapted(tiny, "lora", {"rank": 2})
    right = LoRALinear.merged

    def unscaled(self: LoRALinear) -> Any:
        self.scale = 1.0
        return right(self)

    monkeypatch.setattr(LoRALinear, "merged", unscaled)
    check = merged(method, model)
    assert check.passed is False
    assert check.detail.startswith("merging changes the model's answers: a logit by ")


def test_what_cannot_be_merged_says_why(tiny: Callable[..., Model]) -> None:
    full = merged(*adapted(tiny, "full", {}))
    assert (full.passed, full.detail) == (
        None,
        "this method trains nothing beside the model's own layers.",
    )
    prefix = merged(*adapted(tiny, "prefix", {}))
    assert (prefix.passed, prefix.detail) == (
        None,
        "what this method trains does not fold into the model.",
    )


@pytest.mark.parametrize(("name", "own"), FOLDING)
def test_folding_in_place_gives_what_merging_a_copy_gives(
    tiny: Callable[..., Model], name: str, own: dict[str, Any]
) -> None:
    method, model = adapted(tiny, name, own)
    copied = dict(method.merged(model).named_parameters())
    before = {id(weight) for weight in model.module.parameters()}
    folded = dict(method.folded(model).named_parameters())
    assert copied.keys() == folded.keys()
    assert all(torch.equal(copied[name], folded[name]) for name in copied)
    assert before & {id(weight) for weight in folded.values()}  # not a second model


def test_the_artifact_of_a_trial_is_as_if_nothing_had_been_merged(
    study: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(study, settings("lora", {"rank": 2}), "a")
    monkeypatch.setattr(
        "tunewise.training.trial.adapt.merge_check", lambda *_, **__: Check("m", None, "")
    )
    do(study, settings("lora", {"rank": 2}), "b")
    first, second = (study / "weights" / id / "adapter_model.safetensors" for id in "ab")
    assert first.read_bytes() == second.read_bytes()
