"""Pretrain the small image encoder that ships with the package, on drawn rooms.

    python scripts/pretrain_images.py [--steps N] [--out FOLDER]

One thread; about 10 minutes. A vision Transformer learns to tell from its first position what
stands at each of the six places of a scene: the thing, how many, and in which color. No question
is seen. The scenes are others than those of the embedded questions, by their numbers. Only the
encoder is kept.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import torch
from pretrain_embedded import rate
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import ViTConfig, ViTModel

from tunewise.core.files import write_json
from tunewise.data.embedded_world.drawings import HEIGHT, WIDTH, drawing
from tunewise.data.embedded_world.scenes import (
    COLOURS,
    LEVELS,
    MOST,
    ON_FLOOR,
    ON_WALL,
    SIDES,
    Scene,
    scene,
)

FOLDER = Path(__file__).parents[1] / "src/tunewise/backbones/embedded/picture-encoder"
SEED = 1
FIRST_SCENE = 1_000_000  # the embedded questions are about scenes of lower numbers
CONFIG = {
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 256,
    "image_size": (HEIGHT, WIDTH),
    "patch_size": 16,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
PROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"height": HEIGHT, "width": WIDTH},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
BATCH = 64
LEARNING_RATE = 1e-3
NOUNS = (*ON_FLOOR, *ON_WALL)
PLACES = [(level, side) for level in LEVELS for side in SIDES]
SIZES = (len(NOUNS) + 1, len(COLOURS) + 1, MOST + 1)  # classes of each place; 0 is nothing


def pixels(scenes: list[Scene]) -> Tensor:
    """Shape (batch, 3, height, width), from -1 to 1, as the processor makes them."""
    arrays = np.stack([np.asarray(drawing(one)) for one in scenes])
    return torch.from_numpy(arrays).permute(0, 3, 1, 2).float() / 127.5 - 1


def targets(scenes: list[Scene]) -> Tensor:
    """Shape (batch, places, 3): the thing, the color and the number at each place."""
    found = torch.zeros(len(scenes), len(PLACES), 3, dtype=torch.long)
    for row, one in enumerate(scenes):
        for group in one.groups:
            place = PLACES.index((group.level, group.side))
            numbers = (NOUNS.index(group.noun) + 1, COLOURS.index(group.colour) + 1, group.count)
            found[row, place] = torch.tensor(numbers)
    return found


def loss_of(logits: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Mean loss over places and questions in nats, and the fraction told correctly of each kind."""
    parts = logits.view(len(logits), len(PLACES), sum(SIZES)).split(SIZES, dim=2)
    filled = wanted[:, :, 0] > 0
    losses = [
        cross_entropy(part.flatten(0, 1), wanted[:, :, kind].flatten())
        for kind, part in enumerate(parts)
    ]
    fractions = [
        (part.argmax(2) == wanted[:, :, kind])[filled].float().mean()
        for kind, part in enumerate(parts)
    ]
    return torch.stack(losses).mean(), torch.stack(fractions)


def pretrain(model: ViTModel, reader: nn.Module, steps: int) -> None:
    weights = [*model.parameters(), *reader.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    began = time.monotonic()
    for step in range(steps):
        first = FIRST_SCENE + step * BATCH
        scenes = [scene(number) for number in range(first, first + BATCH)]
        states = model(pixels(scenes)).last_hidden_state[:, 0]
        loss, fractions = loss_of(reader(states), targets(scenes))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if (step + 1) % 100 == 0 or step + 1 == steps:
            passed = time.monotonic() - began
            message = ", ".join(f"{fraction:.2f}" for fraction in fractions)
            print(
                f"step {step + 1}/{steps}  loss {loss:.3f}  thing, colour, number: {message}  "
                f"{passed:.0f} s, {passed / (step + 1) * (steps - step - 1):.0f} s left",
                file=sys.stderr,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    model = ViTModel(ViTConfig(**CONFIG), add_pooling_layer=False)
    reader = nn.Linear(model.config.hidden_size, len(PLACES) * sum(SIZES))
    pretrain(model, reader, options.steps)
    shutil.rmtree(options.out, ignore_errors=True)
    model.half().save_pretrained(options.out)
    write_json(options.out / "preprocessor_config.json", PROCESSOR)


if __name__ == "__main__":
    main()
