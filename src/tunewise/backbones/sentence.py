"""How a sentence encoder makes one vector of its tokens, read from the files beside its weights.

They are those of sentence-transformers: ``modules.json`` names the parts in their order, and each
has a folder with its own ``config.json``. What is not known here is refused: a vector that was made
in another way is another vector.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import normalizers
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.utils import cached_file

from tunewise.core.canonical import JSONObject, digest

Where = JSONObject
"""Arguments of `from_pretrained`: the folder or hub id, and which revision."""

MODULES = "modules.json"
TRANSFORMER = "sentence_bert_config.json"
PROMPTS = "config_sentence_transformers.json"
HIDDEN = "last_hidden_state"  # what is pooled
EMBEDDING = "sentence_embedding"  # what parts behind the pooling read and write

OF_OLD = {  # a switch for each, until sentence-transformers 5; joined in this order
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "Identity": nn.Identity,
    "Tanh": nn.Tanh,
    "ReLU": nn.ReLU,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
    "Sigmoid": nn.Sigmoid,
}


class Normalize(nn.Module):
    """Vectors of length 1."""

    def forward(self, vectors: Tensor) -> Tensor:
        return F.normalize(vectors, dim=-1)


@dataclass(frozen=True)
class Sentence:
    """From tokens to a vector, and what is done to a text before. A plain encoder gets the mean."""

    pooling: tuple[str, ...] = ("mean",)  # their vectors side by side
    behind: tuple[nn.Module, ...] = ()
    prefix: str = ""  # before every text
    max_length: int | None = None  # tokens
    lower: bool = False  # texts are read in lower case

    @property
    def reads(self) -> str:
        """All that makes its vectors others than the mean, or the mean of length 1, would be."""
        details = [] if self.pooling == ("mean",) else ["+".join(self.pooling)]
        for part in self.behind:
            values = {name: tensor.tolist() for name, tensor in part.state_dict().items()}
            details += [f"{part!r} {digest(values)}"] if values else []
        details += [f"prefix {self.prefix!r}"] if self.prefix else []
        return ", ".join([*details, *(["lower case"] if self.lower else [])])

    def settle(self, tokenizer: Any) -> None:
        """Make a tokenizer read as the files say.

        Raises:
            ValueError: it cannot.
        """
        if self.max_length is not None:
            tokenizer.model_max_length = min(self.max_length, tokenizer.model_max_length)
        if self.lower:
            backend = getattr(tokenizer, "backend_tokenizer", None)
            if backend is None:
                raise ValueError(
                    f"{TRANSFORMER}: do_lower_case = true; its tokenizer has no way to"
                )
            own = [backend.normalizer] if backend.normalizer is not None else []
            backend.normalizer = normalizers.Sequence([normalizers.Lowercase(), *own])


PLAIN = Sentence()


def sentence_of(where: Where, *, weights: bool = True) -> Sentence:
    """What the files beside the weights say.

    Args:
        where: the folder or hub id of the encoder.
        weights: whether the parts behind the pooling are loaded; shapes need none.

    Raises:
        ValueError: a file says what is not known here; the message begins with its name.
    """
    files = _Files(where)
    modules = files.read(MODULES, [])
    if not modules:
        return Sentence()
    for one in modules:
        path = one.get("path") if isinstance(one, dict) else None
        if not isinstance(path, str) or path != Path(path).name:
            raise ValueError(f"{MODULES}: {one!r} names no folder beside it as its path")
    kinds = [str(one.get("type")).rpartition(".")[2] for one in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or modules[0]["path"] not in ("", "."):
        raise ValueError(f"{MODULES}: begins with {kinds[:2]}; Transformer, Pooling are known")
    behind = [
        _part(files, kind, one["path"], weights=weights)
        for kind, one in zip(kinds[2:], modules[2:], strict=True)
    ]
    prefix = _prefix(files)
    own = files.need(f"{modules[1]['path']}/config.json")
    if prefix and own.get("include_prompt") is False:
        raise ValueError(f"{modules[1]['path']}/config.json: include_prompt = false is not known")
    limit, lower = _reading(files)
    pooling = _pooling(own, f"{modules[1]['path']}/config.json")
    return Sentence(pooling, tuple(behind), prefix, limit, lower)


class TrainedPooling(NamedTuple):
    """The pools that a sentence encoder was trained with, and whether `Normalize` alone follows."""

    pools: tuple[str, ...] = ()
    normalized: bool = False


def trained_pooling(where: Where) -> TrainedPooling:
    """How a sentence encoder was trained to make one vector; no pools where no file says so.

    Raises:
        ValueError: a file says what is not known here; the message begins with its name.
    """
    files = _Files(where)
    modules = files.read(MODULES, [])
    kinds = [str(one.get("type")) if isinstance(one, dict) else "" for one in modules]
    if [kind.rpartition(".")[2] for kind in kinds[:2]] != ["Transformer", "Pooling"]:
        return TrainedPooling()
    path = modules[1].get("path")
    if not isinstance(path, str) or path != Path(path).name:
        raise ValueError(f"{MODULES}: {modules[1]!r} names no folder beside it as its path")
    name = f"{path}/config.json"
    behind = {kind.rpartition(".")[2] for kind in kinds[2:]} - {"Dropout"}
    return TrainedPooling(_pooling(files.need(name), name), behind == {"Normalize"})


def _pooling(config: JSONObject, name: str) -> tuple[str, ...]:
    if (given := config.get("pooling_mode")) is not None:
        modes = given if isinstance(given, list) else [given]
    else:
        on = [key for key, value in config.items() if key.startswith("pooling_mode_") and value]
        modes = [OF_OLD[key] for key in OF_OLD if key in on] + [k for k in on if k not in OF_OLD]
    for mode in modes:
        if mode not in OF_OLD.values():
            known = ", ".join(sorted(OF_OLD.values()))
            raise ValueError(f"{name}: pooling_mode = {mode!r}; known: {known}")
    return tuple(modes) or ("mean",)


def _part(files: _Files, kind: str, path: str, *, weights: bool) -> nn.Module:
    name = f"{path}/config.json"
    if kind == "Dropout":
        return nn.Identity()  # it is for training the sentence encoder
    if kind == "Normalize":
        _check_places(files.read(name, {}), name)
        return Normalize()
    if kind == "Dense":
        part = _dense(files.need(name), name)
    elif kind == "LayerNorm":
        norm = nn.LayerNorm(_whole(files.need(name), "dimension", name))
        part = nn.Sequential(OrderedDict(norm=norm))
    else:
        raise ValueError(f"{MODULES}: a {kind} behind the pooling is not known")
    if weights:
        name = f"{path}/model.safetensors"
        found = files.path(name)
        if found is None:
            raise ValueError(f"{name}: is missing; weights are loaded from safetensors alone")
        try:
            part.load_state_dict(load_file(found))
        except (RuntimeError, SafetensorError) as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise ValueError(f"{name}: does not fit its config.json ({reason})") from error
    return part


def _dense(config: JSONObject, name: str) -> nn.Module:
    _check_places(config, name)
    if config.get("use_residual"):
        raise ValueError(f"{name}: use_residual = true is not known")
    given = str(config.get("activation_function", "torch.nn.modules.activation.Tanh"))
    kind = given.rpartition(".")[2]
    if kind not in ACTIVATIONS or not given.startswith("torch.nn."):
        raise ValueError(
            f"{name}: activation_function = {given}; known: {', '.join(ACTIVATIONS)} of torch.nn"
        )
    inside, outside = (_whole(config, key, name) for key in ("in_features", "out_features"))
    linear = nn.Linear(inside, outside, bias=config.get("bias", True) is not False)
    return nn.Sequential(OrderedDict(linear=linear, activation=ACTIVATIONS[kind]()))


def _check_places(config: JSONObject, name: str) -> None:
    for key in ("module_input_name", "module_output_name"):
        if config.get(key) not in (None, EMBEDDING):
            raise ValueError(f"{name}: {key} = {config[key]!r}; {EMBEDDING} is known")


def _whole(config: JSONObject, key: str, name: str) -> int:
    value = config.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}: {key} = {value!r}; a whole number from 1 up")
    return value


def _prefix(files: _Files) -> str:
    """The prompt that stands before every text, if a default is named; others are left to users."""
    config = files.read(PROMPTS, {})
    name = config.get("default_prompt_name")
    if name is None:
        return ""
    prompts = config.get("prompts")
    prompt = prompts.get(name) if isinstance(prompts, dict) else None
    if not isinstance(prompt, str):
        raise ValueError(f"{PROMPTS}: default_prompt_name = {name!r} is none of its prompts")
    return prompt


def _reading(files: _Files) -> tuple[int | None, bool]:
    """The longest text in tokens, and whether it is read in lower case."""
    config = files.read(TRANSFORMER, {})
    ways = config.get("modality_config")
    way = ways.get("text") if isinstance(ways, dict) else None
    output = way.get("method_output_name", HIDDEN) if isinstance(way, dict) else HIDDEN
    if output != HIDDEN:
        raise ValueError(f"{TRANSFORMER}: method_output_name = {output!r}; {HIDDEN} is known")
    limit = config.get("max_seq_length")
    if limit is not None:
        limit = _whole(config, "max_seq_length", TRANSFORMER)
    return limit, bool(config.get("do_lower_case", False))


@dataclass(frozen=True)
class _Files:
    """JSON files beside the weights, in a folder or on the hub."""

    where: Where

    def path(self, name: str) -> Path | None:
        found = cached_file(
            self.where["pretrained_model_name_or_path"],
            name,
            revision=self.where.get("revision"),
            local_files_only=self.where.get("local_files_only", False),
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        return Path(found) if found else None

    def read(self, name: str, otherwise: Any) -> Any:
        """The file's content, or `otherwise`, whose type it must have.

        Raises:
            ValueError: it is not that.
        """
        path = self.path(name)
        if path is None:
            return otherwise
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{name}: is no JSON ({error})") from error
        if not isinstance(found, type(otherwise)):
            raise ValueError(f"{name}: holds a {type(found).__name__}")
        return found

    def need(self, name: str) -> JSONObject:
        if self.path(name) is None:
            raise ValueError(f"{name}: is missing, and {MODULES} names it")
        found: JSONObject = self.read(name, {})
        return found
