"""What a plan takes, and how true its time is.

    python benchmarks/plan.py cost     six shapes with four methods, predicted twice
    python benchmarks/plan.py truth    a study of twelve trials, predicted and run

The first writes the configurations of six models into an empty folder, without weights or
tokenizers, and gives wall seconds and the peak resident memory of the largest process, once with
an empty cache of predictions and once with it filled. The second wants an idle machine: it prints
the seconds that `tunewise plan` predicts for one trial after another, and what `tunewise run` took.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from transformers import BertConfig, DistilBertConfig, GPT2Config, RobertaConfig

LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
ROBERTA = {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1}
SHAPES = {
    "bert-base": BertConfig(),
    "bert-large": BertConfig(**LARGE),
    "roberta-base": RobertaConfig(**ROBERTA),
    "roberta-large": RobertaConfig(**ROBERTA, **LARGE),
    "distilbert": DistilBertConfig(),
    "gpt2": GPT2Config(),
}
METHODS = "[full, head, {lora: {rank: 8}}, {prefix: {length: 16}}]"
STUDY = """\
name: plan
data: {{source: "embedded:reviews"}}
task: {{kind: classification, text: text, label: label}}
models: [{models}]
methods: {methods}
seeds: {seeds}
training: {{epochs: {epochs}}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["cost", "truth"])
    parser.add_argument("--epochs", type=int, default=2, help="of the study that is run")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        cost(Path(place)) if asked.what == "cost" else truth(Path(place), asked.epochs)


def cost(place: Path) -> None:
    for name, shape in SHAPES.items():
        shape.save_pretrained(place / name)
    models = ", ".join(f"./{name}" for name in SHAPES)
    study = written(place, models=models, seeds="[0, 1, 2]", epochs=3)
    environment = {**os.environ, "TUNEWISE_CACHE": str(place / "cache")}
    print("plan                 seconds  largest process, MB")
    for message in ("first", "from the cache", "from the cache"):
        seconds, most = timed(["plan", str(study)], place, environment)
        print(f"{message:<20} {seconds:>7.1f}  {most / 1e6:>19.0f}", flush=True)


def truth(place: Path, epochs: int) -> None:
    study = written(place, models="embedded:encoder", seeds="[0, 1, 2]", epochs=epochs)
    tunewise(["plan", str(study), "--workers", "1"], place)  # measures the machine
    found = json.loads(tunewise(["plan", str(study), "--workers", "1", "--json"], place))
    started = time.perf_counter()
    tunewise(["run", str(study), "--workers", "1"], place)
    whole = time.perf_counter() - started
    costs = [json.loads(path.read_text()) for path in place.rglob("trials/*/costs.json")]
    taken = sum(cost["seconds"]["total"] for cost in costs)
    print(f"trials {found['trials']}, foreseen {found['seconds']:.0f} s")
    print(f"trials took {taken:.0f} s: {taken / found['seconds']:.2f} of what was foreseen")
    print(f"the whole command took {whole:.0f} s: {whole / found['seconds']:.2f}")


def written(place: Path, *, models: str, seeds: str, epochs: int) -> Path:
    study = place / "study.yaml"
    study.write_text(STUDY.format(models=models, methods=METHODS, seeds=seeds, epochs=epochs))
    return study


def tunewise(arguments: list[str], place: Path, environment: dict[str, str] | None = None) -> str:
    """What a command writes to stdout; where it fails, its errors end this program."""
    command = [sys.executable, "-m", "tunewise", *arguments]
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def timed(arguments: list[str], place: Path, environment: dict[str, str]) -> tuple[float, int]:
    """Wall seconds of a command, and the peak of the largest process so far, in bytes.

    The peak never falls, so it is the first plan's that counts; the later ones need less.
    """
    started = time.perf_counter()
    tunewise(arguments, place, environment)
    seconds = time.perf_counter() - started
    return seconds, 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


if __name__ == "__main__":
    main()
