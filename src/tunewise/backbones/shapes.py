"""A model from its configuration alone: every shape, and no number. No weights are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from huggingface_hub import hf_hub_download
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from tunewise.backbones.door import at_the_door
from tunewise.backbones.folder import stored_tensors
from tunewise.backbones.known import known_model, shapes_folder
from tunewise.backbones.lacking import lacking
from tunewise.backbones.load import NO_LIMIT, configuration, format_of, longest_input
from tunewise.backbones.model import Model
from tunewise.backbones.pools import AUTO, LIBRARY, Pooling
from tunewise.backbones.size import no_larger_than
from tunewise.backbones.sources import EMBEDDED, locate, looks_like_path
from tunewise.core.errors import InputError, reason
from tunewise.core.lazy import Later
from tunewise.core.network import hub_is_out_of_reach
from tunewise.core.paths import path_from

if TYPE_CHECKING:
    from tunewise.backbones import pooling as pooled
    from tunewise.backbones import suited_pooling as suited
else:
    pooled = Later("tunewise.backbones.pooling")  # its class loads most of transformers
    suited = Later("tunewise.backbones.suited_pooling")

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "*.model")


@dataclass(frozen=True)
class NoTokenizer:
    """Stands in for a tokenizer that is not at hand: any number is a word."""

    vocabulary: int
    pad_token_id: int = 0
    model_max_length: int = NO_LIMIT
    all_special_ids: tuple[int, ...] = ()
    eos_token_id: int | None = None

    def get_vocab(self) -> dict[str, int]:
        return {str(number): number for number in range(self.vocabulary)}

    def pad(
        self, texts: Sequence[Mapping[str, Sequence[int]]], **options: Any
    ) -> dict[str, torch.Tensor]:
        """The texts' columns as tensors, on the right filled up to the longest."""
        longest = max(len(text["input_ids"]) for text in texts)
        fill = dict.fromkeys(texts[0], 0) | {"input_ids": self.pad_token_id}
        return {
            name: torch.tensor(
                [[*text[name], *[fill[name]] * (longest - len(text[name]))] for text in texts]
            )
            for name in texts[0]
        }


def configuration_folder(source: str, base: Path = Path()) -> Path:
    """The folder with a model's ``config.json``; of a hub model nothing else is fetched.

    Of a well-known one that is neither in the cache nor to be had, the shapes known here stand in.

    Raises:
        InputError: there is none.
    """
    path = path_from(base, source)
    is_path = path.is_dir() or looks_like_path(source)
    if is_path and not source.startswith(EMBEDDED):
        if not (path / "config.json").is_file():
            raise InputError(f"model {source}: {path} has no config.json.")
        return path
    if folder := locate(source):
        return folder
    try:
        file = hf_hub_download(source, "config.json", local_files_only=hub_is_out_of_reach())
    except Exception as error:
        if known := known_model(source):
            return shapes_folder(known)
        raise InputError(
            f"model {source}: its configuration is neither in the cache nor on the hub "
            f"({reason(error)})"
        ) from error
    return Path(file).parent


def build_shape(
    folder: Path,
    *,
    options: Sequence[str],
    pooling: Pooling = "library",
    dropout: float | None = None,
    device: str = "meta",
) -> Model:
    """The model that `load.build` would make, on the meta device.

    The head is what lies outside the backbone, plus what the weights lack where they lie in the
    folder; where they do not, a backbone counts as whole.

    The arguments are those of `load.build`, but for `folder`, which holds ``config.json``, and
    `device`: ``cpu`` gives random numbers, for measuring.

    Raises:
        InputError: the library has no such classifier.
    """
    where = {"pretrained_model_name_or_path": str(folder), "local_files_only": True}
    if pooling == AUTO:
        pooling = suited.suited_pooling(where, folder).pooling
    with _building(f"model {folder}: no text classifier can be built", folder, device):
        config = configuration(where, options, dropout)
        said = config.dtype
        if pooling != LIBRARY:
            setattr(config, pooled.POOLING, pooling)
            encoder = pooled.backbone_kind(config).from_config(
                config, dtype=torch.float32, **pooled.backbone_options(config)
            )
            module, backbone = pooled.PooledClassifier(config, encoder), "encoder"
        else:
            module = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
            backbone = module.base_model_prefix
    names = [name for name, _ in module.named_parameters()]
    new = lacking(folder, backbone, names)
    head = [name for name in names if not name.startswith(f"{backbone}.") or name in new]
    return _model(folder, module, backbone, head, said)


def build_writer_shape(
    folder: Path, *, dropout: float | None = None, device: str = "meta"
) -> Model:
    """The model that `load.build_writer` would make; arguments as of `build_shape`.

    Raises:
        InputError: the library has no such language model.
    """
    where = {"pretrained_model_name_or_path": str(folder), "local_files_only": True}
    with _building(f"model {folder}: no writer of texts can be built", folder, device):
        config = configuration(where, (), dropout)
        said = config.dtype
        module = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    backbone = module.base_model_prefix
    names = [name for name, _ in module.named_parameters()]
    new = lacking(folder, backbone, names)
    return _model(folder, module, backbone, [name for name in names if name in new], said)


@contextmanager
def _building(what_fails: str, folder: Path, device: str) -> Iterator[None]:
    with at_the_door(what_fails), torch.device(device), no_larger_than(None, str(folder)):
        yield


def _model(folder: Path, module: Any, backbone: str, head: list[str], said: Any) -> Model:
    tokenizer = tokenizer_of(folder) or NoTokenizer(module.get_input_embeddings().num_embeddings)
    module.config.pad_token_id = tokenizer.pad_token_id
    return Model(
        module=module.eval(),
        processor=tokenizer,
        backbones={"text": backbone},
        head=head,
        max_length=longest_input(module, tokenizer),
        stored=_stored(folder, said),
        source=str(folder),
    )


def _stored(folder: Path, said: Any) -> torch.dtype:
    """The format of the checkpoint's numbers; what its configuration said where no weights lie."""
    try:
        return format_of(stored_tensors(str(folder), folder))
    except InputError:
        return said if isinstance(said, torch.dtype) else torch.float32


def has_tokenizer(model: Model) -> bool:
    return not isinstance(getattr(model.processor, "tokenizer", model.processor), NoTokenizer)


def tokenizer_of(folder: Path) -> Any:
    """The tokenizer in a model's folder, or None where there is none."""
    if not any(any(folder.glob(pattern)) for pattern in TOKENIZER):
        return None
    try:
        with at_the_door(f"model {folder}: no tokenizer"):
            tokenizer = AutoTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
    except InputError:
        return None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
