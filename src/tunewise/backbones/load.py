"""Build a model from a checkpoint, to choose or to write: module, tokenizer, backbone and head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard

import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
)
from transformers.conversion_mapping import get_checkpoint_conversion_mapping

from tunewise.backbones.configuration import configuration_of
from tunewise.backbones.door import at_the_door
from tunewise.backbones.folder import Stored, one_format, stored_tensors
from tunewise.backbones.model import Model
from tunewise.backbones.modules import first_position
from tunewise.backbones.pools import AUTO, LIBRARY, Pooling
from tunewise.backbones.size import no_larger_than
from tunewise.backbones.sources import whereabouts
from tunewise.core.errors import InputError
from tunewise.core.lazy import Later

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from tunewise.backbones import pooling as pooled
    from tunewise.backbones import suited_pooling as suited

    # Makes a module; also says where its backbone is, and which of its parameters are new.
    Load = Callable[[dict[str, Any], PreTrainedConfig, int], tuple[PreTrainedModel, str, set[str]]]
else:
    pooled = Later("tunewise.backbones.pooling")  # its class loads most of transformers
    suited = Later("tunewise.backbones.suited_pooling")

FORMATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
NO_LIMIT = 1 << 24  # tokenizers write a huge number where they know no longest input


def warm_up() -> None:
    """Make what transformers makes for the first model of a process, and keeps.

    Its names of weights for all families are a thousand patterns to compile, an eighth of a second.
    """
    get_checkpoint_conversion_mapping("bert")


def build(
    source: str,
    *,
    options: Sequence[str],
    pooling: Pooling = "library",
    seed: int,
    revision: str | None = None,
    dropout: float | None = None,
) -> Model:
    """A pretrained model that chooses among `options`, in float32 and in evaluation mode.

    Args:
        source: a local folder, a hub id, or ``embedded:`` and a name.
        options: the names of the answers, in the order of the logits.
        pooling: `library` is the head transformers has for this family, the name of a pool one
            linear layer over what it makes of the token states, `auto` what fits the checkpoint.
        seed: seeds torch's default generator before new parameters are drawn.
        revision: the commit or branch on the hub.
        dropout: probability in every place where the configuration has one; None keeps those.

    Raises:
        InputError: there is no such model, it cannot be loaded, or its tokenizer does not fit.
    """
    if pooling == AUTO:
        pooling = suited.suited_pooling(*whereabouts(source, revision)).pooling
    load = _library if pooling == LIBRARY else partial(_pooled, pooling)
    return _built(source, load, revision, dropout, seed=seed, options=options)


def build_writer(
    source: str,
    *,
    seed: int,
    revision: str | None = None,
    dropout: float | None = None,
    keep: torch.dtype = torch.float32,
) -> Model:
    """A pretrained model that goes on writing a text, in evaluation mode.

    Its head is empty: the output layer is pretrained too, and often is the token embeddings.
    Arguments as of `build`; a checkpoint whose numbers are all of the format `keep` stays in
    it, any other is in float32.

    Raises:
        InputError: as `build`; or the checkpoint has no output layer, or the tokenizer no end.
    """
    model = _built(source, _writer, revision, dropout, seed=seed, keep=keep)
    if model.processor.eos_token_id is None:
        raise InputError(
            f"model {source}: its tokenizer has no end token, after which an answer is complete; "
            "set eos_token in its tokenizer_config.json."
        )
    module: Any = model.module
    output = module.get_output_embeddings()
    new = [name for name, weight in module.named_parameters() if name in model.head]
    if output is None or any(module.get_parameter(name) is output.weight for name in new):
        raise InputError(
            f"model {source}: its checkpoint holds no output layer, so it cannot write. Choose a "
            "causal language model, such as gpt2."
        )
    return model


def _built(
    source: str,
    load: Load,
    revision: str | None,
    dropout: float | None,
    *,
    seed: int,
    options: Sequence[str] = (),
    keep: torch.dtype = torch.float32,
) -> Model:
    what = "writer of texts" if load is _writer else "text classifier"
    with at_the_door(f"model {source}: cannot be loaded as a {what} with safetensors weights"):
        where, folder = whereabouts(source, revision)
        config = configuration(where, options, dropout)
        tokenizer = AutoTokenizer.from_pretrained(**where, trust_remote_code=False)
        tensors = stored_tensors(source, folder)
        stored = format_of(tensors)
        kind = {"dtype": keep if stored == keep else torch.float32}
        with no_larger_than(tensors, source):
            module, backbone, new = load(where | kind, config, seed)
        model = Model(
            module=module,
            processor=tokenizer,
            backbones={"text": backbone},
            head=[name for name, _ in module.named_parameters() if name in new],
            max_length=longest_input(module, tokenizer),
            stored=stored,
            source=where["pretrained_model_name_or_path"],
        )
        _check_pretrained(model)
        _settle_padding(model)
        _check_vocabulary(model)
    return model


def format_of(tensors: Mapping[str, Stored]) -> torch.dtype:
    """The format of a checkpoint's numbers; float32, which holds all of them, where they differ."""
    return FORMATS[one_format(tensors.values()) or "F32"]


def configuration(
    where: dict[str, Any], options: Sequence[str], dropout: float | None
) -> PreTrainedConfig:
    config = configuration_of(where)
    if options:
        config.id2label = dict(enumerate(options))
        config.label2id = {option: number for number, option in enumerate(options)}
        config.problem_type = "single_label_classification"
    if dropout is not None:
        set_dropout(config, dropout)
    return config


def set_dropout(config: PreTrainedConfig, probability: float) -> None:
    """Set every dropout of a configuration; families name them differently.

    A place that is None inherits from another; layers dropped whole are another technique.
    """
    for name, value in list(vars(config).items()):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and "drop" in name and "layerdrop" not in name:
            setattr(config, name, probability)


def _library(
    where: dict[str, Any], config: PreTrainedConfig, seed: int
) -> tuple[PreTrainedModel, str, set[str]]:
    """The family's own classifier. A head of another size in the checkpoint is made anew."""
    torch.manual_seed(seed)
    module, report = AutoModelForSequenceClassification.from_pretrained(
        **where, **_LOADING, config=config, ignore_mismatched_sizes=True
    )
    backbone = module.base_model_prefix
    return module, backbone, _outside(module, backbone) | _new_parameters(report, backbone)


def _writer(
    where: dict[str, Any], config: PreTrainedConfig, seed: int
) -> tuple[PreTrainedModel, str, set[str]]:
    """The family's own language model; only what the checkpoint lacks is new."""
    torch.manual_seed(seed)
    module, report = AutoModelForCausalLM.from_pretrained(**where, **_LOADING, config=config)
    backbone = module.base_model_prefix
    return module, backbone, _new_parameters(report, backbone)


def _pooled(
    pooling: Pooling, where: dict[str, Any], config: PreTrainedConfig, seed: int
) -> tuple[PreTrainedModel, str, set[str]]:
    setattr(config, pooled.POOLING, pooling)
    torch.manual_seed(seed)
    if pooled.is_ours(config):
        module, report = pooled.PooledClassifier.from_pretrained(
            **where, **_LOADING, config=config, ignore_mismatched_sizes=True
        )
        return module, "encoder", _outside(module, "encoder") | _new_parameters(report, "encoder")
    backbone, report = pooled.backbone_kind(config).from_pretrained(
        **where, **_LOADING, config=config, **pooled.backbone_options(config)
    )
    torch.manual_seed(seed)  # the same classifier whatever the backbone lacked
    module = pooled.PooledClassifier(config, backbone).eval()
    new = {f"encoder.{name}" for name in report["missing_keys"]}
    return module, "encoder", _outside(module, "encoder") | new


_LOADING: dict[str, Any] = {
    "use_safetensors": True,
    "trust_remote_code": False,
    "output_loading_info": True,
}


def _new_parameters(report: dict[str, Any], backbone: str) -> set[str]:
    """What was made anew: what the checkpoint lacked, or had in another shape in the head."""
    mismatched = {name for name, *_ in report["mismatched_keys"]}
    if wrong := sorted(name for name in mismatched if name.startswith(f"{backbone}.")):
        raise ValueError(
            f"the checkpoint and its config.json disagree on the shape of {len(wrong)} tensors, "
            f"such as {wrong[0]}"
        )
    return set(report["missing_keys"]) | mismatched


def _check_pretrained(model: Model) -> None:
    """Refuse a backbone of which the checkpoint holds little: it would start from noise."""
    for backbone in model.backbones.values():
        module = model.module.get_submodule(backbone)
        names = [name for name, _ in module.named_parameters(backbone)]
        lacking = [name for name in names if name in model.head]
        if len(lacking) > len(names) / 2:
            raise InputError(
                f"model {model.source}: its weights lack {len(lacking)} of the {len(names)} "
                f"tensors of its backbone, such as '{lacking[0]}'. They are of another "
                "architecture."
            )


def _outside(module: nn.Module, backbone: str) -> set[str]:
    return {name for name, _ in module.named_parameters() if not name.startswith(f"{backbone}.")}


def longest_input(module: nn.Module, tokenizer: Any) -> int:
    """How many tokens the model and its tokenizer can take, special tokens included."""
    config: Any = module.config
    positions = getattr(config, "max_position_embeddings", None)
    if _is_number(positions):
        positions -= first_position(module)
    limits = (positions, tokenizer.model_max_length)
    known = [int(limit) for limit in limits if _is_number(limit) and 0 < limit < NO_LIMIT]
    return min(known) if known else 512


def _is_number(limit: Any) -> TypeGuard[float]:
    return isinstance(limit, (int, float)) and not isinstance(limit, bool)


def _settle_padding(model: Model) -> None:
    """Make tokenizer and configuration agree on the padding token.

    GPT-2 and Llama have none. Their end-of-text token serves: padding is masked from the
    attention, and stands on the right, where no earlier token sees it.
    """
    config: Any = model.module.config
    tokenizer = model.processor
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token is None:
            raise InputError(
                f"model {model.source}: its tokenizer has neither a padding nor an end token; "
                "set pad_token in its tokenizer_config.json."
            )
        tokenizer.pad_token = tokenizer.eos_token
    elif config.pad_token_id is not None and config.pad_token_id != tokenizer.pad_token_id:
        model.warnings.append(
            f"model {model.source}: its tokenizer pads with id {tokenizer.pad_token_id}, its "
            f"config.json says {config.pad_token_id}. Is it the tokenizer of another model?"
        )
    tokenizer.padding_side = "right"
    config.pad_token_id = tokenizer.pad_token_id


def _check_vocabulary(model: Model) -> None:
    """The tokenizer knows words, each has a row in the embedding, and one fits into the model."""
    module: Any = model.module
    tokenizer = model.processor
    rows = module.get_input_embeddings().num_embeddings
    words = tokenizer.get_vocab()
    if not words.keys() - set(tokenizer.all_special_tokens):
        raise InputError(
            f"model {model.source}: its tokenizer knows no word. Is its vocabulary, such as "
            "tokenizer.json, missing from the folder?"
        )
    tokenizer("a word")  # a tokenizer can fail on every text and load all the same
    token, largest = max(words.items(), key=lambda item: item[1])
    if largest >= rows:
        raise InputError(
            f"model {model.source}: its tokenizer emits id {largest} ('{token}'), but the model "
            f"embeds only ids 0 to {rows - 1}. They belong to different models."
        )
    if (around := tokenizer.num_special_tokens_to_add()) >= model.max_length:
        raise InputError(
            f"model {model.source}: takes {model.max_length} tokens, and its tokenizer puts "
            f"{around} around every text; there is room for no word. Is model_max_length in its "
            "tokenizer_config.json right?"
        )
