"""What was compared and why so: the question and the method of a paper."""

from __future__ import annotations

import json

from tunewise.core.canonical import Settings
from tunewise.core.format import count, listed
from tunewise.core.sanitize import shown
from tunewise.reports.document import Block, Equation, Grid, Paragraph, Section, cell
from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.reports.facts.references import References
from tunewise.reports.facts.results import Results
from tunewise.reports.facts.wording import metric_said, setting_said

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


def question(evidence: Evidence, results: Results) -> Section:
    """What the study asks."""
    models = [shown(str(model)) for model in dict.fromkeys(c.model for c in _with_model(evidence))]
    task = shown(str(evidence.study.task.get("kind", "the task"))).replace("-", " ")
    what = f"adapt {listed(models)} to" if models else "solve"
    seeds = len(results.seeds_planned)
    text = (
        f"How should one {what} a {task} task, and what does each way cost? We train and measure "
        f"{len(results.rows)} contenders on the same data, with "
        f"{'one seed' if seeds == 1 else f'{seeds} seeds'} each where there is randomness. Every "
        "contender answers the same items; contenders of one model and seed see the same batches "
        "in the same order. Differences are told with their uncertainty over items and over "
        "seeds, and those that chance may explain are called ties."
    )
    return Section("Question", (Paragraph(text),))


def method(evidence: Evidence, results: Results, refs: References) -> Section:
    """The contenders, how they were trained and chosen, and how they are compared."""
    blocks: list[Block] = _task(evidence, refs)
    for name in dict.fromkeys(contender.method for contender in evidence.contenders):
        if name in METHODS:
            blocks.append(Paragraph(_cited(METHODS[name], refs)))
        if name == "lora":
            blocks += [Equation("lora"), Paragraph(LORA_WHY), Equation("lora-backward")]
    blocks += [
        _contenders(evidence),
        Paragraph(_training(evidence, refs), lead="Training."),
        Paragraph(_choosing(evidence, results), lead="Choosing."),
        Paragraph(_statistics(results, refs), lead="Uncertainty."),
    ]
    return Section("Method and reasons", tuple(blocks))


def _task(evidence: Evidence, refs: References) -> list[Block]:
    """What is asked, what the loss is taken on, how answers are scored."""
    task = evidence.study.task
    text = TASKS.get(str(task.get("kind")))
    if text is None:
        return []
    columns = evidence.study.texts or task.get("text") or ()
    named = [columns] if isinstance(columns, str) else list(columns)
    values = {
        "columns": listed([f"“{cell(str(name), 40)}”" for name in named]) if named else "a text",
        "labels": f"{len(evidence.labels):,}",
        "prompt": cell(str(task.get("prompt") or "{context} {question}"), 200),
        "limit": str(task.get("max_new_tokens", "some")),
        "squad": refs("squad") if "{squad}" in text else "",
    }
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return [Paragraph(text, lead="Task.")]


def _with_model(evidence: Evidence) -> list[Contender]:
    return [contender for contender in evidence.contenders if contender.model]


def _cited(text: str, refs: References) -> str:
    """Put the numbers in place of the names in braces."""
    parts = text.split("{")
    return parts[0] + "".join(
        refs(key) + rest for key, rest in (p.split("}", 1) for p in parts[1:])
    )


def _contenders(evidence: Evidence) -> Grid:
    rows = []
    for contender in evidence.contenders:
        training = _trained_with(contender)
        rate = training.get("learning_rate")
        rows.append(
            (
                cell(contender.name, 60),
                cell(_brief(contender.settings)),
                count(contender.parameters.trainable if contender.parameters else None),
                f"{rate:g}" if isinstance(rate, int | float) else "–",
                str(training.get("epochs", "–")),
                str(training.get("batch_size", "–")),
            )
        )
    header = ("contender", "settings", "trained", "learning rate", "epochs", "batch")
    caption = "Contenders, with the settings that were chosen"
    return Grid(caption, "lLrrrr", header, tuple(rows), wide=True)


def _trained_with(contender: Contender) -> Settings:
    """The training settings of the chosen trials; empty for what is fitted in one go."""
    if not contender.finished:
        return {}
    return contender.finished[0].record.result.settings.training


def _brief(settings: Settings) -> str:
    """Settings in one line; what is not set is left out."""
    parts = []
    for key, value in settings.items():
        if value is None or isinstance(value, dict):
            continue
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        parts.append(f"{key} {told}".replace('"', ""))
    return ", ".join(parts) or "–"


def _training(evidence: Evidence, refs: References) -> str:
    used = [_trained_with(contender) for contender in _with_model(evidence)]
    used = [training for training in used if training]
    versions = evidence.study.environment
    on = " and ".join(
        f"{name} {versions[key]} {refs(key)}"
        for name, key in (("PyTorch", "torch"), ("transformers", "transformers"))
        if versions.get(key)
    )
    if not used:
        trains = any(c.parameters and c.parameters.trainable for c in evidence.contenders)
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
    if evidence.data.has_test:
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
        f"Two kinds of chance are kept apart. Over items, shares of right answers have Wilson "
        f"intervals {refs('wilson')}, other metrics and differences BCa bootstrap intervals "
        f"{refs('bca')}; pairs are tested by exact sign flips of items, which with single runs are "
        f"McNemar’s test {refs('mcnemar')}, or by approximate randomisation "
        f"{refs('randomisation')}."
    )
    if len(results.seeds_planned) > 1:
        said += (
            " Over seeds, Student’s t on paired seeds is joined with the variance over items "
            f"after Satterthwaite {refs('satterthwaite')}; few seeds allow no bootstrap."
        )
    if pairs > 1:
        said += (
            f" The p values are corrected by Holm’s method {refs('holm')} over all {pairs} pairs, "
            "because the best is picked by the same scores."
        )
    return said
