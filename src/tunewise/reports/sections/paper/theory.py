"""The appendix: what LoRA computes and saves, and why prompts are masked, for the study at hand."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.analysis.facts import Facts
from tunewise.analysis.results import Row
from tunewise.core.format import size
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import CONTENDER, TRAINABLE, only

FLOAT = 4  # bytes of a number in float32
STATES = 3  # further copies of a trainable parameter: its gradient and Adam's two moments
MASKING = (
    doc.Paragraph(
        "The loss is a mean over tokens. Where the prompt’s tokens count as well, the gradient is",
        lead="Why the prompt is masked.",
        outputs=doc.PAPER,
    ),
    doc.Equation("masked-gradient"),
    doc.Paragraph(
        "A prompt that is long beside its answer leaves the answer a small weight w, and the "
        "rest pulls towards likelier prompts, which nobody asks for. With the label −100 on "
        "the prompt’s tokens they are read and not predicted, and the whole gradient is the "
        "answer’s, at no cost: the forward pass is the same. tunewise explain masked-loss "
        "measures norm and direction of both gradients, and training.loss_on compares them "
        "in a study.",
        outputs=doc.PAPER,
    ),
)
LOW_RANK = "{equation low-rank}"  # in what a method says of itself


@doc.titled("theory", "Appendix: the mathematics")
def section(facts: Facts) -> doc.Blocks:
    """Of studies in which matrices of low rank are trained, and of those that learn to write."""
    described = facts.evidence.study.descriptions.methods
    rows = [
        row
        for row in facts.shortlist.rows
        if row.parameters and LOW_RANK in described.get(row.method, "")
    ]
    masked = "loss_on" in facts.evidence.study.task
    if rows or masked:
        text = "What the contenders rest on, derived, with the figures of this study."
        yield doc.Paragraph(text, outputs=doc.PAPER)
    if rows:
        yield from _low_rank_blocks(rows)
    if masked:
        yield from MASKING


def _low_rank_blocks(rows: Sequence[Row]) -> list[doc.Block]:
    columns = (
        only(CONTENDER, doc.PAPER),
        doc.Column("Rank", of=lambda row: row.settings.get("rank"), outputs=doc.PAPER),
        only(TRAINABLE, doc.PAPER),
        doc.Column("Factor", None, lambda factor: f"{factor:,.1f}", "parameters.reduction"),
        doc.Column("State", None, size, _bytes),
        doc.Column(
            "Of full",
            None,
            lambda part: f"{part:.1%}",
            lambda row: _bytes(row) / (FLOAT * (1 + STATES) * row.parameters.total),
        ),
    )
    return [
        doc.Paragraph(
            "A layer adapted by LoRA computes y = Wx + b + (α/r) BAx. With g, the gradient of the "
            "loss with respect to y, the total differential g·dy = g·((α/r)(dB A x + B dA x) + "
            "(W + (α/r) BA) dx) gives what A, B and x receive; what multiplies dx is",
            lead="Forward and backward.",
            outputs=doc.PAPER,
        ),
        doc.Equation("low-rank-input"),
        doc.Paragraph(
            "All that A and B need passes through r values a token: no gradient of the size of W "
            "is formed. As B starts at zero, the first step moves B alone. The command tunewise "
            "explain lora checks these equations against automatic differentiation.",
            outputs=doc.PAPER,
        ),
        doc.Paragraph(
            "For a d × k matrix the operations of a token in training and the bytes of weights, "
            "gradient and Adam’s moments in float32 are",
            lead="Time and memory.",
            outputs=doc.PAPER,
        ),
        doc.Equation("step-costs"),
        doc.Equation("state-bytes"),
        doc.Paragraph(
            "so that time falls by a third at most, while memory falls with the trainable "
            "parameters; activations are kept either way. The reduction factor of a contender is "
            "its parameters over those that it trains.",
            outputs=doc.PAPER,
        ),
        doc.Table.about(
            "reduction",
            "Reduction factor, and bytes of weights, gradients and Adam’s moments against full "
            "fine-tuning",
            columns,
            rows,
            outputs=doc.PAPER,
            wide=False,
        ),
    ]


def _bytes(row: Row) -> int:
    """Weights of the whole model; gradient and moments of what is trained."""
    assert row.parameters is not None
    return FLOAT * (row.parameters.total + STATES * row.parameters.trainable)
