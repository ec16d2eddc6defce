"""Models of a few hundred numbers in many families, to choose and to write, tied and untied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tests.conftest import CONFIGURATIONS, OPTIONS, SMALL, WORDS, tokenizer
from tests.tasks.conftest import byte_tokenizer
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from tunewise.backbones.transformers_logging import quiet

BYTES: dict[str, Any] = {"vocab_size": 257, "bos_token_id": 256, "eos_token_id": 256}
PLAIN = SMALL | BYTES | {"max_position_embeddings": 64, "pad_token_id": None}
SHARED = PLAIN | {"num_key_value_heads": 1}
WRITERS: dict[str, dict[str, Any]] = {
    "gpt2": CONFIGURATIONS["gpt2"] | BYTES | {"n_positions": 64},
    "llama": SHARED,
    "qwen2": SHARED,
    "gemma": SHARED | {"head_dim": 8},
    "opt": PLAIN | {"ffn_dim": 32, "word_embed_proj_dim": 16, "pad_token_id": 1, "init_std": 0.3},
    "phi": PLAIN,
}
ENDS = {"pad_token_id": 0, "eos_token_id": 3, "vocab_size": len(WORDS)}
CLASSIFIERS: dict[str, dict[str, Any]] = {
    **CONFIGURATIONS,
    "t5": ENDS
    | {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
    | {"decoder_start_token_id": 0},
    "bart": ENDS
    | {"d_model": 16, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "init_std": 0.3}
    | {"encoder_layers": 2, "decoder_layers": 2}
    | {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    | {"bos_token_id": 2, "decoder_start_token_id": 3, "forced_eos_token_id": 3}
    | {"max_position_embeddings": 40},
}
WRITING = {"kind": "question-answering", "max_new_tokens": 3}
CHOOSING = {"kind": "classification", "text": ["text"], "label": "label", "labels": list(OPTIONS)}
DEPTHS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers")


def save_family(
    folder: Path, family: str, *, writes: bool, tied: bool = False, depth: int = 2
) -> Path:
    """A checkpoint with its tokenizer; to choose it is the backbone alone."""
    torch.manual_seed(0)
    settings = dict((WRITERS if writes else CLASSIFIERS)[family])
    settings |= {name: depth for name in DEPTHS if name in settings}
    if "decoder_layers" in settings:
        settings["decoder_layers"] = max(2, depth - 1)
    with quiet():
        if writes:
            config = AutoConfig.for_model(family, **settings, tie_word_embeddings=tied)
            AutoModelForCausalLM.from_config(config).save_pretrained(folder)
            byte_tokenizer().save_pretrained(folder)
        else:
            config = AutoConfig.for_model(family, **settings)
            AutoModel.from_config(config).save_pretrained(folder)
            tokenizer(with_padding=family != "gpt2").save_pretrained(folder)
    return folder
