"""A image encoder of a known architecture with random weights, in a folder of the usual form.

    python scripts/random_encoder.py resnet-50 FOLDER

For places without a hub: shapes, times and memory are those of the real encoder; what it says of an
image is not.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    PreTrainedModel,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTModel,
)

from tunewise.core.files import write_json

PROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"height": 224, "width": 224},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}


def made(kind: str) -> PreTrainedModel:
    match kind:
        case "resnet-50":
            return ResNetModel(ResNetConfig())
        case "vit-base":
            return ViTModel(ViTConfig(), add_pooling_layer=False)
        case _:
            return CLIPVisionModelWithProjection(CLIPVisionConfig())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("kind", choices=["resnet-50", "vit-base", "clip-vit-base-patch32"])
    parser.add_argument("folder", type=Path)
    wanted = parser.parse_args()
    torch.manual_seed(0)
    made(wanted.kind).save_pretrained(wanted.folder)
    write_json(wanted.folder / "preprocessor_config.json", PROCESSOR)


if __name__ == "__main__":
    main()
