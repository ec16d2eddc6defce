"""``python -m tunewise.export.own_check``: what `foreign_check` is, for folders of our form.

It writes probabilities, which is what every predictor gives that chooses; where answers are
written, the losses of the right ones.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tunewise import __version__
from tunewise.core.files import read_json, write_json
from tunewise.data.examples import Example
from tunewise.export.proof import own_values
from tunewise.training.finished import exported_parts, load_predictor


def main(folder: str, question: str, answer: str) -> None:
    asked = read_json(Path(question))
    examples = [
        Example(
            str(number),
            tuple(example["texts"]),
            references=tuple(example["references"]) if example.get("references") else None,
            image=example["picture"],
            turns=tuple((role, content) for role, content in example["turns"]),
        )
        for number, example in enumerate(asked["examples"])
    ]
    parts = exported_parts(Path(folder))
    predictions = load_predictor(parts, Path(folder)).predict(examples)
    found = {
        "values": own_values(predictions, writes=asked["writes"]).tolist(),
        "labels": parts.options,
        "versions": {"tunewise": __version__},
        "loaded_tunewise": True,
    }
    write_json(Path(answer), found)


if __name__ == "__main__":
    main(*sys.argv[1:])
