"""A tiny instruct model made on the spot: a Llama that reads bytes, with chat templates."""

from __future__ import annotations

from pathlib import Path

import torch
from tests.tasks.conftest import byte_tokenizer
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from tunewise.backbones.transformers_logging import quiet

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}"
    "{% else %}{{ raise_exception('no system here') }}{% endif %}{% endfor %}"
)
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}"
    "<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer(template: str | None = CHATML) -> PreTrainedTokenizerFast:
    found = byte_tokenizer()
    found.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    found.pad_token = found.eos_token
    found.chat_template = template
    return found


def llama(tokens: int) -> PreTrainedModel:
    """A Llama of random numbers whose tokens are bytes."""
    torch.manual_seed(0)
    with quiet():
        config = LlamaConfig(
            vocab_size=tokens,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=512,
            initializer_range=0.5,
            bos_token_id=256,
            eos_token_id=256,
        )
        return AutoModelForCausalLM.from_config(config).eval()


def save_chat_writer(folder: Path) -> None:
    processor = tokenizer()
    with quiet():
        llama(len(processor)).save_pretrained(folder)
        processor.save_pretrained(folder)
