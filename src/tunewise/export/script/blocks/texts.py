"""Reading texts as tokens."""

from __future__ import annotations

import argparse
import re
from typing import Any

from transformers import AutoTokenizer

from tunewise.export.script.blocks.constants import MAX_LENGTH, TEXT_COLUMNS, TEXT_PREFIX
from tunewise.export.script.blocks.decided import DATA_TYPE, PAIRS
from tunewise.export.script.blocks.files import Row


def load_tokenizer(args: argparse.Namespace) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(args.model, revision=args.revision)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # masked, so any token serves
    tokenizer.padding_side = "right"
    return tokenizer


def tokenize(tokenizer: Any, texts: list[str], **options: Any) -> dict[str, list[int]]:
    """The model's inputs for one text or two."""
    if DATA_TYPE == "image":
        texts = [TEXT_PREFIX + text for text in texts]
    inputs = read_texts(tokenizer, texts, **options)
    if not inputs["input_ids"]:  # no text at all, and nothing that the tokenizer puts around it
        inputs = {"input_ids": [end_token(tokenizer)], "attention_mask": [1]}
    return inputs


def read_texts(tokenizer: Any, texts: list[str], **options: Any) -> dict[str, list[int]]:
    """What the tokenizer makes of texts, in which the strings of special tokens are only text."""
    how = {"split_special_tokens": True, "return_special_tokens_mask": True, "verbose": False}
    inputs = dict(tokenizer(*texts, **how, **options))
    special = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
    placed = inputs.pop("special_tokens_mask")
    if any(id in special for id, ours in zip(inputs["input_ids"], placed, strict=True) if not ours):
        # Some tokenizers know a special token as a word, too; a blank in it makes it another one.
        texts = [split_special_tokens(text, tokenizer) for text in texts]
        inputs = dict(tokenizer(*texts, **how, **options))
        del inputs["special_tokens_mask"]
    return inputs


def split_special_tokens(text: str, tokenizer: Any) -> str:
    """The text with a blank inside whatever spells a special token."""
    added = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    special = sorted({*added, *tokenizer.all_special_tokens}, key=len, reverse=True)
    pattern = "|".join(re.escape(token) for token in special if len(token) > 1) or "(?!)"
    return re.sub(pattern, lambda found: f"{found[0][:1]} {found[0][1:]}", text)


def end_token(tokenizer: Any) -> int:
    ids = (
        tokenizer.eos_token_id,
        tokenizer.sep_token_id,
        tokenizer.cls_token_id,
        tokenizer.bos_token_id,
    )
    return next(id for id in ids if id is not None)


def preprocess_function(rows: list[Row], tokenizer: Any) -> list[Row]:
    """Rows as token ids, none longer than `MAX_LENGTH`.

    `full_length` is the length before anything was cut, by which batches are made.
    """
    features = []
    for row in rows:
        texts = [row[column] for column in TEXT_COLUMNS]
        inputs = tokenize(tokenizer, texts)
        full_length = len(inputs["input_ids"])
        if full_length > MAX_LENGTH:
            if PAIRS:
                how = truncation_of(texts, tokenizer)
            else:
                how = "longest_first"
            inputs = tokenize(tokenizer, texts, truncation=how, max_length=MAX_LENGTH)
        features.append({**row, "inputs": inputs, "full_length": full_length})
    return features


def truncation_of(texts: list[str], tokenizer: Any) -> str:
    """Of a pair the second text is cut, unless the first leaves it no room."""
    first = len(read_texts(tokenizer, texts[:1], add_special_tokens=False)["input_ids"])
    room = MAX_LENGTH - tokenizer.num_special_tokens_to_add(pair=True) - first
    return "only_second" if room > 0 else "longest_first"
