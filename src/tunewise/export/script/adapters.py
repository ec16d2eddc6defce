"""What a script says of the method that adapts its model."""

from __future__ import annotations

from typing import Any

from transformers.pytorch_utils import Conv1D

from tunewise.backbones.model import Model
from tunewise.backbones.modules import first_position
from tunewise.core.canonical import settings_of
from tunewise.export.script.names import beginnings, endings
from tunewise.export.script.plan import Plan, Structure, no_script
from tunewise.methods.base import Method
from tunewise.methods.lora_layer import LoRALinear
from tunewise.methods.peft_settings import PROMPTS, as_lists, kinds
from tunewise.methods.trained import trained_names

NAMED = "adapting/named"  # the block that every method but LoRA takes its groups from


def add_method(plan: Plan, method: Method, model: Model, structure: Structure) -> None:
    """The blocks and values of the method.

    Raises:
        InputError: a script has no words for it.
    """
    settings = settings_of(method)
    match method.name:
        case "full":
            plan.blocks += ["adapting/whole", NAMED]
        case "head" | "last-layers":
            plan.blocks.append(NAMED)
            plan.constants["TRAINED"] = beginnings(trained_names(model), structure.parameters)
        case "bitfit":
            plan.blocks += ["adapting/bitfit", NAMED]
            plan.constants["TRAINED"] = beginnings(structure.head, structure.parameters)
        case "lora":
            _add_lora(plan, settings, model, structure)
        case "prefix":
            _add_prefix(plan, settings, model, structure)
        case "peft":
            _add_peft(plan, settings, model, structure)
        case "fusion":
            plan.blocks.append(NAMED)
            plan.constants |= {"WIDTH": settings["width"], "TRAINED": ["head."]}
        case "untuned":
            plan.blocks.append("adapting/untuned")
        case "few-shot":
            plan.blocks.append("adapting/untuned")
            plan.decided["SHOWS_EXAMPLES"] = True
            plan.constants["SHOTS"] = settings["shots"]
        case _:
            raise no_script(f"no script is written for the method '{method.name}'; --as folder is.")


def _add_lora(plan: Plan, settings: Any, model: Model, structure: Structure) -> None:
    plan.blocks.append("adapting/lora")
    plan.decided["SAVES_WHOLE"] = True  # PEFT saves what it put in, whatever the model
    layers = {p: m for p, m in model.module.named_modules() if isinstance(m, LoRALinear)}
    ranks = {p: m.rank for p, m in layers.items() if m.rank != settings["rank"]}
    alphas = {p: m.alpha for p, m in layers.items() if m.alpha != settings["alpha"]}
    plan.constants |= {
        "RANK": settings["rank"],
        "ALPHA": settings["alpha"],
        "LORA_DROPOUT": settings["dropout"],
        "USE_RSLORA": settings["scaling"] == "root",
        "TARGET_MODULES": endings(list(layers), structure.modules),
        "MODULES_TO_SAVE": structure.new_modules,
        "RANK_PATTERN": ranks,
        "ALPHA_PATTERN": alphas,
        "RATIO": settings["ratio"],
    }
    plan.decided |= {
        "TRANSPOSED": all(isinstance(layer.base, Conv1D) for layer in layers.values()),
        "HAS_RANKS": bool(ranks),
        "HAS_ALPHAS": bool(alphas),
        "HAS_RATIO": settings["ratio"] != 1,
    }


def _add_prefix(plan: Plan, settings: Any, model: Model, structure: Structure) -> None:
    plan.blocks += ["adapting/prefix", NAMED]
    (backbone,) = structure.backbones.values()
    plan.decided |= {"STARTS_AT_TOKENS": settings["start"] == "tokens", "SAVES_WHOLE": False}
    plan.constants |= {
        "PREFIX_LENGTH": settings["length"],
        "BACKBONE": backbone,
        "FIRST_POSITION": first_position(model.module.get_submodule(backbone)),
        "TRAINED": [
            f"{backbone}.prefix.",
            *beginnings(structure.head, structure.parameters),
        ],
    }


def _add_peft(plan: Plan, settings: Any, model: Model, structure: Structure) -> None:
    plan.blocks += ["adapting/peft_method", NAMED]
    plan.decided["SAVES_WHOLE"] = True
    peft_type, config = settings["peft_type"], model.adapter.config
    given = {name: as_lists(value) for name, value in settings.items() if name != "peft_type"}
    given.pop("modules_to_save", None)
    for name in ("target_modules", "feedforward_modules"):
        if name in kinds(peft_type) and (found := getattr(config, name, None)):
            known = isinstance(found, str)
            given[name] = found if known else endings(sorted(found), structure.modules)
    if peft_type in PROMPTS and config.token_dim:
        given |= {"token_dim": config.token_dim, "num_attention_heads": config.num_attention_heads}
    if peft_type == "ADALORA":
        given["total_step"] = config.tinit + config.tfinal + 1  # until the loop says how many
    plan.decided |= {"IS_ADALORA": peft_type == "ADALORA"}
    plan.constants |= {
        "PEFT_TYPE": peft_type,
        "PEFT_SETTINGS": given,
        "MODULES_TO_SAVE": list(config.modules_to_save or structure.new_modules),
    }
