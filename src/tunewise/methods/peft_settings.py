"""PEFT's configurations as settings of a study: which there are, their types, their rates."""

from __future__ import annotations

import types
import warnings
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from peft import PeftConfig, PromptLearningConfig
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

from tunewise.core.canonical import Settings
from tunewise.core.errors import SettingError, nearest
from tunewise.methods.task_types import TaskType

CONFIGURATIONS: dict[str, Any] = {
    kind.value: config for kind, config in PEFT_TYPE_TO_CONFIG_MAPPING.items()
}
PROMPTS = {name for name, kind in CONFIGURATIONS.items() if issubclass(kind, PromptLearningConfig)}

NOT_HERE = {
    "ADAPTION_PROMPT": "PEFT has it for the causal models of Llama's family alone",
    "CPT": "it needs the labels of single tokens, and so a causal model",
    "MULTITASK_PROMPT_TUNING": "it needs a task's number beside each example",
    "POLY": "it needs a task's number beside each example",
    "SHADOW": "it keeps the graph of its last step, so that it can be neither copied nor resumed",
    "XLORA": "it mixes adapters that were trained before",
}
"""Types that cannot be a contender here, and why."""

OURS = {
    "peft_type": "it stands once",
    "task_type": "the study's task says it",
    "inference_mode": "training and use are distinguished without it",
    "base_model_name_or_path": "the study's models say it",
    "revision": "the study's models say it (name@revision)",
    "auto_mapping": "PEFT writes it for models outside transformers",
    "peft_version": "a study records the versions it ran with",
    "runtime_config": "it says how PEFT computes, not what",
    "total_step": "the steps follow from the epochs, the batch size and the data",
    "tokenizer_name_or_path": "the model's own tokenizer is used",
    "tokenizer_kwargs": "the model's own tokenizer is used",
    "token_dim": "PEFT reads it off the model",
    "num_layers": "PEFT reads it off the model",
    "num_attention_heads": "PEFT reads it off the model",
    "num_transformer_submodules": "PEFT reads it off the model",
}
"""Fields of PEFT's that a study does not set, and why."""

LABELS = {
    "LORA": "PEFT-LoRA",  # beside our own lora, from which case alone would not tell it
    "ADALORA": "AdaLoRA",
    "ADAMSS": "AdaMSS",
    "DELORA": "DeLoRA",
    "FOURIERFT": "FourierFT",
    "GLORA": "GLoRA",
    "GRALORA": "GraLoRA",
    "HIRA": "HiRA",
    "LILY": "Lily",
    "LN_TUNING": "LN-tuning",
    "LOHA": "LoHa",
    "LOKR": "LoKr",
    "MISS": "MiSS",
    "P_TUNING": "P-tuning",
    "PEANUT": "PEANuT",
    "PREFIX_TUNING": "prefix-tuning",
    "PROMPT_TUNING": "prompt-tuning",
    "PVERA": "PVeRA",
    "RANDLORA": "RandLoRA",
    "ROAD": "RoAd",
    "SHIRA": "SHiRA",
    "TINYLORA": "TinyLoRA",
    "TRAINABLE_TOKENS": "trainable-tokens",
    "UNILORA": "Uni-LoRA",
    "VBLORA": "VB-LoRA",
    "VERA": "VeRA",
    "WAVEFT": "WaveFT",
}
"""The names people know the types by, where PEFT's word in capitals is not it."""

# Corrections that start at zero beside frozen weights bear, and need, about ten times full
# fine-tuning's rate: LoRA and all that is built like it, rotations included.
RATE = 3e-4
RATES = {
    # Its singular values start at zero and are divided by the rank, so each step moves less;
    # Zhang et al. 2023 (arXiv:2303.10512) train between 5e-4 and 2e-3; the search chose 9e-3 on
    # both data sets of docs/explanations/tuning.md.
    "ADALORA": 3e-3,
    # One factor an activation, starting at one: few parameters, each of which has to move far.
    # Liu et al. 2022 (arXiv:2205.05638) use 3e-3, the search chose 3e-3 and 2.7e-2.
    "IA3": 9e-3,
    # Vectors between frozen random matrices. Kopiczko et al. 2023 (arXiv:2310.11454) use ten
    # times LoRA's rate; the others of its kind are alike.
    "VERA": 4e-3,
    "PVERA": 4e-3,
    "RANDLORA": 4e-3,
    "TINYLORA": 4e-3,
    "UNILORA": 4e-3,
    "VBLORA": 4e-3,
    # Coefficients of a spectrum, each of which is spread over a whole matrix. Gao et al. 2024
    # (arXiv:2405.03003) use 0.05 to 0.1 on GLUE.
    "FOURIERFT": 5e-2,
    # Gains and biases alone, as with bitfit, bear more than matrices do.
    "LN_TUNING": 1e-3,
    "BEFT": 1e-3,
    # Directions of the weights themselves, which forget as full fine-tuning does.
    "OSF": 5e-5,
    # The only way in is through a frozen backbone, which passes little gradient back, as with
    # our own prefix. P-tuning's small network multiplies its steps.
    "PROMPT_TUNING": 5e-3,
    "PREFIX_TUNING": 5e-3,
    "CARTRIDGE": 5e-3,
    "P_TUNING": 1e-3,
}


def known_type(name: Any) -> str:
    """The name, if PEFT has such a type and a classifier can be trained with it.

    Raises:
        SettingError: it is no type, or none that works here.
    """
    if not isinstance(name, str):
        raise SettingError("peft_type", name, f"the name of one type. {nearest('', available())}")
    if name in NOT_HERE:
        raise SettingError("peft_type", name, f"cannot be trained here, because {NOT_HERE[name]}.")
    if name not in CONFIGURATIONS:
        right = f"PEFT has no such type. {nearest(name, available())}"
        raise SettingError("peft_type", name, right)
    return name


def available() -> list[str]:
    """The types that a study may name."""
    return sorted(set(CONFIGURATIONS) - set(NOT_HERE))


def label(settings: Settings) -> str:
    """What people call a type. LoRA with its magnitudes trained apart is DoRA."""
    name = str(settings["peft_type"])
    if name == "LORA" and settings.get("use_dora"):
        return "DoRA"
    return LABELS.get(name, name)


@cache
def kinds(peft_type: str) -> dict[str, Any]:
    """The type of each setting, in the words of our own settings: lists are tuples."""
    hints = get_type_hints(CONFIGURATIONS[peft_type])
    return {
        field.name: _kind(hints[field.name], nothing=field.default is None)
        for field in fields(CONFIGURATIONS[peft_type])
        if field.init and field.name not in refused(peft_type)
    }


@cache
def refused(peft_type: str) -> dict[str, str]:
    """The fields of a type that are not for the study to set, with the reason."""
    own = {field.name for field in fields(CONFIGURATIONS[peft_type])}
    found = {name: reason for name, reason in OURS.items() if name in own and name != "peft_type"}
    if peft_type == "ADALORA":
        found["rank_pattern"] = "AdaLoRA finds it in training"
    return found


@cache
def defaults(peft_type: str) -> dict[str, Any]:
    """The plain values that PEFT gives the settings of a type; what has none is left out."""
    found: dict[str, Any] = {}
    for field in fields(CONFIGURATIONS[peft_type]):
        value = field.default
        if value is MISSING and field.default_factory is not MISSING:
            value = field.default_factory()
        if field.name in kinds(peft_type) and value is not MISSING and not is_dataclass(value):
            found[field.name] = value.value if isinstance(value, Enum) else value
    return found


def configuration(peft_type: str, settings: Settings, asked: TaskType = "SEQ_CLS") -> PeftConfig:
    """PEFT's own configuration for what a model is asked.

    Raises:
        ValueError: PEFT refuses a value, or a value that the type needs is not given.
    """
    if peft_type in PROMPTS and not settings.get("num_virtual_tokens"):
        raise ValueError(f"{peft_type} needs num_virtual_tokens: how many, such as 16.")
    if peft_type == "ADALORA":
        # AdaLoRA wants the number of steps from the start; before training any will do.
        given = defaults("ADALORA") | dict(settings)
        if given["init_r"] <= given["target_r"]:
            right = f"above target_r ({given['target_r']}), or there is nothing to allocate."
            raise SettingError("init_r", given["init_r"], right)
        if min(given["tinit"], given["tfinal"]) < 0 or given["deltaT"] < 1:
            raise ValueError("tinit and tfinal are steps from 0 up, and deltaT from 1 up.")
        settings = {**settings, "total_step": int(given["tinit"] + given["tfinal"] + 1)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return CONFIGURATIONS[peft_type](
                task_type=asked, **{name: as_lists(v) for name, v in settings.items()}
            )
        except (TypeError, AttributeError, KeyError, AssertionError) as error:
            raise ValueError(f"PEFT refuses this {peft_type}: {error}") from error


def as_lists(value: Any) -> Any:
    """A setting as PEFT has it: our tuples are its lists."""
    if isinstance(value, (tuple, list)):
        return [as_lists(item) for item in value]
    if isinstance(value, Mapping):
        return {key: as_lists(item) for key, item in value.items()}
    return value


def _kind(hint: Any, *, nothing: bool = False) -> Any:
    """A type hint of PEFT's as ours.

    >>> _kind(list[str]), _kind(float), _kind(int, nothing=True)
    (tuple[str, ...], <class 'float'>, int | None)
    """
    found = _plain_kind(hint)
    return found | None if nothing and found is not None else found


def _plain_kind(hint: Any) -> Any:
    origin, inside = get_origin(hint), get_args(hint)
    found = hint
    if origin in (Union, types.UnionType):
        found = Union[tuple(_plain_kind(option) for option in inside)]  # noqa: UP007  # made here
    elif origin is list or hint is list:
        found = tuple[_plain_kind(inside[0]) if inside else Any, ...]  # type: ignore[misc]  # made here
    elif origin is tuple:
        found = tuple[tuple(_plain_kind(item) for item in inside)]  # type: ignore[misc]  # made here
    elif origin is Literal and any("[" in str(word) for word in inside):
        found = str  # PEFT writes patterns among its words, such as 'pissa_niter_[number of iters]'
    elif origin is dict:
        found = dict[str, _plain_kind(inside[1])]  # type: ignore[misc]  # made here
    elif isinstance(hint, type) and issubclass(hint, Enum):
        found = Literal[tuple(word.value for word in hint)]
    elif hint is dict or is_dataclass(hint):
        found = dict[str, Any]
    return found
