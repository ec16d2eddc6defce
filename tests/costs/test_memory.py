"""The counter against torch's own profiler, and against sums worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from tunewise.backbones.fast_cpu import speed_up
from tunewise.backbones.model import Model
from tunewise.costs.memory import StepMeter, StorageCounter, held_tensors
from tunewise.methods.lora import LoRA

TOLERANCE = 0.03  # of the profiler's peak: kernels also use scratch that is no tensor's


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def allocated_peak(work: Callable[[], object]) -> int:
    """Bytes that the allocator gave out at most, above what it had given out before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        work()
    assert seen.profiler is not None and seen.profiler.kineto_results is not None
    events = [e for e in seen.profiler.kineto_results.events() if e.name() == "[memory]"]
    alive = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        alive += event.nbytes()
        peak = max(peak, alive)
    return peak


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.LayerNorm(256), nn.Linear(256, 8))


def test_the_peaks_of_forward_and_backward_are_the_profilers() -> None:
    module, x = network(), torch.randn(128, 64)
    meter = StepMeter(held_tensors(module), None)
    with meter.counting() as phase:
        with phase("forward"):
            loss = module(x).square().sum()
        with phase("backward"):
            loss.backward()
    memory = meter.memory()
    weights = sum(4 * weight.numel() for weight in module.parameters())
    before = weights + x.nbytes
    module.zero_grad(set_to_none=True)

    forward = allocated_peak(lambda: module(x).square().sum())
    assert memory.peak_bytes("forward") - before == pytest.approx(forward, rel=TOLERANCE)
    both = allocated_peak(lambda: module(x).square().sum().backward())
    assert memory.peak_bytes("backward") - before == pytest.approx(both, rel=TOLERANCE)


@pytest.mark.parametrize("dropout", [0.0, 0.1])  # torch's attention kernel, and our own
@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_our_own_functions_are_counted_as_the_profiler_counts_them(
    tiny: Callable[..., Model], family: str, dropout: float
) -> None:
    model = tiny(family, dropout=dropout)
    LoRA(rank=2, dropout=0.1, targets=("attention",)).prepare(model)
    speed_up(model.module)
    model.module.train()
    inputs = {
        "input_ids": torch.ones(16, 24, dtype=torch.long),
        "attention_mask": torch.ones(16, 24, dtype=torch.long).tril(),
    }

    def learn() -> None:
        model.module(**inputs).logits.square().sum().backward()

    meter = StepMeter(held_tensors(model.module), None)
    with meter.counting() as phase, phase("backward"):
        learn()
    held = sum(tensor.untyped_storage().nbytes() for tensor in held_tensors(model.module))
    before = held + sum(tensor.nbytes for tensor in inputs.values())
    model.module.zero_grad(set_to_none=True)
    found = meter.memory().peak_bytes("backward") - before
    assert found == pytest.approx(allocated_peak(learn), rel=TOLERANCE)


def test_a_view_counts_nothing_and_a_freed_tensor_counts_no_more() -> None:
    with StorageCounter() as counter:
        counter.enter_phase("forward")
        x = torch.zeros(1000)
        y = x.view(10, 100).mT[3:]
        assert counter.alive_bytes["activations"] == 4000
        z = y + 1
        assert counter.alive_bytes["activations"] == 4000 + z.nbytes
        del x, z
        assert counter.alive_bytes["activations"] == 4000  # y is the same storage
        del y
    assert counter.alive_bytes["activations"] == 0
    # y is (97, 10): rows 3 to 99 of the transpose
    assert sum(counter.peaks_bytes["forward"].values()) == 4000 + 97 * 10 * 4


def test_every_kind_is_found_by_hand() -> None:
    module = nn.Linear(10, 20, bias=False)
    frozen = torch.zeros(7)
    optimizer = torch.optim.AdamW(module.parameters(), fused=True)
    meter = StepMeter([*held_tensors(module), frozen], optimizer)
    with meter.counting() as phase:
        with phase("forward"):
            loss = module(torch.ones(3, 10)).sum()
        with phase("backward"):
            loss.backward()
        with phase("update"):
            optimizer.step()
    memory = meter.memory()
    assert memory.weights_bytes == 7 * 4
    assert memory.trainable_bytes == memory.gradients_bytes == 200 * 4
    assert memory.optimizer_bytes == 2 * 200 * 4 + 4  # two moments and the count of steps
    assert memory.flops == {"forward": 2 * 3 * 10 * 20, "backward": 2 * 3 * 10 * 20, "update": 0}


def test_counting_changes_no_number(tiny: Callable[..., Model]) -> None:
    def gradients(counted: bool) -> list[torch.Tensor]:
        model = tiny("bert", dropout=0.1)
        speed_up(model.module)
        model.module.train()
        torch.manual_seed(3)
        meter = StepMeter(held_tensors(model.module), None)
        ids = torch.ones(4, 9, dtype=torch.long)
        if counted:
            with meter.counting() as phase, phase("forward"):
                model.module(input_ids=ids).logits.sum().backward()
        else:
            model.module(input_ids=ids).logits.sum().backward()
        return [w.grad for w in model.module.parameters() if w.grad is not None]

    for plain, counted in zip(gradients(False), gradients(True), strict=True):
        assert torch.equal(plain, counted)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_allocator_agrees() -> None:
    module, x = network().cuda(), torch.randn(128, 64, device="cuda")
    module(x).square().sum().backward()  # the library of matrix products takes room to work in
    module.zero_grad(set_to_none=True)
    held = sum(weight.nbytes for weight in module.parameters()) + x.nbytes
    before = torch.cuda.memory_allocated() - held
    meter = StepMeter(held_tensors(module), None)
    with meter.counting() as phase:
        with phase("forward"):
            loss = module(x).square().sum()
        torch.cuda.reset_peak_memory_stats()
        with phase("backward"):
            loss.backward()
    allocated = torch.cuda.max_memory_allocated() - before
    assert meter.memory().peak_bytes("backward") == pytest.approx(allocated, rel=0.1)


def test_inference_mode_hides_nothing(tiny: Callable[..., Model]) -> None:
    def seen(mode: Callable[[], AbstractContextManager[None]]) -> tuple[int, int]:
        model = tiny("bert")
        meter = StepMeter(held_tensors(model.module), None)
        with meter.counting() as phase, mode(), phase("evaluation"):
            model.module(input_ids=torch.ones(4, 9, dtype=torch.long))
        memory = meter.memory()
        return memory.flops["evaluation"], memory.peak_bytes("evaluation")

    assert seen(torch.inference_mode) == seen(torch.no_grad)


def test_a_phase_inside_another_interrupts_it() -> None:
    """Answers are written inside the evaluation of their batch, and count for themselves."""
    a, b = torch.ones(2, 3), torch.ones(3, 5)
    meter = StepMeter([], None)
    with meter.counting() as phase:
        a @ b  # in no phase
        with phase("evaluation"):
            a @ b
            with phase("generation"):
                a @ b
                a @ b
            a @ b
    product = 2 * 2 * 3 * 5
    assert meter.memory().flops == {"evaluation": 2 * product, "generation": 2 * product}
