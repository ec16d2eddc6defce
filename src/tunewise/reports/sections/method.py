"""The contenders, how they were trained and chosen, and how they are compared."""

from __future__ import annotations

import json
from typing import Any

from tunewise.core.format import count, listed
from tunewise.core.sanitize import shortened, shown
from tunewise.reports.document.model import (
    NOTHING,
    PAPER,
    Block,
    Column,
    Equation,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.references import References
from tunewise.reports.facts.results import Results
from tunewise.reports.facts.wording import metric_said, setting_said
from tunewise.reports.sections.cells import named

TASKS = {
    "classification": "Each item is {columns}; one of {labels} labels is chosen, and the loss is "
    "the cross-entropy of the right one.",
    "question-answering": "Each item is {columns}, put into the prompt “{prompt}”. The model goes "
    "on writing; loss is taken on the tokens of the answer and of the end alone, since a prompt "
    "that is given need not be learned. If all does not fit into the maximum length, the context "
    "is shortened, never the question or the answer. Writing stops at the end token, at a line "
    "break or after {limit} tokens. Exact match and F1 over words are those of SQuAD {squad}: "
    "without case, punctuation and articles, against the reference that agrees best.",
    "visual-question-answering": "Each item is a picture with a question; one of {labels} answers "
    "is chosen, and the loss is the cross-entropy of the right one.",
}
METHODS = {
    "untuned": "Untuned is the model as it was pretrained, asked like the others and trained on "
    "nothing: what there is before any adaptation.",
    "prompt": "Prompting puts the question into words that a pretrained model goes on from; it "
    "has no trained number.",
    "nearest-neighbour": "Nearest neighbour answers as the most similar training item does, by "
    "the frozen features of the model.",
    "fusion": "Fusion trains a small network on the frozen features of picture and question.",
    "peft": "Methods of the PEFT library run as it builds them, in the same loop on the same "
    "batches.",
    "majority": "Majority answers the commonest label of the training split. Whatever does not "
    "beat it has learned nothing.",
    "tfidf": "TF-IDF {tfidf} weighs word n-grams and fits a logistic regression. It uses no "
    "pretrained model, and so shows what a pretrained model is worth here.",
    "head": "Head trains the classifier alone, on a model that stays as it was pretrained: the "
    "cheapest use of one.",
    "last-layers": "Last layers trains the topmost blocks and the classifier; all below is frozen.",
    "bitfit": "BitFit {bitfit} trains the biases and the classifier.",
    "prefix": "Prefix puts trained embeddings in front of the text, before a frozen model, as "
    "prompt tuning does {prompt-tuning}.",
    "lora": "LoRA {lora} freezes the weights W and trains a low-rank correction beside chosen "
    "layers. B starts at zero, so training starts from the pretrained model, and the product can "
    "be folded into W afterwards:",
    "full": "Full fine-tuning trains every number. It is what the others are measured against, "
    "and the costliest.",
}


LORA_WHY = (
    "For a layer of shape d × k that is r(d + k) trained numbers in place of dk, and the optimizer "
    "keeps its state for these alone. With g, the gradient of the loss with respect to y, they "
    "learn by"
)


def section(facts: Facts) -> Section | None:
    evidence, results, refs = facts.evidence, facts.results, facts.references
    blocks: list[Block] = _task(evidence, refs)
    for name in dict.fromkeys(contender.method for contender in evidence.contenders):
        if name in METHODS:
            blocks.append(Paragraph(_cited(METHODS[name], refs), outputs=PAPER))
        if name == "lora":
            why = Paragraph(LORA_WHY, outputs=PAPER)
            blocks += [Equation("lora"), why, Equation("lora-backward")]
    blocks += [
        _contenders(evidence),
        Paragraph(_training(evidence, refs), lead="Training.", outputs=PAPER),
        Paragraph(_choosing(evidence, results), lead="Choosing.", outputs=PAPER),
        Paragraph(_statistics(results, refs), lead="Uncertainty.", outputs=PAPER),
    ]
    return Section.of("method", "Method and reasons", blocks)


def _task(evidence: Evidence, refs: References) -> list[Block]:
    """What is asked, what the loss is taken on, how answers are scored."""
    task = evidence.study["task"]
    text = TASKS.get(str(task.get("kind")))
    if text is None:
        return []
    columns = evidence.study.get("texts") or task.get("text") or ()
    named = [columns] if isinstance(columns, str) else list(columns)
    values = {
        "columns": listed([f"“{shortened(shown(str(name)), 40)}”" for name in named])
        if named
        else "a text",
        "labels": f"{len(evidence.labels):,}",
        "prompt": shortened(shown(str(task.get("prompt") or "{context} {question}")), 200),
        "limit": str(task.get("max_new_tokens", "some")),
        "squad": refs("squad") if "{squad}" in text else "",
    }
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return [Paragraph(text, lead="Task.", outputs=PAPER)]


def _with_model(evidence: Evidence) -> list[Contender]:
    return [contender for contender in evidence.contenders if contender.model]


def _cited(text: str, refs: References) -> str:
    """Put the numbers in place of the names in braces."""
    parts = text.split("{")
    return parts[0] + "".join(
        refs(key) + rest for key, rest in (p.split("}", 1) for p in parts[1:])
    )


def _contenders(evidence: Evidence) -> Table:
    rows = []
    for contender in evidence.contenders:
        training = _trained_with(contender)
        rate = training.get("learning_rate")
        rows.append(
            (
                named(contender),
                _brief(contender.settings),
                contender.parameters["trainable"] if contender.parameters else None,
                f"{rate:g}" if isinstance(rate, int | float) else None,
                training.get("epochs"),
                training.get("batch_size"),
            )
        )
    columns = (
        Column("Contender", number=False),
        Column("Settings", number=False, wraps=True),
        Column("Trainable", show=count),
        Column("Learning rate"),
        Column("Epochs"),
        Column("Batch"),
    )
    caption = "Contenders, with the settings that were chosen"
    return Table("contenders", caption, columns, tuple(rows), outputs=PAPER)


def _trained_with(contender: Contender) -> dict[str, Any]:
    """The training settings of the chosen trials; empty for what is fitted in one go."""
    if not contender.finished:
        return {}
    return dict(contender.finished[0].record.result["settings"].get("training") or {})


def _brief(settings: dict[str, Any]) -> str:
    """Settings in one line; what is not set is left out."""
    parts = []
    for key, value in settings.items():
        if value is None or isinstance(value, dict):
            continue
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        parts.append(f"{key} {told}".replace('"', ""))
    return ", ".join(parts) or NOTHING


def _training(evidence: Evidence, refs: References) -> str:
    used = [_trained_with(contender) for contender in _with_model(evidence)]
    used = [training for training in used if training]
    versions = evidence.study.get("environment", {})
    on = " and ".join(
        f"{name} {versions[key]} {refs(key)}"
        for name, key in (("PyTorch", "torch"), ("transformers", "transformers"))
        if versions.get(key)
    )
    if not used:
        trains = any((c.parameters or {}).get("trainable") for c in evidence.contenders)
        return "No training has ended yet." if trains else "No contender trains a network."
    optimizers = {str(training.get("optimizer")) for training in used}
    said = "Networks are trained"
    if optimizers == {"adamw"}:
        said += f" with AdamW {refs('adamw')}"
    shared = {
        name: used[0][key]
        for key, name in (
            ("schedule", "schedule"),
            ("warmup", "share of warm-up"),
            ("weight_decay", "weight decay"),
            ("clip_norm", "clipping norm"),
        )
        if used[0].get(key) is not None and len({str(training.get(key)) for training in used}) == 1
    }
    if shared:
        said += " (" + ", ".join(f"{name} {value}" for name, value in shared.items()) + ")"
    return (
        f"{said}{f', on {on}' if on else ''}. The loss is divided by the targets of a whole step."
    )


def _choosing(evidence: Evidence, results: Results) -> str:
    metric = metric_said(results.metric)
    searched = [contender for contender in evidence.contenders if len(contender.points) > 1]
    if searched:
        points = {len(contender.points) for contender in searched}
        number = str(points.pop()) if len(points) == 1 else f"{min(points)} to {max(points)}"
        names = sorted(
            {setting_said(name) for contender in searched for name in contender.searched}
        )
        said = (
            f"Each searched contender has {number} points over {listed(names)}, tried with the "
            f"first seed; the one with the best validation {metric} counts, and is trained with "
            "the other seeds."
        )
    else:
        said = "Nothing was searched: every contender runs with the settings of the study file."
    if evidence.data.get("has_test"):
        said += (
            " The test split stays sealed until all choosing is done; then each chosen trial is "
            "scored on it once."
        )
    else:
        said += " There is no test split, so results rest on the split used for choosing."
    return said


def _statistics(results: Results, refs: References) -> str:
    pairs = results.pairs_counted
    said = (
        "Two kinds of chance are kept apart. Over examples, fractions of right answers have "
        f"Wilson intervals {refs('wilson')}, other metrics and differences BCa bootstrap "
        f"intervals {refs('bca')}; pairs are tested by exact sign flips of examples, which with "
        f"single runs are McNemar’s test {refs('mcnemar')}, or by approximate randomization "
        f"{refs('randomisation')}."
    )
    if len(results.seeds_planned) > 1:
        said += (
            " Over seeds, Student’s t on paired seeds is joined with the variance over examples "
            f"after Satterthwaite {refs('satterthwaite')}; few seeds allow no bootstrap."
        )
    if pairs > 1:
        said += (
            f" The p values are corrected by Holm’s method {refs('holm')} over all {pairs} pairs, "
            "because the best is picked by the same scores."
        )
    return said
