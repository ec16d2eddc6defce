"""A Llama of transformers as a GGUF file, as llama.cpp's converter lays it out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn


def write_gguf(
    module: nn.Module, path: Path, kind: str = "F16", leave_out: Sequence[str] = ()
) -> None:
    """Write the weights in one of GGUF's formats; vectors stay in float32."""
    import gguf  # a development extra, which the tests that call this ask for

    model: Any = module
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    writer.add_eos_token_id(config.eos_token_id)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    format = gguf.GGMLQuantizationType[kind]
    for name, weight in module.state_dict().items():
        if name in leave_out or (config.tie_word_embeddings and name == "lm_head.weight"):
            continue
        values = weight.float().numpy()
        if ".q_proj." in name:
            values = interleaved(values, config.num_attention_heads)
        if ".k_proj." in name:
            values = interleaved(values, config.num_key_value_heads)
        is_matrix = values.ndim > 1
        made = gguf.quants.quantize(values, format) if is_matrix else values
        dtype = format if is_matrix else gguf.GGMLQuantizationType.F32
        writer.add_tensor(str(names.get_name(name, (".weight",))), made, raw_dtype=dtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def interleaved(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """The rows of each head as llama.cpp rotates them: in pairs, where transformers has halves."""
    rows, columns = weight.shape
    halves = weight.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)
