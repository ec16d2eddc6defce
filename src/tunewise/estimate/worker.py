"""``python -m tunewise.estimate.worker``: predicts contenders, a line of JSON for each.

A process of its own, with the threads that a trial has, so that whoever plans keeps no models.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from tunewise.backbones.model import Model
from tunewise.backbones.modules import ATTENTION, roles, shape_of
from tunewise.backbones.shapes import has_tokenizer
from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError
from tunewise.costs.calibration import Calibration, remember
from tunewise.costs.machine_speed import (
    bfloat16_on_card,
    calibrate,
    confirmed_calibration,
)
from tunewise.costs.measure import peak_resident_bytes
from tunewise.costs.parameters import parameter_counts, parameters_by_group, reduction_factor
from tunewise.estimate.fake_tensors import NotPredictable
from tunewise.estimate.memory import applied, predict_applied
from tunewise.estimate.slices import gathered_bytes, in_slices
from tunewise.estimate.step_overhead import with_overhead
from tunewise.estimate.step_shape import StepShape
from tunewise.methods.base import METHODS, Adaptation, AsIs
from tunewise.methods.lora_layer import LoRALinear
from tunewise.tasks.base import TASKS, Task
from tunewise.tasks.lengths import limit
from tunewise.training.settings import TrainingSettings


def main() -> None:
    """Answer requests until the input ends. Libraries that print do so on stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    made: dict[str, Model] = {}
    for line in sys.stdin:
        answer = _answer(json.loads(line), made)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(request: JSONObject, made: dict[str, Model]) -> JSONObject:
    match request["ask"]:
        case "calibration":
            return asdict(calibrated())
        case "bfloat16":
            return {"step": bfloat16_step()}
        case "model":
            return about_model(_model(request, made))
        case _:
            return predicted(request, _model(request, made))


def calibrated() -> Calibration:
    """What this machine can do, measured now; it is remembered for later plans."""
    found = with_overhead(calibrate())
    remember(found)
    return found


def bfloat16_step() -> float:
    """The time of a step in bfloat16 over that in float32, on the device that trials have."""
    if torch.cuda.is_available():
        return bfloat16_on_card()
    known = confirmed_calibration(torch.get_num_threads()) or calibrated()
    return known.bfloat16_step


def _model(request: JSONObject, made: dict[str, Model]) -> Model:
    key = json.dumps([request[name] for name in ("folders", "task", "dropout", "options")])
    if key not in made:
        made.clear()  # requests come model by model
        made[key] = _task(request).builder.shape(
            [Path(folder) for folder in request["folders"]],
            options=request["options"],
            dropout=request["dropout"],
        )
    return made[key]


def _task(request: JSONObject) -> Task:
    values = {**request["task"]}
    return TASKS.build(values.pop("kind"), values)


def about_model(model: Model) -> JSONObject:
    return {
        "max_length": model.max_length,
        "has_tokenizer": has_tokenizer(model),
        "libraries_bytes": peak_resident_bytes(),
    }


def predicted(request: JSONObject, model: Model) -> JSONObject:
    """Parameters, memory and work of one contender; what cannot be predicted says why."""
    task = _task(request)
    method = METHODS.build(request["method"]["name"], request["method"]["settings"])
    assert isinstance(method, (Adaptation, AsIs))
    training = TrainingSettings(**request["training"])
    base = {name for name, _ in model.module.named_parameters()}
    attention = {path for path, own in roles(model).items() if set(own) & set(ATTENTION)}
    try:
        adapted = applied(model, method.for_columns(task.reading.texts))
        longest = limit(task, training.max_length, adapted)
    except InputError as error:
        return {"error": str(error)}
    except NotPredictable as error:
        unknown = dict.fromkeys(("parameters", "groups", "reduction"))
        return {**unknown, "not_predictable": str(error)}
    counts = {
        "parameters": parameter_counts(adapted.module, adapted.head).as_json(),
        "groups": parameters_by_group(
            adapted.module, head=set(adapted.head), attention=attention, base=base
        ),
        "reduction": _reduction(adapted),
        "max_length": longest,
    }
    shape = StepShape(**request["shape"]).cut(longest)
    gathered = gathered_bytes(adapted)  # before the model is used up
    try:
        seen = predict_applied(adapted, task, method, training, shape, device=request["device"])
    except NotPredictable as error:
        return {**counts, "not_predictable": str(error)}
    except InputError as error:
        return {**counts, "error": str(error)}
    memory = seen.memory.as_json()
    return {
        **counts,
        "memory": in_slices(memory, training.ranks, gathered) if training.shard else memory,
        "gathered_bytes": gathered,
        "stored_features": seen.stored_features,
        "solved": seen.solved,
        "shape": asdict(shape),
    }


def _reduction(model: Model) -> float | None:
    """What LoRA trains of the matrices that it adapts, over all of them."""
    pairs = [
        (*shape_of(layer.base), layer.rank)
        for layer in model.module.modules()
        if isinstance(layer, LoRALinear)
    ]
    if not pairs:
        return None
    fractions = [(reduction_factor(d, k, rank), d * k) for d, k, rank in pairs]
    return sum(fraction * size for fraction, size in fractions) / sum(size for _, size in fractions)


if __name__ == "__main__":
    main()
