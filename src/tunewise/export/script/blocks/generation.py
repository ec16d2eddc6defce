"""Generation: greedy, top-k, nucleus and temperature."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from tunewise.export.script.blocks.batches import derive_seed
from tunewise.export.script.blocks.constants import ANSWER_END, MAX_NEW_TOKENS, STOP
from tunewise.export.script.blocks.decided import HAS_STOP


class Answer(NamedTuple):
    """What was written, and whether it ended itself, not at the limit or going round in circles."""

    text: str | None
    ended_itself: bool


@torch.inference_mode()
def generate_answers(
    model: nn.Module,
    tokenizer: Any,
    prompts: list[list[int]],
    args: argparse.Namespace,
    *,
    label: str = "greedy",
    sample: int = 0,
    do_sample: bool = False,
    top_k: int = 0,
    top_p: float = 1.0,
    temperature: float = 1.0,
) -> list[Answer]:
    """An answer to each prompt, "" where there is no prompt.

    Args:
        model: a causal language model; it is put into evaluation mode.
        tokenizer: the model's.
        prompts: token ids.
        args: with the seed and the device.
        label: names the strategy for what is drawn.
        sample: which of several draws this is.
        do_sample: draw each token; else the likeliest is taken.
        top_k: draw from so many of the likeliest tokens; 0 for all.
        top_p: draw from the fewest tokens whose probabilities sum to this (nucleus sampling).
        temperature: the logits are divided by it.
    """
    model.eval()
    torch.manual_seed(derive_seed(args.seed, f"sampling {label}", sample))
    answers = [Answer("", False)] * len(prompts)
    order = sorted((p for p in range(len(prompts)) if prompts[p]), key=lambda p: len(prompts[p]))
    for start in range(0, len(order), 16):
        part = order[start : start + 16]
        ids, mask = left_padded([prompts[place] for place in part], tokenizer, args.device)
        cache, positions = DynamicCache(), (mask.cumsum(1) - 1).clamp(min=0)
        tokens: list[list[int]] = [[] for _ in part]
        done: list[Answer | None] = [None] * len(part)
        while None in done:
            output = model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache, logits = output.past_key_values, output.logits[:, -1].float()
            if do_sample:
                kept = filtered(logits / temperature, top_k, top_p)
                chosen = torch.multinomial(kept.softmax(-1), 1)
            else:
                chosen = logits.argmax(-1, keepdim=True)
            for row, token in enumerate(chosen[:, 0].tolist()):
                if done[row] is None:
                    tokens[row].append(token)
                    done[row] = finished(tokens[row], model, tokenizer)
            # A trained prefix stands in the cache before the prompt, and is seen by all.
            seen = mask.new_ones(len(part), cache.get_seq_length() + 1)
            seen[:, -1 - mask.shape[1] : -1] = mask
            ids, mask, positions = chosen, seen, seen.sum(1, keepdim=True) - 1
        for place, answer in zip(part, done, strict=True):
            assert answer is not None
            answers[place] = answer
    return answers


def left_padded(prompts: list[list[int]], tokenizer: Any, device: str) -> tuple[Tensor, Tensor]:
    """Prompts that end in one column, where the answers begin, and their mask."""
    width = max(map(len, prompts))
    ids = torch.full((len(prompts), width), tokenizer.pad_token_id)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    return ids.to(device), mask.to(device)


def filtered(logits: Tensor, top_k: int, top_p: float) -> Tensor:
    """Logits (rows, words) in which only the tokens that may be drawn are finite."""
    if 0 < top_k < logits.shape[-1]:
        least = logits.topk(top_k).values[:, -1:]
        logits = logits.masked_fill(logits < least, float("-inf"))
    if top_p < 1:
        largest, places = logits.softmax(-1).sort(descending=True)
        beyond = largest.cumsum(-1) - largest >= top_p  # the mass is there without them
        logits = logits.masked_fill(beyond.scatter(1, places, beyond), float("-inf"))
    return logits


def finished(tokens: list[int], model: Any, tokenizer: Any) -> Answer | None:
    """The answer, if its last token ended it, or nothing: it goes on.

    It ends with an end token, a text of `STOP`, the same tokens again and again, or at the limit.
    """
    ends = end_tokens(model, tokenizer)
    text = decoded(tokens, ends, tokenizer)
    if tokens[-1] in ends:
        return Answer(text.strip(), True)
    if HAS_STOP:
        if places := [text.index(stop) for stop in STOP if stop in text]:
            return Answer(text[: min(places)].strip(), True)
    if (rest := without_cycle(tokens)) is not None:
        return Answer(decoded(tokens[:rest], ends, tokenizer).strip(), False)
    if len(tokens) == MAX_NEW_TOKENS:
        return Answer(text.strip(), False)
    return None


def decoded(tokens: list[int], ends: set[int], tokenizer: Any) -> str:
    text: str = tokenizer.decode(
        [token for token in tokens if token not in ends],
        skip_special_tokens=True,
        clean_up_tokenization_spaces=False,
    )
    return text


def end_tokens(model: Any, tokenizer: Any) -> set[int]:
    """The tokens after which nothing follows, as tokenizer, configurations and data say."""
    found = {*ANSWER_END[-1:]}
    for place in (tokenizer, model.config, model.generation_config):
        ids = getattr(place, "eos_token_id", None)
        found |= {*ids} if isinstance(ids, list) else set() if ids is None else {ids}
    return found


def without_cycle(tokens: list[int]) -> int | None:
    """How many tokens are left when a cycle at the end stays once; None without a cycle.

    A cycle is what stands there three times or more, up to 8 tokens long, and covers 12.
    """
    for length in range(1, 9):
        span = length * max(3, -(-12 // length))
        end = tokens[len(tokens) - span :] if span <= len(tokens) else []
        if end and all(end[at] == end[at + length] for at in range(span - length)):
            return len(tokens) - span + length
    return None
