"""The table of well-known models: its shapes give its parameters, and a plan can do with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from tunewise.backbones import shapes
from tunewise.backbones.known import FILE, KnownModel, known_model, known_models
from tunewise.backbones.shapes import build_shape, configuration_folder
from tunewise.core.errors import InputError
from tunewise.data.first_look.languages import NAMES


@pytest.mark.parametrize("model", known_models(), ids=lambda model: model.name)
def test_the_shapes_give_the_parameters(model: KnownModel) -> None:
    kind: Any = AutoModelForCausalLM if model.forms[0] == "write" else AutoModel
    with torch.device("meta"):
        built = kind.from_config(AutoConfig.for_model(model.family, **model.config))
    assert sum(weight.numel() for weight in built.parameters()) == model.parameters
    table = built.get_input_embeddings().weight
    assert (table.numel(), table.shape[1]) == (model.embedded, model.width)
    assert built.config.num_hidden_layers == model.layers


def test_every_fact_has_a_form_that_is_understood() -> None:
    for model in known_models():
        assert set(model.languages) <= {*NAMES, "many"}
        assert set(model.forms) <= {"choose", "write"}
        assert model.context >= 512
        assert model.license
    assert '"sources"' in FILE.read_text()


def test_a_name_without_its_owner_is_known_too() -> None:
    assert known_model("bert-base-uncased") == known_model("google-bert/bert-base-uncased")
    assert known_model("base-uncased") is None


def test_without_a_hub_the_shapes_of_the_table_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*asked: Any, **how: Any) -> str:
        raise OSError("no network")

    monkeypatch.setattr(shapes, "hf_hub_download", nothing)
    folder = configuration_folder("sentence-transformers/all-MiniLM-L6-v2")
    assert isinstance(folder, Path)
    model = build_shape(folder, options=["a", "b"])
    assert sum(weight.numel() for weight in model.module.parameters()) == 22713216 + 2 * 385
    with pytest.raises(InputError, match="nobody/no-model"):
        configuration_folder("nobody/no-model")
