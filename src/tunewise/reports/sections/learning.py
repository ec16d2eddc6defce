"""How training went: losses and scores over epochs, and where validation loss turns."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import Any

from tunewise.analysis.facts import Facts
from tunewise.analysis.results import Row
from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.charts.by_epoch import accuracies
from tunewise.reports.charts.learning import learning
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import named, texts

ABOUT = "Curves are means over seeds; bands reach from the lowest seed to the highest."
COLUMNS = (
    *texts("Contender"),
    doc.Column("Lowest", show="{:.3f}".format),
    doc.Column("At epoch", show="{:g}".format),
    doc.Column("At the end", show="{:.3f}".format),
    doc.Column("Epochs", show="{:g}".format),
    *texts("Kept epochs"),
    doc.Column("Training loss", show="{:.3f}".format),
)
CAPTION = (
    "Validation loss in nats, mean over seeds: its lowest, after which epoch, and at the end; the "
    "epoch that counts, seed by seed"
)


@doc.titled("learning", "Training dynamics")
def section(facts: Facts) -> doc.Blocks:
    drawn = learning(facts.shortlist.evidence)
    if not drawn:
        return
    rising: dict[float, list[str]] = {}
    falling: list[str] = []
    for name, (epoch, rose) in facts.lowest_losses.items():
        (rising.setdefault(epoch, []) if rose else falling).append(shown(name))
    parts = [f"turns after epoch {epoch:g} for {listed(rising[epoch])}" for epoch in sorted(rising)]
    if falling:
        parts.append(f"is still at its lowest at the end for {listed(falling)}")
    turning = f"Validation loss {'; it '.join(parts)}. " if parts else ""
    yield doc.Paragraph(f"{turning}{ABOUT}", outputs=doc.PRINT)
    rows = tuple(
        _lowest(facts, row) for row in facts.shortlist.rows if row.name in facts.lowest_losses
    )
    if rows:
        caption = f"{CAPTION}{facts.shortlist.note}"
        yield doc.Table("turning", caption, COLUMNS, rows, outputs=doc.PRINT)
    # Who gets worse on validation while the training loss goes on falling, and by how much.
    rises = []
    for name in facts.shortlist.names:
        curve = [p.mean for p in facts.validation_loss if p.name == name]
        if curve and (rise := curve[-1] - min(curve)) > 0:
            rises.append((rise, shown(name)))
    if rises:
        most, name = max(rises)
        text = (
            f"The largest rise after the turn is {most:.2f} nats ({name}). From there on training "
            "fits what does not hold on other examples; the weights that count are those of the "
            "epoch in the table, chosen on validation."
        )
        yield doc.Paragraph(text, outputs=doc.PAPER)
    if facts.results.metric == "accuracy" and accuracies(facts.shortlist.evidence):
        drawn[-1] = replace(drawn[-1], outputs=drawn[-1].outputs - doc.PAGE)  # it stands there
    yield from drawn


def _lowest(facts: Facts, row: Row) -> tuple[Any, ...]:
    """A contender with a curve of validation loss."""
    epoch, _ = facts.lowest_losses[row.name]
    curve = {p.epoch: p.mean for p in facts.validation_loss if p.name == row.name}
    end = max(curve)
    results = [trial.record.result for trial in facts.evidence.by_name[row.name].finished]
    kept = [doc.NOTHING if one.best_epoch is None else str(one.best_epoch) for one in results]
    last = [result.epochs[-1].train_loss for result in results if result.epochs]
    losses = [loss for loss in last if loss is not None]
    mean = fmean(losses) if losses else None
    return named(row), curve[epoch], epoch, curve[end], end, ", ".join(kept), mean
