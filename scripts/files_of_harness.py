"""Samples of lm-evaluation-harness, made by running it on two tiny random models.

    pip install lm-eval==0.4.13
    python scripts/files_of_harness.py OUT     # with torch 2.13.0 and transformers 5.23.0

Two tasks with data of this file: one of several choices, one of texts with two filters and two
metrics. Needs no network.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

import lm_eval
import torch
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

DOCUMENTS = 6
CHOICES = """
task: tiny_choice
dataset_path: json
dataset_kwargs: {data_files: {test: DATA/choice.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
metric_list:
  - {metric: acc}
  - {metric: acc_norm}
"""
TEXTS = """
task: tiny_text
dataset_path: json
dataset_kwargs: {data_files: {test: DATA/text.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["."], max_gen_toks: 4, do_sample: false}
filter_list:
  - name: strict-match
    filter:
      - {function: regex, regex_pattern: "^ ?(\\\\w+)"}
      - {function: take_first}
  - name: flexible-extract
    filter:
      - {function: regex, regex_pattern: "(\\\\w)"}
      - {function: take_first}
metric_list:
  - {metric: exact_match, ignore_case: true}
  - {metric: bleu}
"""


def write_data(folder: Path) -> None:
    rng = random.Random(0)
    words = ["ant", "bee", "cod", "doe", "elk", "fox", "gnu", "hen"]
    lines: list[dict[str, Any]] = []
    for n in range(DOCUMENTS):
        choices = [f" {word}{'s' * rng.randrange(4)}" for word in rng.sample(words, 2)]
        lines.append({"question": f"Which is {n}?", "choices": choices, "answer": n % 2})
    (folder / "choice.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    # What the two random models happen to say, so that some answers are right.
    answers = ["0", "qqqq", "a", "V", "VVVV", "5"]
    lines = [{"question": f"Say {n}", "answer": answer} for n, answer in enumerate(answers)]
    (folder / "text.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))


def write_model(folder: Path, seed: int) -> None:
    torch.manual_seed(seed)
    letters = sorted(set(pre_tokenizers.ByteLevel.alphabet()))
    vocabulary = {letter: number for number, letter in enumerate(["<|end|>", *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")
    fast.save_pretrained(folder)
    config = GPT2Config(
        vocab_size=len(vocabulary),
        n_positions=128,
        n_embd=16,
        n_layer=1,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)


def main(out: Path) -> None:
    tasks = out / "tasks"
    tasks.mkdir(parents=True, exist_ok=True)
    write_data(tasks)
    for name, text in (("tiny_choice", CHOICES), ("tiny_text", TEXTS)):
        (tasks / f"{name}.yaml").write_text(text.replace("DATA", str(tasks)))
    for seed, name in enumerate(("first", "second")):
        model = out / "models" / f"tiny-{name}"
        write_model(model, seed)
        tracker = EvaluationTracker(output_path=str(out / "results"))
        found = lm_eval.simple_evaluate(
            model="hf",
            model_args={"pretrained": str(model), "device": "cpu", "dtype": "float32"},
            tasks=["tiny_choice", "tiny_text"],
            task_manager=TaskManager(include_path=str(tasks), include_defaults=False),
            log_samples=True,
            evaluation_tracker=tracker,
            bootstrap_iters=0,
        )
        samples = found.pop("samples")
        tracker.save_results_aggregated(results=found, samples=samples)
        for task in found["configs"]:
            tracker.save_results_samples(task_name=task, samples=samples[task])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
