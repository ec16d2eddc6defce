"""What every room's tests may ask for: the real data, and tiny models made on the spot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings
from tests.commands import KeptWorker, Run, run_here
from tests.drawings import drawn_once, drawn_truly
from tests.forecasts import predicted_here
from tests.scheduling import ByStudy
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

from tunewise.backbones.load import build
from tunewise.backbones.model import Model
from tunewise.backbones.transformers_logging import quiet
from tunewise.core.cache import FOLDER as CACHE

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = (*SPECIAL, *("good", "bad", "fine", "cold", "warm", "room", "bed", "the", "a", "is", "not"))
OPTIONS = ("bad", "fine", "good")

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
    "vocab_size": len(WORDS),
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "initializer_range": 0.3,  # with the usual 0.02 an untrained backbone hardly tells texts apart
}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "bert": SMALL,
    "roberta": SMALL | {"type_vocab_size": 1},
    "distilbert": {
        "dim": 16,
        "initializer_range": 0.3,
        "n_layers": 2,
        "n_heads": 2,
        "hidden_dim": 32,
        "max_position_embeddings": 40,
        "vocab_size": len(WORDS),
        "pad_token_id": 0,
    },
    "deberta-v2": SMALL
    | {
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 8,
        "norm_rel_ebd": "layer_norm",
        "position_biased_input": False,
        "type_vocab_size": 0,
        "pooler_hidden_size": 16,
    },
    "modernbert": SMALL
    | {"cls_token_id": 2, "sep_token_id": 3, "local_attention": 8, "global_attn_every_n_layers": 2},
    "gpt2": {
        "n_embd": 16,
        "initializer_range": 0.3,
        "n_layer": 2,
        "n_head": 2,
        "n_positions": 40,
        "vocab_size": len(WORDS),
        "bos_token_id": 2,
        "eos_token_id": 3,
    },
    "llama": SMALL | {"num_key_value_heads": 1},
    "qwen2": SMALL | {"num_key_value_heads": 1},
    "phi": SMALL,
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByStudy | None:
    return ByStudy(config, log) if config.getoption("dist") == "loadfile" else None


# How long one example takes depends on what else the machine does; it proves nothing.
settings.register_profile("tunewise", deadline=None)
settings.load_profile("tunewise")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets that may lie beside the repository as ``shared/data``."""
    folders = [parent / "shared" / "data" for parent in Path(__file__).parents]
    found = next((folder for folder in folders if folder.is_dir()), None)
    if found is None:
        pytest.skip("no folder shared/data beside the repository, where the real data would be")
    return found


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads or fills the cache of whoever runs it; processes inherit the variable."""
    os.environ[CACHE] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """No test waits for the disk: an invented study is a hundred flushes of some milliseconds.

    That files are flushed, and when, is held by the tests that watch `os.fsync` themselves.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def kept_worker(own_cache: None) -> Iterator[KeptWorker]:
    """The worker of all studies of a session, started for the first; it inherits the cache."""
    worker = KeptWorker()
    with worker.takes_studies():
        yield worker
    worker.end()


@pytest.fixture(scope="session", autouse=True)
def predictions() -> Iterator[None]:
    """Contenders are predicted in this process, but where `predicted_by_a_process`."""
    with predicted_here():
        yield


@pytest.fixture(scope="session", autouse=True)
def drawings() -> Iterator[None]:
    """Charts that are the same but for their data have one drawing, but where `drawn_truly`."""
    with drawn_once():
        yield


@pytest.fixture(scope="module")
def true_drawings() -> Iterator[None]:
    """Every chart is drawn with its own data: for modules that read what a drawing shows."""
    with drawn_truly():
        yield


@pytest.fixture(scope="session")
def tunewise() -> Run:
    """`tunewise("run", "study.yaml", cwd=folder)`: the command line in this process."""
    return run_here


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`checkpoint("bert")`: a folder with a backbone of that family and its tokenizer."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tmp_path_factory.mktemp(family)
            save_checkpoint(family, made[family])
        return made[family]

    return folder


@pytest.fixture
def tiny(checkpoint: Callable[[str], Path]) -> Callable[..., Model]:
    """`tiny("bert", pooling="mean")`: a model of that family with three options."""

    def make(family: str, **settings: Any) -> Model:
        all_settings: dict[str, Any] = {"options": OPTIONS, "seed": 1} | settings
        return build(str(checkpoint(family)), **all_settings)

    return make


def save_checkpoint(family: str, folder: Path) -> None:
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **CONFIGURATIONS[family])
    with quiet():
        AutoModel.from_config(config).save_pretrained(folder)
        tokenizer(with_padding=family != "gpt2").save_pretrained(folder)


def tokenizer(*, with_padding: bool = True) -> PreTrainedTokenizerFast:
    """A tokenizer that knows `WORDS`, split at blanks."""
    words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    special = {"unk_token": "[UNK]", "bos_token": "[CLS]", "eos_token": "[SEP]"}
    if with_padding:
        special["pad_token"] = "[PAD]"
    return PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=40, **special)
