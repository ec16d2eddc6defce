"""Ten ways of decoding with Tunewise and with ten calls of transformers' `generate`.

    python benchmarks/decoding.py [--prompts 200] [--tokens 16] [--repeats 2] [--model M]

Both decode the same prompts with the same model, the same limit and the same ends, sixteen
prompts at a time sorted by length, on one thread, in turn; ratios are medians over the repeats.
The greedy answers of the two must be equal. The strategies are greedy, top-k 10, 25 and 50,
top-p 0.8, 0.9 and 0.95, and temperature 0.7, 1 and 1.3.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.backbones.sources import locate
from tunewise.backbones.transformers_logging import quiet
from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.rooms import draw_room
from tunewise.data.embedded_world.spans import passage, questions, tell
from tunewise.decoding.generate import generate
from tunewise.decoding.stopping import end_tokens
from tunewise.decoding.strategies import Strategy

BATCH = 16
SAMPLING: tuple[dict[str, Any], ...] = (
    *({"top_k": k} for k in (10, 25, 50)),
    *({"top_p": p} for p in (0.8, 0.9, 0.95)),
    *({"temperature": t} for t in (0.7, 1.0, 1.3)),
)


def prompts_of(tokenizer: Any, count: int) -> list[list[int]]:
    """Questions behind long descriptions of rooms."""
    draw, found = Draw("benchmark", 0), []
    for _ in range(count):
        message = tell(draw_room(draw), draw, topics=11, things=3, closed=draw.below(4))
        question = questions(message, 1, draw)[0].question
        text = f"Context: {passage(message)}\nQuestion: {question}\nAnswer:"
        found.append(tokenizer.encode(text, add_special_tokens=False))
    return sorted(found, key=len)


def ours(module: Any, tokenizer: Any, prompts: list[list[int]], tokens: int) -> list[str]:
    """All strategies in one call; the greedy texts."""
    strategies = [
        Strategy(max_new_tokens=tokens),
        *(Strategy("sample", max_new_tokens=tokens, **options) for options in SAMPLING),
    ]
    found = generate(
        module,
        tokenizer,
        prompts,
        strategies,
        keys=[str(number) for number in range(len(prompts))],
        seed=0,
        batch_size=BATCH,
        loops="allow",  # transformers has no such guard
    )
    return [answer.text for [answer] in found[0]]


def theirs(module: Any, tokenizer: Any, prompts: list[list[int]], tokens: int) -> list[str]:
    """A call of `generate` for each strategy and batch; the greedy texts."""
    line_end = tokenizer.encode("\n", add_special_tokens=False)
    ends = [*end_tokens(module, tokenizer), *line_end]
    greedy = []
    for options in ({"do_sample": False}, *({"do_sample": True, "top_k": 0} | o for o in SAMPLING)):
        for start in range(0, len(prompts), BATCH):
            chosen = prompts[start : start + BATCH]
            width = max(map(len, chosen))
            rows = [[0] * (width - len(prompt)) + prompt for prompt in chosen]
            mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in chosen]
            with torch.inference_mode():
                output = module.generate(
                    torch.tensor(rows),
                    attention_mask=torch.tensor(mask),
                    max_new_tokens=tokens,
                    eos_token_id=ends,
                    pad_token_id=ends[0],
                    **options,
                )
            texts = tokenizer.batch_decode(output[:, width:].tolist(), skip_special_tokens=True)
            if not options["do_sample"]:
                greedy += [text.split("\n", maxsplit=1)[0] for text in texts]
    return greedy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--model", default="embedded:decoder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = str(locate(options.model) or options.model)
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        module = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    prompts = prompts_of(tokenizer, options.prompts)
    lengths = [len(prompt) for prompt in prompts]
    print(f"{len(prompts)} prompts of {lengths[0]} to {lengths[-1]} tokens, ten strategies")

    seconds: dict[str, list[float]] = {"generate": [], "tunewise": []}
    answers: dict[str, list[str]] = {}
    for run in (ours, theirs):  # warm
        run(module, tokenizer, prompts[:BATCH], options.tokens)
    for number in range(options.repeats):
        for name, run in (("generate", theirs), ("tunewise", ours)):
            began = time.perf_counter()
            answers[name] = run(module, tokenizer, prompts, options.tokens)
            seconds[name].append(time.perf_counter() - began)
        shown = ", ".join(f"{name} {own[-1]:.1f} s" for name, own in seconds.items())
        print(f"repeat {number + 1}: {shown}")
    same = sum(a == b for a, b in zip(answers["generate"], answers["tunewise"], strict=True))
    print(f"greedy answers that are equal: {same} of {len(prompts)}")
    ratio = statistics.median(seconds["generate"]) / statistics.median(seconds["tunewise"])
    print(f"ten calls of generate take {ratio:.2f} times as long")
    if same < len(prompts):
        sys.exit("The greedy answers differ, so the two times are not of the same work.")


if __name__ == "__main__":
    main()
