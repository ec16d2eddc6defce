"""How much enters a step and what comes beside it, and batches of that shape that say nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tunewise.backbones.model import Model
from tunewise.backbones.stored import AT_ONCE, IMAGES_AT_ONCE
from tunewise.data.embedded_world.scenes import BLANK
from tunewise.decoding.strategies import PROMPTS_AT_ONCE
from tunewise.tasks.base import Batch, Encoded, Task
from tunewise.training.predictor import EVALUATION_BATCH
from tunewise.training.vectors import frozen_encoders


@dataclass(frozen=True)
class StepShape:
    """How much enters at once. `tokens` are those of the longest example, padding included.

    Where answers are written, `targets` counts the tokens that a part of a step learns, and
    `prompt_tokens` is the longest prompt of an evaluation.
    """

    examples: int  # of a step, over all its parts
    tokens: int
    parts: int = 1
    evaluated: int = EVALUATION_BATCH  # examples of an evaluation batch
    evaluated_tokens: int | None = None  # None: as in training
    targets: int | None = None  # None: every token
    evaluated_targets: int | None = None
    prompt_tokens: int | None = None  # None: as evaluated
    read: int = AT_ONCE  # texts that a frozen encoder reads at once
    pictures: int = IMAGES_AT_ONCE  # likewise

    @property
    def examples_at_once(self) -> int:
        return -(-self.examples // self.parts)

    @property
    def tokens_evaluated(self) -> int:
        return self.evaluated_tokens or self.tokens

    def cut(self, limit: int) -> StepShape:
        """The same with at most so many tokens in an example."""
        return replace(
            self,
            tokens=min(self.tokens, limit),
            evaluated_tokens=min(self.tokens_evaluated, limit),
            prompt_tokens=self.prompt_tokens and min(self.prompt_tokens, limit),
        )


@dataclass(frozen=True)
class StepBatches:
    """What a training step, an evaluation, and what comes beside them are given."""

    training: Sequence[Batch]
    evaluation: Batch
    read: Batch | None = None  # by frozen encoders, before the training
    prompts: Batch | None = None  # that answers are written after

    def mapped(self, change: Callable[[Batch], Batch]) -> StepBatches:
        """Each batch changed; the parts of a step, which are one batch, stay one."""
        done = {id(batch): change(batch) for batch in self.training}
        return replace(
            self,
            training=[done[id(batch)] for batch in self.training],
            evaluation=change(self.evaluation),
            read=self.read and change(self.read),
            prompts=self.prompts and change(self.prompts),
        )


def step_batches(model: Model, task: Task, shape: StepShape, *, packs: bool = False) -> StepBatches:
    """Batches of a shape for a model with the method applied.

    Where training `packs`, the examples of a step stand for rows, each of which is full.
    """
    processor, wide = model.processor, shape.tokens_evaluated
    if task.writing:
        prompt = shape.prompt_tokens or wide
        prompts = min(shape.evaluated, PROMPTS_AT_ONCE)
        learnt = fake_answers(shape.examples_at_once, shape.tokens, shape.targets)
        evaluated = fake_answers(shape.evaluated, wide, shape.evaluated_targets)
        collate = task.packed if packs else task.collate
        return StepBatches(
            [collate(learnt, processor)] * shape.parts,
            task.collate(evaluated, processor),
            prompts=task.collate(fake_answers(prompts, prompt, 0), processor),
        )
    encoders = frozen_encoders(model)
    image = "" if task.reading.image is None or "image" in encoders else BLANK
    learnt = fake_examples(model, shape.examples_at_once, shape.tokens, image)
    evaluated = fake_examples(model, shape.evaluated, wide, image)
    read = None
    if encoders:  # texts and images, of which there may be fewer
        most = max(shape.read, shape.pictures)
        read = task.collate(fake_examples(model, most, max(shape.tokens, wide), BLANK), processor)
        inputs = {name: tensor[: shape.read].clone() for name, tensor in read.inputs.items()}
        inputs["pixel_values"] = read.inputs["pixel_values"][: shape.pictures].clone()
        read = replace(read, inputs=inputs)
    return StepBatches(
        [task.collate(learnt, processor)] * shape.parts,
        task.collate(evaluated, processor),
        read=read,
    )


def fake_examples(model: Model, examples: int, tokens: int, image: str = "") -> list[Encoded]:
    """Examples of one length; all but the first are a token shorter, so that there is padding."""
    names = ["input_ids", "attention_mask"]
    if "token_type_ids" in getattr(model.processor, "model_input_names", ()):
        names.append("token_type_ids")
    return [
        Encoded(
            str(number),
            {name: [int(name == "attention_mask")] * length for name in names},
            0,
            length,
            image=image,
        )
        for number, length in enumerate(_lengths(examples, tokens))
    ]


def fake_answers(examples: int, tokens: int, targets: int | None) -> list[Encoded]:
    """Prompts with answers, lengths as of `fake_examples`; the answers share the targets.

    Without a number of targets every token is learned; with 0 there are prompts alone.
    """
    found = []
    for number, length in enumerate(_lengths(examples, tokens)):
        answer = length
        if targets is not None:
            each = targets // examples + (number < targets % examples)
            answer = min(each, length - 1)
        found.append(
            Encoded(str(number), {"input_ids": [0] * length}, None, length, length - answer)
        )
    return found


def _lengths(examples: int, tokens: int) -> list[int]:
    return [tokens, *[max(1, tokens - 1)] * (examples - 1)]
