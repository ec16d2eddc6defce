"""``tunewise export --as onnx``: converts a classifier and says what that changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tunewise.analysis.wording import between, metric_words
from tunewise.cli.console import say
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import write_json, write_text
from tunewise.core.format import gap, is_fraction, milliseconds, percent, points, size
from tunewise.export.runtime.measured import Conversion, Converted, compared
from tunewise.export.runtime.onnx_file import OnnxClassifier, classifier_of, write_onnx
from tunewise.reports.document.markdown import plain
from tunewise.results import StudyResults
from tunewise.store.answers import Answers
from tunewise.store.trial_records import LatencyRecord
from tunewise.trained import Chosen, choose
from tunewise.training.assembly import Parts
from tunewise.training.finished import load_whole
from tunewise.training.predictor import ModelPredictor

CONVERSION = "conversion.json"  # in the folder of a converted model: what was measured of it
ROUNDING = 1e-9  # what floating point adds must not decide
GGUF = (
    "--as gguf: Tunewise has no converter of its own. Export a folder with --merge, convert it "
    "with llama.cpp's convert_hf_to_gguf.py, and measure what that changed: tunewise export DIR "
    "--measure FILE, which takes the .gguf, or llama.cpp's answers with the columns id and "
    "prediction"
)
LOADING = """\
import numpy as np, onnxruntime
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(".")
session = onnxruntime.InferenceSession("model.onnx")
inputs = tokenizer(["A text."], truncation=True, max_length={length}, return_tensors="np")
names = [one.name for one in session.get_inputs()]
(logits,) = session.run(["logits"], {{name: inputs[name] for name in names}})
print({labels}[int(logits.argmax())])"""


def convert(study: StudyResults, contender: str | None, draft: Path, *, int8: bool) -> Conversion:
    """Fill the folder `draft` with the converted model, and measure it on the test examples.

    Raises:
        InputError: the contender is no classifier of one plain module, or has no stored answers.
        MissingExtra: what converts or runs ONNX is not installed.
    """
    chosen = choose(study, contender)
    parts = Parts.of(chosen.settings, study.folder.path)
    split, before = stored_answers(study, chosen)
    say(f"Loading {chosen.name}")
    predictor = load_whole(parts, chosen.weights)
    classifier_of(predictor)  # refuses before anything is written
    assert isinstance(predictor, ModelPredictor)
    say("Converting it")
    path = write_onnx(predictor, draft, int8=int8)
    predictor.model.processor.save_pretrained(draft)
    say(f"Answering the {split} split again with onnxruntime")
    examples = {one.id: one for one in parts.examples(split)}
    asked = [examples[id] for id in before.ids]
    converted = Converted(predictor, OnnxClassifier(path))
    after = converted.answers(asked)
    found = compared(before, after, metric=study.evidence.headline, split=split)
    found = with_costs(found, path, converted.latency(asked))
    made = {"contender": chosen.name, "trial": chosen.record.id, "int8": int8}
    write_json(draft / CONVERSION, {**made, **found.as_json()})
    loading = LOADING.format(
        length=predictor.max_length, labels=dict(enumerate(study.evidence.labels))
    )
    text = f"# {plain(chosen.name)} as ONNX\n\n```python\n{loading}\n```\n\n"
    write_text(draft / "README.md", text + "".join(f"- {line}\n" for line in described(found)))
    return found


def with_costs(
    found: Conversion, path: Path, latency: tuple[LatencyRecord, LatencyRecord]
) -> Conversion:
    """The same with the size of the converted file and how long its answers take."""
    one, best = latency
    return replace(found, bytes=path.stat().st_size, at_one=one, at_best=best)


def stored_answers(study: StudyResults, chosen: Chosen) -> tuple[str, Answers]:
    """The answers of the trial that is taken away, on test where it was opened for it."""
    contender = study.evidence.by_name[chosen.name]
    trial = next((t for t in contender.finished if t.record.id == chosen.record.id), None)
    for split in ("test", "validation"):
        if trial is not None and (answers := trial.answers(split)):
            return split, answers
    raise InputError([Problem(str(study.folder.path), f"'{chosen.name}' has no stored answers.")])


def described(found: Conversion) -> list[str]:
    """What the conversion changed, in sentences."""
    metric, words = found.metric, metric_words(found.metric)
    lines = []
    if found.difference is not None and found.interval is not None:
        lines.append(
            f"{words} on {found.examples:,} {found.split} examples: "
            f"{gap(metric, found.difference)} against the trained model "
            f"(95 % {between(metric, found.interval)})."
        )
    elif found.trained is not None and found.trained == found.converted:
        lines.append(
            f"{words} on {found.examples:,} {found.split} examples: the same as the trained "
            "model's."
        )
    far = "" if found.largest is None else f"; probabilities differ by {found.largest:.1g} at most"
    lines.append(f"{percent(found.same_answers)} % of the answers are the same{far}.")
    if found.bytes is not None:
        timed = [_latency(one) for one in (found.at_one, found.at_best) if one]
        lines.append(" ".join([f"{size(found.bytes)}.", *timed]))
    return [*lines, found.runtime] if found.runtime else lines


def _latency(one: LatencyRecord) -> str:
    return (
        f"Batch {one.batch_size}: {milliseconds(one.median_seconds)} ms (95th percentile "
        f"{milliseconds(one.p95_seconds)} ms), {one.examples_per_second:,.0f} examples a second."
    )


def too_far(found: Conversion, margin: float) -> str | None:
    """Why a conversion is not kept: it scores worse by more than `margin`, in points or nats."""
    allowed = margin / 100 if is_fraction(found.metric) else margin
    if found.worse_by() <= allowed + ROUNDING:
        return None
    worse = points(-found.worse_by()) if is_fraction(found.metric) else f"{-found.worse_by():.3f}"
    return (
        f"The converted model is worse by more than --margin {margin:g} ({worse}) and was not "
        "kept; --accept-loss keeps it."
    )
