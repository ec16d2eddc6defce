"""Every family of image encoders: its own pooled output, or a refusal in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageClassification,
    ConvNextImageProcessorPil,
    PreTrainedConfig,
    ViTImageProcessorPil,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

from tunewise.backbones.encoders import ImageEncoder, image_backbone, load_image_encoder
from tunewise.backbones.fusion import build_fusion
from tunewise.backbones.fusion_shape import image_shape
from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import InputError

SIDE = 32
PLAIN: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": SIDE,
    "patch_size": 8,
    "initializer_range": 0.3,
}
WINDOWS = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4}
WINDOWS |= {"image_size": SIDE, "patch_size": 4, "initializer_range": 0.3}
STAGES = {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2, "image_size": SIDE}

FIRST = {  # a class token, which their own classifiers read
    "vit": PLAIN,
    "deit": PLAIN,
    "vit_msn": PLAIN,
    "dinov2": PLAIN | {"layerscale_value": 1.0},
}
POOLED = {
    "beit": PLAIN,
    "data2vec-vision": PLAIN,
    "swin": WINDOWS,
    "swinv2": WINDOWS,
    "donut-swin": WINDOWS,
    "siglip_vision_model": PLAIN,
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]},
    "regnet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "groups_width": 8},
    "convnext": STAGES,
    "convnextv2": STAGES,
    "efficientnet": {
        "image_size": SIDE,
        "width_coefficient": 0.1,
        "depth_coefficient": 0.1,
        "hidden_dim": 128,
    },
    "mobilenet_v1": {"image_size": SIDE, "depth_multiplier": 0.1},
    "mobilenet_v2": {"image_size": SIDE, "depth_multiplier": 0.1},
    "mobilevit": {"image_size": SIDE, "hidden_sizes": [8, 8, 8], "neck_hidden_sizes": [8] * 7},
}
REFUSED = {
    "ijepa": PLAIN,
    "poolformer": {"hidden_sizes": [4] * 4, "depths": [1] * 4},
    "segformer": {"hidden_sizes": [4] * 4, "depths": [1] * 4, "num_attention_heads": [1] * 4},
    "vit_mae": PLAIN,
    "bert": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1},
    "align": {},
}


def made(kind: Any, config: PreTrainedConfig, **options: Any) -> Any:
    build = kind._from_config if hasattr(kind, "_from_config") else kind.from_config
    return build(config, **options)


def encoder_of(family: str, settings: dict[str, Any]) -> ImageEncoder:
    torch.manual_seed(0)
    with quiet():
        backbone = image_backbone(AutoConfig.for_model(family, **settings), made)
    for layer in backbone.modules():
        if isinstance(layer, torch.nn.Conv2d):  # or what is seen fades away in many small layers
            torch.nn.init.kaiming_normal_(layer.weight)
    return ImageEncoder(backbone).eval()


def images(count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("family", [*FIRST, *POOLED])
@torch.no_grad()
def test_a_vector_is_what_the_family_pools(family: str) -> None:
    encoder = encoder_of(family, {**FIRST, **POOLED}[family])
    pixels = images()
    output = encoder.trunk(pixel_values=pixels)
    if family in FIRST:
        expected = output.last_hidden_state[:, 0]
    else:
        expected = output.pooler_output.flatten(1)
    found = encoder(pixels)
    assert torch.equal(found, expected)
    assert found.shape == (2, encoder.size)


@pytest.mark.parametrize("family", ["vit", "beit", "data2vec-vision", "swin", "resnet", "convnext"])
@torch.no_grad()
def test_it_is_what_the_family_s_own_classifier_reads(family: str) -> None:
    settings = {**FIRST, **POOLED}[family]
    encoder = encoder_of(family, settings)
    classifier = AutoModelForImageClassification.from_config(encoder.trunk.config).eval()
    backbone = getattr(classifier, classifier.base_model_prefix)
    backbone.load_state_dict(encoder.trunk.state_dict())
    read = []
    layers = [m for m in classifier.modules() if isinstance(m, torch.nn.Linear)]
    layers[-1].register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    classifier(pixel_values=images())
    torch.testing.assert_close(encoder(images()), read[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", [*FIRST, *POOLED])
@torch.no_grad()
def test_what_is_far_from_the_corner_counts(family: str) -> None:
    encoder = encoder_of(family, {**FIRST, **POOLED}[family]).double()
    pixels = images(1).double()
    other = pixels.clone()
    other[:, :, SIDE // 2 :, SIDE // 2 :] = pixels[:, :, SIDE // 2 :, SIDE // 2 :].flip(-1, -2)
    vector = encoder(pixels)
    assert (vector - encoder(other)).abs().max() > 1e-3 * vector.abs().max()


@pytest.mark.parametrize("family", REFUSED)
def test_a_family_without_such_a_vector_is_refused_in_words(family: str) -> None:
    message = r"gives no vector|reads no images|another way each time|library has no encoder"
    with pytest.raises(ValueError, match=message):
        encoder_of(family, REFUSED[family])


@pytest.mark.faults
@pytest.mark.parametrize("family", MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES)
def test_no_family_of_the_library_fails_without_words(family: str, tmp_path: Path) -> None:
    """At its full size, without numbers: a vector, or a reason."""
    with quiet():
        AutoConfig.for_model(family).save_pretrained(tmp_path)
    try:
        with torch.device("meta"), quiet():
            found = image_shape({"pretrained_model_name_or_path": str(tmp_path)})
    except (ValueError, ImportError) as error:
        assert "model" in str(error).lower() or "library" in str(error)
    else:
        assert found.size > 0


@pytest.mark.parametrize("family", ["swin", "siglip_vision_model", "efficientnet", "mobilenet_v2"])
def test_it_is_loaded_with_its_processor_and_found_by_its_shape(
    family: str, tmp_path: Path
) -> None:
    encoder = encoder_of(family, POOLED[family])
    backbone: Any = encoder.trunk
    backbone.save_pretrained(tmp_path)
    size = {"height": SIDE, "width": SIDE}
    ViTImageProcessorPil(size=size).save_pretrained(tmp_path)
    loaded, processor = load_image_encoder({"pretrained_model_name_or_path": str(tmp_path)})
    assert torch.equal(loaded.eval()(images()), encoder(images()))
    with torch.device("meta"):
        assert image_shape({"pretrained_model_name_or_path": str(tmp_path)}).size == loaded.size
    assert processor.size == size


def test_a_tower_of_two_is_loaded_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        "siglip", vision_config=PLAIN, text_config={**PLAIN, "vocab_size": 20}
    )
    with quiet():
        both = AutoModel.from_config(config).eval()
        both.save_pretrained(tmp_path)
    ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(tmp_path)
    encoder, _ = load_image_encoder({"pretrained_model_name_or_path": str(tmp_path)})
    with torch.no_grad():
        expected = both.get_image_features(images())
        found = encoder(images())
    expected = getattr(expected, "pooler_output", expected)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_an_image_model_without_a_vector_is_an_input_error(tmp_path: Path, checkpoint: Any) -> None:
    encoder = AutoModel.from_config(AutoConfig.for_model("ijepa", **PLAIN))
    encoder.save_pretrained(tmp_path)
    ConvNextImageProcessorPil(size={"shortest_edge": SIDE}).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"encoder of images .*a ijepa model gives no vector"):
        build_fusion(f"{tmp_path} + {checkpoint('bert')}", options=["a", "b"], seed=0)


def test_only_families_that_were_read_otherwise_are_marked() -> None:
    """The mark is part of a trial's name: results of the others keep theirs."""
    marks = {family: bool(encoder_of(family, s).reads) for family, s in {**FIRST, **POOLED}.items()}
    old = {*FIRST, "resnet", "regnet", "convnext", "convnextv2", "mobilevit"}
    assert {family for family, marked in marks.items() if not marked} == old
