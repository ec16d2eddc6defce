"""Study files gone wrong: mutated by their structure, as YAML text, and as bytes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

SOUND = """
name: sst5
task: {kind: classification, text: text, label: label, metrics: [accuracy, f1_macro]}
data: {source: reviews.csv, split: {from: train, validation: 0.1, test: 500, seed: 3}, limit: 90}
models: [bert-base-uncased, ./here]
methods:
  - majority
  - tfidf: {ngrams: [1, 2], C: 0.5}
  - full
  - prefix: {length: 12}
  - lora: {rank: [1, 16], alpha: 32, targets: [query, value], training: {epochs: 2}, name: ours}
training: {epochs: 20, batch_size: 32, schedule: cosine, patience: 3}
search: {learning_rate: [1e-4, 5e-4, 1e-3], lora.dropout: [0.0, 0.1]}
seeds: [0, 1, 2]
equivalence_margin: 0.01
require: {memory: 8 GB, time: 10 min, accuracy: 0.8}
---
name: answers
task: {kind: question-answering, decoding: [greedy, "top-p 0.9, temperature 0.7"], samples: 3}
data: {files: {train: a.jsonl, validation: b.jsonl}, columns: {context: passage}}
models: gpt2@main
methods: [untuned, lora: {ranks: {query: 4}, layers: [0, 3]}, last-layers: {count: [1, 2]}]
training: {max_length: 128, loss_on: all, batch_size: auto}
keep: none
memory_limit: 8 GB
---
name: pictures
task: {kind: visual-question-answering, image: image, question: question, answer: answer, most: 9}
data: {source: daquar, split: {validation: 0.1, group: image}}
models: [{image: microsoft/resnet-50, text: ./minilm}]
methods: [fusion: {inputs: [both, question]}, nearest-neighbour: {count: 5}, peft: {peft_type: IA3}]
search: {learning_rate: auto}
trackers: [tensorboard]
---
name: asked
task: {kind: classification, text: [question, passage], label: answer, labels: ["no", "yes"]}
data: {source: "embedded:reviews"}
models: ["embedded:decoder"]
methods:
  - prompt: {style: few-shot, examples: [[a, b], [c, d]], template: "{examples} {text}"}
  - prompt: {style: [direct, expert], scoring: text, calibrate: true, max_new_tokens: 9}
  - peft: {peft_type: LORA, r: 8, target_modules: [query], lora_alpha: 16}
slices: [length, kind]
accept_leakage: two sentences stand in both
"""

ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 0.0, -0.5, 1e308, 1e-308),
    *("", " ", "a", "auto", "rest", "null", "~", "1e-4", "../..", "/", "./", "~x/y", "a/b/c@d"),
    *("embedded:", "embedded:reviews", "embedded:nothing", "http://x/y", "a" * 300, "x" * 70_000),
    *(
        "\u202egnirts",
        "e\u0301",
        "\u0130",
        "\ufeff",
        "\u2028",
        "\U0001f600",
        "ﬁ",
        "{text}",
        "{",
        "%s",
    ),
    *([], {}, [[]], [{}], {"a": None}, [None], [1, "a", None], [[1, 2], [3]], {"kind": []}),
]
RAW = [  # what no value of Python stands for
    *(".nan", ".inf", "-.inf", "1e999", "0x" + "f" * 40, "9" * 5000, "1_000", "0o17", "12:30:45"),
    *("*nothing", "&a [*a]", "&a {b: *a}", "!!python/object:os.system x", "!x y", "!!binary aGk="),
    *("'unclosed", '"\\x00"', '"\\ud800"', '"\\U00110000"', "? [a, b] : c", "<<: {a: 1}", "| \n x"),
    *("[" * 30, "{a: " * 30, "[" * 3000, "- - - - a", "%YAML 9.9", "2020-01-01", "@x", "`x`", "#"),
    "&a [1, 1, 1], &b [*a, *a, *a, *a], &c [*b, *b, *b, *b], &d [*c, *c, *c, *c], [*d, *d, *d]",
]
CHARACTERS = (
    "\x00\x01\x07\x1b\x7f\x85\xa0\u200b\u202e\u2028\ufeff\ufffe\U0001f600:{}[]&*!|>'\"%@`#\t\n -"
)


class Raw(str):
    """Text that stands in the file as it is."""


Pairs = list[tuple[Any, Any]]
"""A mapping, so that a key may stand twice."""


class Mapped:
    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


def mutants(random: Random, studies: list[Any]) -> Iterator[bytes]:
    """Mutated study files without end."""
    while True:
        study = as_pairs(random.choice(studies))
        for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
            random.choice(BY_STRUCTURE)(random, study)
        text = flow(study) if random.random() < 0.3 else block(study)
        content = text.encode("utf-8", "surrogatepass")
        for _ in range(random.choice((0, 0, 0, 1, 2, 8))):
            content = random.choice(BY_BYTES)(random, content)
        yield content


def as_pairs(value: Any) -> Any:
    if isinstance(value, dict):
        return Mapped([(key, as_pairs(item)) for key, item in value.items()])
    return [as_pairs(item) for item in value] if isinstance(value, list) else value


def inner(value: Any) -> Iterator[Any]:
    """Every mapping and list in a value, itself first."""
    if isinstance(value, Mapped):
        yield value
        for _, item in value.pairs:
            yield from inner(item)
    elif isinstance(value, list):
        yield value
        for item in value:
            yield from inner(item)


def place(random: Random, study: Mapped) -> tuple[list[Any], int]:
    """A list of pairs or items, and a position in it."""
    found = [node.pairs if isinstance(node, Mapped) else node for node in inner(study)]
    chosen = random.choice([one for one in found if one] or [study.pairs or [("name", "x")]])
    return chosen, random.randrange(len(chosen))


def put(chosen: list[Any], at: int, value: Any) -> None:
    old = chosen[at]
    chosen[at] = (old[0], value) if isinstance(old, tuple) else value


def value_at(chosen: list[Any], at: int) -> Any:
    return chosen[at][1] if isinstance(chosen[at], tuple) else chosen[at]


def drop(random: Random, study: Mapped) -> None:
    chosen, at = place(random, study)
    del chosen[at]


def double(random: Random, study: Mapped) -> None:
    chosen, at = place(random, study)
    chosen.insert(random.randrange(len(chosen) + 1), copy.deepcopy(chosen[at]))


def swap(random: Random, study: Mapped) -> None:
    (one, at), (other, there) = place(random, study), place(random, study)
    first, second = copy.deepcopy((value_at(one, at), value_at(other, there)))
    put(one, at, second)
    put(other, there, first)


def replace(random: Random, study: Mapped) -> None:
    chosen, at = place(random, study)
    put(chosen, at, as_pairs(random.choice(ODD)))


def replace_raw(random: Random, study: Mapped) -> None:
    chosen, at = place(random, study)
    put(chosen, at, Raw(random.choice(RAW)))


def rename(random: Random, study: Mapped) -> None:
    chosen, at = place(random, study)
    if not isinstance(chosen[at], tuple):
        return
    key, value = chosen[at]
    names = [k for node in inner(study) if isinstance(node, Mapped) for k, _ in node.pairs]
    new = random.choice([*names, *ODD, misspelt(random, str(key)), Raw(random.choice(RAW))])
    chosen[at] = (new if not isinstance(new, (list, dict)) else json.dumps(new), value)


def wrap(random: Random, study: Mapped) -> None:
    chosen, at = place(random, study)
    value = value_at(chosen, at)
    for _ in range(random.choice((1, 2, 18, 19, 40))):
        value = [value] if random.random() < 0.5 else Mapped([("a", value)])
    put(chosen, at, value)


def many(random: Random, study: Mapped) -> None:
    chosen, at = place(random, study)
    value = value_at(chosen, at)
    if not isinstance(value, (Mapped, list)):
        put(chosen, at, [value] * random.choice((2, 50, 3000)))


def spoil(random: Random, study: Mapped) -> None:
    chosen, at = place(random, study)
    value = value_at(chosen, at)
    if isinstance(value, str):
        put(chosen, at, misspelt(random, value))
    elif isinstance(value, (int, float)):
        put(chosen, at, random.choice((-value, value * 1000, str(value), float(value), [value])))


def misspelt(random: Random, word: str) -> str:
    at = random.randrange(len(word) + 1)
    end = min(len(word), at + random.choice((0, 1, 1)))
    return word[:at] + random.choice(CHARACTERS + "abc019._") + word[end:]


BY_STRUCTURE: tuple[Callable[[Random, Mapped], None], ...] = (
    *(drop, double, swap, replace, replace, replace_raw, rename, wrap, many, spoil, spoil),
)


def flip(random: Random, content: bytes) -> bytes:
    at = random.randrange(max(1, len(content)))
    return content[:at] + bytes([random.randrange(256)]) + content[at + 1 :]


def cut(random: Random, content: bytes) -> bytes:
    at = random.randrange(len(content) + 1)
    return content[:at] + content[at + random.choice((1, 5, 10**6)) :]


def insert(random: Random, content: bytes) -> bytes:
    at = random.randrange(len(content) + 1)
    new = random.choice([*RAW, *CHARACTERS, "\r", "\r\n", "---\n", "...\n", ": ", ", "])
    return content[:at] + new.encode("utf-8", "surrogatepass") + content[at:]


def repeat(random: Random, content: bytes) -> bytes:
    at = random.randrange(len(content) + 1)
    return content[:at] + content[at : at + 40] * random.choice((2, 5, 200)) + content[at:]


def indent(random: Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    at = random.randrange(len(lines))
    lines[at] = random.choice((b" ", b"\t", b"  ", b"- ")) + lines[at]
    return b"\n".join(lines)


def recode(random: Random, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(random.choice(("utf-16", "utf-8-sig", "latin-1", "utf-32")), "replace")


BY_BYTES: tuple[Callable[[Random, bytes], bytes], ...] = (
    *(flip, flip, cut, insert, insert, repeat, indent, indent, recode),
)


def flow(value: Any) -> str:
    """As JSON would have it, with what is raw left as it is."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Mapped):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def block(value: Any, depth: int = 0) -> str:
    """The outer levels on lines of their own, as people write them."""
    if isinstance(value, Mapped) and value.pairs and depth < 2:
        lines = (f"{'  ' * depth}{flow(key)}: {nested(item, depth)}" for key, item in value.pairs)
        return "\n".join(lines)
    if isinstance(value, list) and value and depth < 2:
        return "\n".join(f"{'  ' * depth}- {flow(item)}" for item in value)
    return flow(value)


def nested(item: Any, depth: int) -> str:
    below = isinstance(item, (Mapped, list)) and depth < 1
    text = block(item, depth + 1)
    return f"\n{text}" if below and "\n" in text else flow(item)
