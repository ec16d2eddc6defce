"""Questions about images: what is read, what is stored, and what the head learns from both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tasks.conftest import COLOURS
from transformers import (
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTModel,
)

from tunewise.backbones.encoders import ImageEncoder, TextEncoder
from tunewise.backbones.fusion import Fusion
from tunewise.backbones.model import Model
from tunewise.backbones.modules import targets
from tunewise.core.errors import InputError
from tunewise.data.examples import Example
from tunewise.data.settings import DataSettings
from tunewise.data.sources import read_data
from tunewise.methods.fusion import FusionMethod
from tunewise.methods.lora import LoRA
from tunewise.methods.nearest_neighbour import NearestNeighbour
from tunewise.tasks.visual_question_answering import VisualQuestionAnswering
from tunewise.training.encoded_split import Feed
from tunewise.training.vectors import VectorStore, frozen_encoders

TASK = VisualQuestionAnswering(image="image", question="question", answer="answer")


@pytest.fixture
def model(image_encoder: Path, checkpoint: Callable[[str], Path]) -> Model:
    return TASK.builder.build(
        f"{image_encoder} + {checkpoint('bert')}", options=list(COLOURS), seed=0
    )


def settled(folder: Path, task: VisualQuestionAnswering) -> Any:
    return task.settle(read_data(DataSettings(source=str(folder)), task.reading.columns, Path()))


def examples_of(folder: Path, task: VisualQuestionAnswering, split: str) -> list[Example]:
    """As a study has them: images under the names of their content."""
    found = settled(folder, task)
    kept = folder / "kept"
    kept.mkdir(exist_ok=True)
    for name, content in found.images.items():
        (kept / name).write_bytes(content)
    rows = (task.read(row) for row in found.splits[split])
    return [example._replace(image=str(kept / example.image)) for example in rows]


IN_FOLDER = replace(TASK, folder="pictures")


def test_every_bad_image_is_reported_with_its_row(data_folder: Path) -> None:
    images = data_folder / "pictures"
    (images / "train0.png").write_bytes(b"")
    (images / "train1.png").write_bytes((images / "train1.png").read_bytes()[:-20])
    (images / "validation0.png").unlink()
    with pytest.raises(InputError) as caught:
        settled(data_folder, IN_FOLDER)
    message = [str(problem) for problem in caught.value.problems]
    assert len(message) == 3
    assert "train.csv:2 image: train0.png: is empty" in message[0]
    assert "train.csv:4 image: train1.png: is damaged" in message[1]
    assert "no such image" in message[2]


def test_a_folder_that_is_not_there_is_reported_once(data_folder: Path) -> None:
    with pytest.raises(
        InputError, match=r"^task.folder: .*no such folder. Did you mean 'pictures'"
    ):
        settled(data_folder, replace(TASK, folder="picture"))


def test_the_data_s_own_name_of_an_image_is_kept_beside_its_content_s(data_folder: Path) -> None:
    found = settled(data_folder, IN_FOLDER)
    assert found.beside == ("image_path",)
    assert found.data.splits["test"][0]["image_path"] == "test0.png"
    assert "image_path" not in found.splits["test"][0]  # what names a trial does not hold it


def test_rare_answers_are_left_out_and_reported(data_folder: Path) -> None:
    found = settled(data_folder, replace(IN_FOLDER, most=2))
    assert len(found.options) == 2
    assert {name: len(rows) for name, rows in found.splits.items()} == {
        "train": 16,
        "validation": 8,
        "test": 8,
    }
    assert "33.3% of train" in found.data.notes[-1]
    assert found.facts["train"]["rows_with_rare_answers"] == pytest.approx(1 / 3)


def test_types_are_counted_and_stand_in_every_row(data_folder: Path) -> None:
    found = settled(data_folder, IN_FOLDER)
    assert found.facts["train"]["question_types"] == {
        "object": 24,
        "number": 0,
        "colour": 0,
        "location": 0,
    }
    assert {row["question_type"] for row in found.splits["test"]} == {"object"}


def test_the_head_is_all_that_fusion_trains(model: Model) -> None:
    method = FusionMethod(width=5)
    method.prepare(model)
    trained = {n: w for n, w in model.module.named_parameters() if w.requires_grad}
    assert set(trained) == set(model.head)
    image, text = 16, 16
    assert sum(w.numel() for w in trained.values()) == 5 * (image + 1) + 5 * (text + 1) + 3 * 11
    assert frozen_encoders(model) == ("image", "text")


@pytest.mark.parametrize("inputs", ["question", "picture"])
def test_one_input_alone_ignores_the_other(model: Model, data_folder: Path, inputs: Any) -> None:
    FusionMethod(inputs=inputs, width=5).prepare(model)
    module = model.module.eval()
    batch = TASK.collate(encoded(model, data_folder), model.processor).inputs
    changed = dict(batch)
    other = "pixel_values" if inputs == "question" else "input_ids"
    changed[other] = torch.zeros_like(batch[other])
    assert torch.equal(module(**batch).logits, module(**changed).logits)


def encoded(model: Model, folder: Path, split: str = "train") -> Any:
    return IN_FOLDER.encode(examples_of(folder, IN_FOLDER, split), model.processor, max_length=16)


@pytest.mark.parametrize("method", [FusionMethod(), LoRA(rank=2, targets=("text.query",))])
def test_stored_vectors_give_what_the_encoders_give(
    model: Model, data_folder: Path, method: Any
) -> None:
    method.prepare(model)
    module = model.module.eval()
    examples = encoded(model, data_folder)
    encoders = frozen_encoders(model)
    assert encoders == (("image", "text") if isinstance(method, FusionMethod) else ("image",))
    store = VectorStore(data_folder / "features", model, encoders)
    kept, stored = store.get("train", examples)
    places = [5, 0, 23]
    with torch.no_grad():
        live = module(**Feed(TASK, model.processor, examples).batch(places).inputs).logits
        batch = Feed(TASK, model.processor, kept, stored).batch(places)
        found = module(**batch.inputs).logits
    assert "pixel_values" not in batch.inputs
    assert torch.allclose(found, live, atol=1e-6)


def test_an_image_is_encoded_once_however_many_questions_it_has(
    model: Model, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNEWISE_CACHE", str(data_folder / "cache"))
    FusionMethod().prepare(model)
    seen = []
    forward = ImageEncoder.forward

    def counted(self: ImageEncoder, pixel_values: Any) -> Any:
        seen.append(len(pixel_values.unique(dim=0)))  # a batch is filled up with its last image
        return forward(self, pixel_values)

    monkeypatch.setattr(ImageEncoder, "forward", counted)
    examples = encoded(model, data_folder)
    for study in ("one", "two"):
        store = VectorStore(data_folder / study, model, ("image", "text"))
        store.get("train", examples)
    assert len(examples) == 24
    assert sum(seen) == 12


def test_targets_can_name_one_of_the_encoders(model: Model) -> None:
    assert all(path.startswith("text.") for path, _ in targets(model, ["text.query"]))
    with pytest.raises(InputError, match=r"'image.query' matches no linear layer"):
        targets(model, ["image.query"])  # a ResNet has no attention


def test_the_nearest_neighbour_of_an_example_is_itself(model: Model, data_folder: Path) -> None:
    train = examples_of(data_folder, IN_FOLDER, "train")
    method = NearestNeighbour()
    predictor = method.fit(train, list(COLOURS), model=model, seed=0)
    assert [p.choice for p in predictor.predict(train)] == [e.label for e in train]
    predictor.save(data_folder / "saved")
    again = method.load(data_folder / "saved", model=model)
    assert again.predict(train[:3]) == predictor.predict(train[:3])


def test_fusion_needs_images(tiny: Callable[..., Model]) -> None:
    with pytest.raises(InputError, match="needs an image encoder"):
        FusionMethod().prepare(tiny("bert"))


def test_the_published_encoders_give_vectors_of_their_known_sizes() -> None:
    tokens = torch.ones(2, 7, dtype=torch.long)
    with torch.device("meta"):
        pixels = torch.zeros(2, 3, 224, 224)
        images = {
            2048: ResNetModel(ResNetConfig()),
            768: ViTModel(ViTConfig(), add_pooling_layer=False),
            512: CLIPVisionModelWithProjection(CLIPVisionConfig()),
        }
        for size, backbone in images.items():
            assert ImageEncoder(backbone)(pixels).shape == (2, size)
    small = CLIPTextConfig(
        vocab_size=20,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
    )
    clip = TextEncoder(CLIPTextModelWithProjection(small))
    assert clip.size == CLIPTextConfig().projection_dim == 512
    assert clip(tokens, torch.ones_like(tokens)).shape == (2, 512)


def test_a_fusion_head_is_the_formula_of_its_docstring(model: Model) -> None:
    module = model.module
    assert isinstance(module, Fusion)
    head = module.head
    image, question = torch.randn(4, 16), torch.randn(4, 16)
    left = (image @ head.picture.weight.T + head.picture.bias).clamp(min=0)
    right = (question @ head.question.weight.T + head.question.bias).clamp(min=0)
    both = torch.cat([left, right], 1)
    expected = both @ head.classifier.weight.T + head.classifier.bias
    assert torch.allclose(head(image, question), expected, atol=1e-6)
