"""What was compared and why so: the question, the data and the method of a paper."""

from __future__ import annotations

import json
from typing import Any

from tunewise.reports.evidence import Contender, Evidence
from tunewise.reports.page import Page
from tunewise.reports.paper_parts import Block, Equation, Grid, Items, Paragraph, Section, cell
from tunewise.reports.plain import shown
from tunewise.reports.references import References
from tunewise.reports.results import Results
from tunewise.reports.words import count, listed, metric_said, percent

MOST_LABELS = 14  # rows of the table of labels
METHODS = {
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
    task = shown(str(evidence.study["task"].get("kind", "the task"))).replace("-", " ")
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


def data(evidence: Evidence, page: Page) -> Section:
    """The splits, their labels, and what the audit warned of."""
    blocks: list[Block] = []
    if page.splits:
        sizes = listed([f"{number:,} items for {name}" for name, number in page.splits])
        text = f"The data set has {sizes}."
        text += _commonest(page)
        if evidence.data.get("hash"):
            text += f" Its content has the hash {evidence.data['hash']}."
        blocks.append(Paragraph(text))
    if 0 < len(page.label_counts) <= MOST_LABELS:
        rows = tuple(
            (cell(row.label, 40), *(f"{number:,}" for number in row.counts))
            for row in page.label_counts
        )
        header = ("label", *(name for name, _ in page.splits))
        blocks.append(Grid("Labels by split", "l" + "r" * len(page.splits), header, rows))
    if page.warnings:
        blocks.append(Paragraph("The audit of the data warns:"))
        blocks.append(Items(tuple(cell(warning, 400) for warning in page.warnings)))
    return Section("Data", tuple(blocks))


def method(evidence: Evidence, results: Results, refs: References) -> Section:
    """The contenders, how they were trained and chosen, and how they are compared."""
    blocks: list[Block] = []
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


def _with_model(evidence: Evidence) -> list[Contender]:
    return [contender for contender in evidence.contenders if contender.model]


def _commonest(page: Page) -> str:
    """What guessing scores on the last split that has labels."""
    if not page.label_counts or not page.splits:
        return ""
    name, total = page.splits[-1]
    most = max(page.label_counts, key=lambda row: row.counts[-1])
    if not total or not most.counts[-1]:
        return ""
    return (
        f" The commonest label of {name}, “{cell(most.label, 40)}”, makes up "
        f"{percent(most.counts[-1] / total)} % of it."
    )


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
                count(contender.parameters["trainable"] if contender.parameters else None),
                f"{rate:g}" if isinstance(rate, int | float) else "–",
                str(training.get("epochs", "–")),
                str(training.get("batch_size", "–")),
            )
        )
    header = ("contender", "settings", "trained", "learning rate", "epochs", "batch")
    caption = "Contenders, with the settings that were chosen"
    return Grid(caption, "lLrrrr", header, tuple(rows), wide=True)


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
    return ", ".join(parts) or "–"


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
        trains = any(contender.parameters for contender in evidence.contenders)
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
        names = sorted({name for contender in searched for name in contender.searched})
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
