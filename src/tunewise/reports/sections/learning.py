"""How training went: losses and scores over epochs, and where validation loss turns."""

from __future__ import annotations

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.charts.learning import learning
from tunewise.reports.document.model import NOTHING, PAPER, PRINT, Column, Paragraph, Section, Table
from tunewise.reports.facts.facts import Facts
from tunewise.reports.sections.cells import named


def section(facts: Facts) -> Section | None:
    drawn = learning(facts.shortlist.evidence)
    if not drawn:
        return None
    table = _lowest(facts)
    about = "Curves are means over seeds; bands reach from the lowest seed to the highest."
    return Section.of(
        "learning",
        "Training dynamics",
        [
            Paragraph(f"{_turning(facts)} {about}".strip(), outputs=PRINT),
            table if table.rows else None,
            Paragraph(rise, outputs=PAPER) if (rise := _overfitting(facts)) else None,
            *drawn,
        ],
    )


def _turning(facts: Facts) -> str:
    """Where validation loss turns upwards, for whom."""
    rising: dict[float, list[str]] = {}
    falling: list[str] = []
    for name, (epoch, rose) in facts.lowest_losses.items():
        (rising.setdefault(epoch, []) if rose else falling).append(shown(name))
    parts = [f"turns after epoch {epoch:g} for {listed(rising[epoch])}" for epoch in sorted(rising)]
    if falling:
        parts.append(f"is still at its lowest at the end for {listed(falling)}")
    return f"Validation loss {'; it '.join(parts)}." if parts else ""


def _lowest(facts: Facts) -> Table:
    """A row for each contender with a curve of validation loss."""
    rows = []
    for row in facts.shortlist.rows:
        if row.name not in facts.lowest_losses:
            continue
        epoch, _ = facts.lowest_losses[row.name]
        curve = {p.epoch: p.mean for p in facts.validation_loss if p.name == row.name}
        results = [trial.record.result for trial in facts.evidence.by_name[row.name].finished]
        kept = [result.best_epoch for result in results]
        last = [result.epochs[-1].train_loss for result in results if result.epochs]
        losses = [loss for loss in last if loss is not None]
        rows.append(
            (
                named(row),
                f"{curve[epoch]:.3f}",
                f"{epoch:g}",
                f"{curve[max(curve)]:.3f}",
                f"{max(curve):g}",
                ", ".join(NOTHING if one is None else str(one) for one in kept),
                f"{sum(losses) / len(losses):.3f}" if losses else None,
            )
        )
    columns = (
        Column("Contender", number=False),
        *map(Column, ("Lowest", "At epoch", "At the end", "Epochs")),
        Column("Kept epochs", number=False),
        Column("Training loss"),
    )
    caption = (
        "Validation loss in nats, mean over seeds: its lowest, after which epoch, and at the end; "
        f"the epoch that counts, seed by seed{facts.shortlist.note}"
    )
    return Table("turning", caption, columns, tuple(rows), outputs=PRINT)


def _overfitting(facts: Facts) -> str:
    """Who gets worse on validation while the training loss goes on falling, and by how much."""
    rises = []
    for name in facts.shortlist.names:
        curve = [p for p in facts.validation_loss if p.name == name]
        if curve and (rise := curve[-1].mean - min(p.mean for p in curve)) > 0:
            rises.append((rise, shown(name)))
    if not rises:
        return ""
    most, name = max(rises)
    return (
        f"The largest rise after the turn is {most:.2f} nats ({name}). From there on training "
        "fits what does not hold on other examples; the weights that count are those of the epoch "
        "in the table, chosen on validation."
    )
