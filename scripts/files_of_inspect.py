"""Logs of Inspect, made with its mock model: in both forms that it writes, two models, two epochs.

    pip install inspect-ai==0.3.285
    python scripts/files_of_inspect.py OUT

Answers are the same each time; times and random names of Inspect are not. Needs no network.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import includes, match
from inspect_ai.solver import generate

SAMPLES = [Sample(id=f"q{n}", input=f"{n} + {n} =", target=str(2 * n)) for n in range(6)]
ANSWERS = {
    "good": ["0", "2", "4", "6", "8", "10", "0", "2", "it is 4.", "6", "8", "10"],
    "poor": ["0", "2", "4", "no", "no", "no", "0", "2", "4 is it", "6", "no", "no"],
}


def outputs(answers: list[str]) -> Iterator[ModelOutput]:
    for text in answers:
        found = ModelOutput.from_content("mockllm", text)
        found.usage = ModelUsage()  # else it is counted, with a tokenizer from the network
        yield found


def main(out: Path) -> None:
    for form in ("json", "eval"):
        for name, answers in ANSWERS.items():
            eval(
                Task(dataset=SAMPLES, solver=generate(), scorer=[match(), includes()], name="sums"),
                model=get_model(f"mockllm/{name}", custom_outputs=outputs(answers), memoize=False),
                epochs=2,
                max_samples=1,
                log_dir=str(out / form),
                log_format=form,
                display="none",
                score_display=False,
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
