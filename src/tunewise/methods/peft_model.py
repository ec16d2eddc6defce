"""Putting one of PEFT's adapters into a model, with the head trained beside it and counted once."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModelForCausalLM, PeftModelForSequenceClassification, PeftType
from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING
from peft.utils.constants import TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING
from peft.utils.other import ModulesToSaveWrapper
from torch import nn

from tunewise.backbones.model import Model
from tunewise.backbones.modules import ALL_LINEAR, GROUPS, head_modules, roles, targets
from tunewise.backbones.ties import untie_adapted
from tunewise.backbones.transformers_logging import quiet
from tunewise.core.canonical import Settings
from tunewise.core.errors import InputError, nearest
from tunewise.methods.peft_settings import PROMPTS, configuration, kinds
from tunewise.methods.task_types import task_type
from tunewise.methods.trained import one_backbone, train_only, trained_names

ADAPTER = "default"  # PEFT names every adapter of a model; ours has one
LEAST_TEXT = 4  # tokens that must remain for the text, as for `training.max_length`
ROLES = {*GROUPS, ALL_LINEAR}
CLASSES: dict[str, Any] = {
    "SEQ_CLS": PeftModelForSequenceClassification,
    "CAUSAL_LM": PeftModelForCausalLM,
}
NO_LINEAR_TARGETS = ("LN_TUNING", "TRAINABLE_TOKENS")  # they adapt norms and embeddings


@dataclass
class Adapter:
    """What is kept of an adapter: PEFT's model around the module, and what is trained whole.

    `whole` are the modules that PEFT calls modules_to_save, the head among them, by their path
    in `peft_model`.
    """

    peft_model: Any  # untyped there
    whole: list[str]

    @property
    def config(self) -> Any:
        return self.peft_model.peft_config[ADAPTER]

    @property
    def tuner(self) -> Any:
        """What put the layers in; around a prompt there is none, and this is the module."""
        return self.peft_model.base_model


def apply(model: Model, peft_type: str, settings: Settings) -> None:
    """Adapt the model as PEFT does, so that exactly the adapter and the head are trained.

    Layers are put into the module, which stays what it was. Around a prompt PEFT's own model
    takes its place: its forward pass decides where the prompt goes and what the head reads.

    Raises:
        InputError: PEFT cannot do this to this model, or would adapt nothing of it.
    """
    one_backbone(model, "peft")
    _refuse_writing(model, peft_type)
    values = {**settings, **_targets(model, peft_type, settings)}
    theirs = settings.get("modules_to_save") or ()
    with refusals(peft_type, model):
        config: Any = configuration(peft_type, values, task_type(model))
        config.base_model_name_or_path = model.source
        if getattr(config, "prompt_tuning_init", None) == "TEXT":
            config.tokenizer_name_or_path = model.source
        if peft_type in PROMPTS:
            _tell_sizes(config, model)
        config.modules_to_save = [*head_modules(model), *theirs]
        wrapped: Any = CLASSES[task_type(model)](model.module, config, ADAPTER)
        whole = _without_copies(wrapped)
    if peft_type in PROMPTS:
        _shorten(model, peft_type, config.num_virtual_tokens)
        model.module = wrapped
        model.backbones = {name: f"base_model.{path}" for name, path in model.backbones.items()}
        model.head = [f"base_model.{name}" for name in model.head]
    model.adapter = Adapter(wrapped, whole)
    head = set(model.head)
    # PEFT freezes AdaLoRA's counts of ranks, but not where it moves them to a model's device.
    adapted = [
        name for name in trained_names(model) if name not in head and ".ranknum." not in name
    ]
    if not adapted:
        raise InputError(f"{peft_type}: PEFT adapts nothing of this model with these settings.")
    inner = "" if peft_type in PROMPTS else "base_model.model."
    in_whole = [
        name
        for name, _ in model.module.named_parameters()
        if f"{inner}{name}".startswith(tuple(f"{path}." for path in whole))
    ]
    train_only(model, [*adapted, *in_whole, *model.head])


@contextmanager
def refusals(peft_type: str, model: Model) -> Iterator[None]:
    """Turn what PEFT raises into a sentence that names the type and the model, and hush the rest.

    PEFT says no with every kind of exception, and often in the middle of its work.
    """
    try:
        with warnings.catch_warnings(), quiet():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # whatever it is, PEFT cannot do it
        lines = str(error).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
        family = getattr(model.module.config, "model_type", type(model.module).__name__)
        raise InputError(f"{peft_type}: PEFT cannot do this on {family} ({reason})") from error


def merged(model: Model) -> nn.Module | None:
    """A copy of the module with the adapter folded in, or None where PEFT cannot."""
    return _folded(model, copy.deepcopy)


def folded(model: Model) -> nn.Module | None:
    """The module itself with the adapter folded in, or None where PEFT cannot."""
    return _folded(model, lambda peft_model: peft_model)


def _folded(model: Model, taken: Callable[[Any], Any]) -> nn.Module | None:
    adapter: Adapter = model.adapter
    if adapter.config.is_prompt_learning:
        return None
    try:
        with warnings.catch_warnings(), quiet():
            warnings.simplefilter("ignore")
            peft_model = taken(adapter.peft_model)
            untie_adapted(peft_model.base_model.model)
            plain: nn.Module = peft_model.base_model.merge_and_unload()
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception:  # PEFT says that it cannot with every kind of exception
        return None
    return plain


def _targets(model: Model, peft_type: str, settings: Settings) -> dict[str, Any]:
    """The settings that name modules, with our roles as the paths of the layers they stand for.

    PEFT's own names, and a pattern given as one text, are PEFT's to read. Where nothing is named
    and PEFT has no choice of its own for the family, it is the attention's query and value.
    """
    if "target_modules" not in kinds(peft_type):
        return {}
    asked = settings.get("target_modules")
    if asked is None:
        if _has_own(model, peft_type):
            return {}
        if peft_type == "LN_TUNING":
            return {"target_modules": _norms(model)}
        asked = ("query", "value")
    found = {"target_modules": _resolved(model, peft_type, asked)}
    if "feedforward_modules" in kinds(peft_type):
        inner = settings.get("feedforward_modules")
        if inner is not None:
            found["feedforward_modules"] = _resolved(model, peft_type, inner)
        elif isinstance(found["target_modules"], list):
            mlp = {path for path, own in roles(model).items() if "mlp" in own}
            ends = tuple(f".{name}" for name in found["target_modules"])
            found["feedforward_modules"] = [p for p in mlp if f".{p}".endswith(ends)]
    return found


def _has_own(model: Model, peft_type: str) -> bool:
    """Whether PEFT knows what to adapt in this family; trained tokens need no layers."""
    if peft_type == "TRAINABLE_TOKENS":
        return True
    tuner: Any = PEFT_TYPE_TO_TUNER_MAPPING[PeftType(peft_type)]
    of_ia3 = TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING  # the one table kept apart
    known = of_ia3 if peft_type == "IA3" else tuner.target_module_mapping
    module: Any = model.module
    return module.config.model_type in (known or {})


def _resolved(model: Model, peft_type: str, asked: str | Sequence[str]) -> Any:
    if isinstance(asked, str):
        if asked not in ROLES:
            return asked
        asked = (asked,)
    paths = {path for path, _ in model.module.named_modules() if path}
    found: list[str] = []
    for name in asked:
        if name in ROLES and peft_type not in NO_LINEAR_TARGETS:
            found += [path for path, _ in targets(model, [name])]
        elif any(path == name or path.endswith(f".{name}") for path in paths):
            found.append(name)
        else:
            known = {path.rpartition(".")[2] for path in paths} | ROLES
            known = {ending for ending in known if not ending.isdigit()}
            raise InputError(
                f"target_modules: '{name}' matches no module of this model. {nearest(name, known)}"
            )
    return list(dict.fromkeys(found))


def _norms(model: Model) -> list[str]:
    """Every normalization of the backbone: what tuning the norms means where PEFT names none."""
    return [
        path
        for backbone in model.backbones.values()
        for path, layer in model.module.get_submodule(backbone).named_modules(prefix=backbone)
        if "norm" in type(layer).__name__.lower() and getattr(layer, "weight", None) is not None
    ]


def _without_copies(wrapped: nn.Module) -> list[str]:
    """Take off PEFT's wrappers around what is trained whole, which keep a frozen copy of it.

    Returns the paths. So the module keeps its names, and each number counts once. Where a number
    is another layer's too, as token embeddings may be the output layer's, PEFT trains this one's
    copy and leaves the other as it is: then the copy stays.
    """
    found = [p for p, layer in wrapped.named_modules() if isinstance(layer, ModulesToSaveWrapper)]
    for path in found:
        layer: Any = wrapped.get_submodule(path)
        shared = _shared(wrapped, path)
        wrapped.set_submodule(
            path, layer.modules_to_save[ADAPTER] if shared else layer.original_module
        )
    return found


def _shared(wrapped: nn.Module, path: str) -> bool:
    """Whether a number in the module at this path stands elsewhere too."""
    named = list(wrapped.named_parameters(remove_duplicate=False))
    inside = {id(weight) for name, weight in named if name.startswith(f"{path}.")}
    return any(id(weight) in inside for name, weight in named if not name.startswith(f"{path}."))


def _refuse_writing(model: Model, peft_type: str) -> None:
    """A prompt of PEFT's stands before every call, and an answer is written by many calls."""
    if peft_type in PROMPTS and model.writes:
        raise InputError(
            f"peft_type = {peft_type}: PEFT puts its prompt before each token that is written, so "
            "that no answer can be. Use our method prefix, which stands before the text once."
        )


def _tell_sizes(config: Any, model: Model) -> None:
    """What PEFT looks for under names that DistilBERT's configuration does not have."""
    module: Any = model.module
    if not {"hidden_size", "n_embd", "d_model"} & set(module.config.to_dict()):
        config.token_dim = module.config.hidden_size
        config.num_attention_heads = module.config.num_attention_heads


def _shorten(model: Model, peft_type: str, length: int) -> None:
    """A prompt takes positions that the text cannot have."""
    if model.max_length - length < LEAST_TEXT:
        raise InputError(
            f"num_virtual_tokens = {length}: this model takes {model.max_length} tokens, the "
            f"prompt included, and at least {LEAST_TEXT} must remain for the text."
        )
    model.max_length -= length
