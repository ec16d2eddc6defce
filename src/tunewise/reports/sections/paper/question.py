"""What the study asks."""

from __future__ import annotations

from tunewise.analysis.facts import Facts
from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc


@doc.titled("question", "Question")
def section(facts: Facts) -> doc.Blocks:
    models = dict.fromkeys(one.model for one in facts.evidence.contenders if one.model)
    task = shown(str(facts.evidence.study.task.get("kind", "the task"))).replace("-", " ")
    what = f"adapt {listed([shown(str(model)) for model in models])} to" if models else "solve"
    seeds = len(facts.results.seeds_planned)
    text = (
        f"How should one {what} a {task} task, and what does each way cost? We train and measure "
        f"{len(facts.results.rows)} contenders on the same data, with "
        f"{'one seed' if seeds == 1 else f'{seeds} seeds'} each where there is randomness. Every "
        "contender answers the same examples; contenders of one model and seed see the same "
        "batches in the same order. Differences are reported with their uncertainty over examples "
        "and over seeds. Those that the examples leave open are called ties; those that only the "
        "seeds leave open are called not shown over seeds."
    )
    yield doc.Paragraph(text, outputs=doc.PAPER)
