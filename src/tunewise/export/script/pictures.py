"""What a script says of questions about images."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from torch import nn
from transformers import MODEL_FOR_TEXT_ENCODING_MAPPING
from transformers.modeling_utils import PreTrainedModel

from tunewise.backbones.encoders import image_options, is_clip
from tunewise.backbones.fusion import WIDTH, Fusion
from tunewise.backbones.model import Model
from tunewise.backbones.pooling import backbone_options
from tunewise.backbones.sentence import Normalize
from tunewise.data.examples import Example
from tunewise.export.script.classifiers import check_tokenizer, column
from tunewise.export.script.plan import Plan, no_script
from tunewise.training.assembly import Parts
from tunewise.training.vectors import frozen_encoders

IMAGES = "images"  # the folder beside the rows


def add_questions(plan: Plan, parts: Parts) -> None:
    """The values of the task, whatever answers it."""
    task: Any = parts.task
    plan.decided |= {"METRICS": task.metrics}
    plan.constants |= {
        "METRICS": task.metrics,
        "LABELS": list(parts.options),
        "TEXT_COLUMNS": [column(task.question)],
        "IMAGE_COLUMN": column(task.image),
        "LABEL_COLUMN": column(task.answer),
    }


def add_pair(plan: Plan, parts: Parts, model: Model) -> None:
    """The blocks and values of the two encoders and their head.

    Raises:
        InputError: a script cannot build them.
    """
    module = model.module
    assert isinstance(module, Fusion)
    check_tokenizer(model.processor.tokenizer)
    sentence = module.text.sentence
    behind = [part for part in sentence.behind if not isinstance(part, nn.Identity)]
    if sentence.lower or any(not isinstance(part, Normalize) for part in behind):
        raise no_script(
            "the text encoder has parts behind its pooling, or reads lower case. --as folder is "
            "written for it."
        )
    frozen = frozen_encoders(model)
    text: Any = module.text.trunk
    image: Any = module.image.trunk
    if not isinstance(text, PreTrainedModel) or not isinstance(image, PreTrainedModel):
        raise no_script(
            "an encoder is no model of transformers alone. --as folder is written for it."
        )
    text_is_clip, image_is_clip = is_clip(text.config), is_clip(image.config)
    encodes = type(text.config) in MODEL_FOR_TEXT_ENCODING_MAPPING
    plan.blocks += ["main_pictures", "pictures", "pooled"]
    plan.decided |= {
        "DATA_TYPE": "image",
        "IMAGE_RESTS": "image" in frozen,
        "TEXT_RESTS": "text" in frozen,
        "IMAGE_KIND": "clip" if image_is_clip else "auto",
        "TEXT_KIND": "clip" if text_is_clip else "encoding" if encodes else "auto",
        "NORMALIZES": bool(behind),
        "HAS_HEAD_METHOD": parts.method.name == "fusion",
        "SAVES_WHOLE": False,
        "INPUTS": module.head.inputs,
    }
    plan.constants |= {
        "MAX_LENGTH": parts.max_length(model),
        "POOLING": list(sentence.pooling),
        "TEXT_PREFIX": sentence.prefix,
        "IMAGE_OUTPUT": module.image.pooling,
        "IMAGE_SIZE": module.image.size,
        "TEXT_SIZE": module.text.size,
        "WIDTH": WIDTH,
        "IMAGE_OPTIONS": {} if image_is_clip else image_options(image.config),
        "ENCODER_OPTIONS": {} if text_is_clip else backbone_options(text.config),
        "TASK_TYPE": None,
    }
    plan.decided["IMAGE_OUTPUT"] = module.image.pooling


def image_row(parts: Parts, example: Example, folder: Path) -> dict[str, Any]:
    """An example as the script reads it; its image is copied into the folder."""
    task: Any = parts.task
    source = Path(example.image)
    target = folder / IMAGES / source.name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return {
        "id": example.id,
        column(task.image): source.name,
        column(task.question): example.texts[0],
        column(task.answer): None if example.label is None else parts.options[example.label],
    }
