"""Memory predicted and memory measured: five methods on three models of everyday size.

    python benchmarks/memory.py [--families bert gpt2] [--batches 2 4 8] [--length 64]
                                [--precision bfloat16] [--quantize nf4]

Each model has the shape of the published one and random numbers; no weights are fetched. What
is measured are the storages alive in a real step and a real evaluation of the same batch; beside
it stands the highest resident memory of the process. Every line is measured in a process of its
own. The exit code is 1 where a prediction is off by more than 2 %.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import IA3Config, inject_adapter_in_model
from transformers import AutoConfig
from transformers.pytorch_utils import Conv1D

from tunewise.backbones.model import Model
from tunewise.backbones.modules import roles
from tunewise.backbones.shapes import build_shape
from tunewise.costs.measure import peak_resident_bytes
from tunewise.estimate.memory import MemoryPrediction, count_step, predict_memory
from tunewise.estimate.step_shape import StepShape, step_batches
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.head import Head
from tunewise.methods.lora import LoRA
from tunewise.methods.prefix import PrefixTuning
from tunewise.methods.trained import load_trained, save_trained, train_only
from tunewise.tasks.classification import Classification
from tunewise.training.assembly import compute_as, settle
from tunewise.training.settings import TrainingSettings

TASK = Classification(text=("text",), label="label")
OPTIONS = ("a", "b", "c")


@dataclass(frozen=True)
class IA3(Adaptation):
    """PEFT's (IA)^3 as the library builds it: a method that is none of ours."""

    learning_rate = 1e-3

    def prepare(self, model: Model) -> None:
        linear = roles(model)
        ends = {path for path, own in linear.items() if {"query", "key", "value"} & set(own)}
        inject_adapter_in_model(
            IA3Config(
                target_modules=sorted(ends),
                feedforward_modules=[],
                fan_in_fan_out=isinstance(model.module.get_submodule(min(ends)), Conv1D),
            ),
            model.module,
        )
        names = [name for name, _ in model.module.named_parameters() if "ia3_" in name]
        train_only(model, [*names, *model.head])

    def save(self, model: Model, folder: Path) -> None:
        save_trained(model, folder)

    def load(self, model: Model, folder: Path) -> None:
        load_trained(model, folder)


def predicted(
    folder: Path, method: Adaptation, training: TrainingSettings, shape: StepShape
) -> MemoryPrediction:
    model = build_shape(folder, options=OPTIONS, dropout=training.dropout)
    return predict_memory(model, TASK, method, training, shape)


def measured(
    folder: Path, method: Adaptation, training: TrainingSettings, shape: StepShape
) -> MemoryPrediction:
    """The same step and evaluation with numbers."""
    torch.manual_seed(0)
    model = build_shape(folder, options=OPTIONS, dropout=training.dropout, device="cpu")
    compute_as(model, training)
    method.prepare(model)
    settle(model, training)
    return count_step(model, TASK, method, training, step_batches(model, TASK, shape))


FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {},  # the library's defaults are those of bert-base, roberta-base and gpt2
    "roberta": {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1},
    "gpt2": {},
    "llama": {  # the shape of SmolLM2-135M, whose checkpoint is in bfloat16
        **{"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30},
        **{"num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152},
        **{"tie_word_embeddings": True, "dtype": "bfloat16"},
    },
}
METHODS: dict[str, Adaptation] = {
    "full": Full(),
    "head": Head(),
    "prefix": PrefixTuning(),
    "lora": LoRA(),
    "ia3": IA3(),
}
TOLERANCE = 0.02
COLUMNS = (
    *("model", "method", "batch", "foreseen, MB", "measured, MB", "off", "worst phase"),
    *("peak in", "resident, MB", "seconds to foresee"),
)


def line(family: str, method: str, batch: int, length: int, training: TrainingSettings) -> int:
    """Predict and measure one contender; print both. 1 where they are too far apart."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        AutoConfig.for_model(family, **FAMILIES[family]).save_pretrained(folder)
        shape = StepShape(batch, length, evaluated=batch)
        start = time.perf_counter()
        expected = predicted(folder, METHODS[method], training, shape)
        seconds = time.perf_counter() - start
        found = measured(folder, METHODS[method], training, shape)
    off = expected.most_bytes / found.most_bytes - 1
    parts = [
        expected.memory.peak_bytes(phase) / found.memory.peak_bytes(phase) - 1
        for phase in found.memory.peaks_bytes
    ]
    worst = max(parts, key=abs)
    print(
        f"| {family} | {method} | {batch} | {expected.most_bytes / 1e6:,.1f} "
        f"| {found.most_bytes / 1e6:,.1f} | {off:+.2%} | {worst:+.2%} | {found.memory.peak_phase} "
        f"| {(peak_resident_bytes() or 0) / 1e6:,.0f} | {seconds:.1f} |",
        flush=True,
    )
    return int(abs(off) > TOLERANCE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--batches", nargs="+", type=int, default=[2, 4, 8])
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--quantize", choices=("nf4",))
    parser.add_argument("--one", action="store_true", help="measure here, in this process")
    wanted = parser.parse_args()
    lines = [
        (family, method, batch)
        for family in wanted.families
        for method in wanted.methods
        for batch in wanted.batches
    ]
    if wanted.one:
        training = TrainingSettings(precision=wanted.precision, quantize=wanted.quantize)
        return max(line(*each, wanted.length, training) for each in lines)
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|", flush=True)
    missed = 0
    for family, method, batch in lines:
        command = [sys.executable, __file__, "--one", "--families", family, "--methods", method]
        command += ["--batches", str(batch), "--length", str(wanted.length)]
        command += ["--precision", wanted.precision]
        command += ["--quantize", wanted.quantize] if wanted.quantize else []
        missed += subprocess.run(command, check=False, env=os.environ).returncode != 0
    print(f"{len(lines) - missed} of {len(lines)} within {TOLERANCE:.0%}")
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
