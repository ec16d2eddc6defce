"""The appendix: what LoRA computes and saves, and why prompts are masked, for the study at hand."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.core.format import size
from tunewise.reports.document.model import (
    PAPER,
    Block,
    Column,
    Equation,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.results import Row
from tunewise.reports.sections.cells import CONTENDER, TRAINABLE, only

FLOAT = 4  # bytes of a number in float32
STATES = 3  # further copies of a trainable parameter: its gradient and Adam's two moments
INTRODUCTION = Paragraph(
    "What the contenders rest on, derived, with the figures of this study.", outputs=PAPER
)


def section(facts: Facts) -> Section | None:
    """Of studies in which LoRA is trained, and of those that learn to write answers."""
    rows = [row for row in facts.shortlist.rows if _low_rank(row)]
    blocks = [*(_low_rank_blocks(rows) if rows else ()), *_masking(facts)]
    if not blocks:
        return None
    return Section.of("theory", "Appendix: the mathematics", [INTRODUCTION, *blocks])


def _low_rank(row: Row) -> bool:
    return bool(row.parameters) and (
        row.method == "lora" or str(row.settings.get("peft_type", "")).upper() == "LORA"
    )


def _low_rank_blocks(rows: Sequence[Row]) -> list[Block]:
    columns = (
        only(CONTENDER, PAPER),
        Column(
            "Rank", of=lambda row: row.settings.get("rank", row.settings.get("r")), outputs=PAPER
        ),
        only(TRAINABLE, PAPER),
        Column("Factor", None, lambda factor: f"{factor:,.1f}", "parameters.reduction"),
        Column("State", None, size, _bytes),
        Column("Of full", None, lambda part: f"{part:.1%}", _of_full),
    )
    return [
        Paragraph(
            "A layer adapted by LoRA computes y = Wx + b + (α/r) BAx. With g, the gradient of the "
            "loss with respect to y, the total differential g·dy = g·((α/r)(dB A x + B dA x) + "
            "(W + (α/r) BA) dx) gives what A, B and x receive; what multiplies dx is",
            lead="Forward and backward.",
            outputs=PAPER,
        ),
        Equation("low-rank-input"),
        Paragraph(
            "All that A and B need passes through r values a token: no gradient of the size of W "
            "is formed. As B starts at zero, the first step moves B alone. The command tunewise "
            "explain lora checks these equations against automatic differentiation.",
            outputs=PAPER,
        ),
        Paragraph(
            "For a d × k matrix the operations of a token in training and the bytes of weights, "
            "gradient and Adam’s moments in float32 are",
            lead="Time and memory.",
            outputs=PAPER,
        ),
        Equation("step-costs"),
        Equation("state-bytes"),
        Paragraph(
            "so that time falls by a third at most, while memory falls with the trainable "
            "parameters; activations are kept either way. The reduction factor of a contender is "
            "its parameters over those that it trains.",
            outputs=PAPER,
        ),
        Table.about(
            "reduction",
            "Reduction factor, and bytes of weights, gradients and Adam’s moments against full "
            "fine-tuning",
            columns,
            rows,
            outputs=PAPER,
            wide=False,
        ),
    ]


def _bytes(row: Row) -> int:
    """Weights of the whole model; gradient and moments of what is trained."""
    assert row.parameters is not None
    return FLOAT * (row.parameters.total + STATES * row.parameters.trainable)


def _of_full(row: Row) -> float:
    assert row.parameters is not None
    return _bytes(row) / (FLOAT * (1 + STATES) * row.parameters.total)


def _masking(facts: Facts) -> list[Block]:
    if "loss_on" not in facts.evidence.study.task:
        return []
    return [
        Paragraph(
            "The loss is a mean over tokens. Where the prompt’s tokens count as well, the gradient "
            "is",
            lead="Why the prompt is masked.",
            outputs=PAPER,
        ),
        Equation("masked-gradient"),
        Paragraph(
            "A prompt that is long beside its answer leaves the answer a small weight w, and the "
            "rest pulls towards likelier prompts, which nobody asks for. With the label −100 on "
            "the prompt’s tokens they are read and not predicted, and the whole gradient is the "
            "answer’s, at no cost: the forward pass is the same. tunewise explain masked-loss "
            "measures norm and direction of both gradients, and training.loss_on compares them "
            "in a study.",
            outputs=PAPER,
        ),
    ]
