"""Which differences to the best are more than chance, and by which tests."""

from __future__ import annotations

from functools import partial

from tunewise.analysis.facts import Facts
from tunewise.analysis.results import Results
from tunewise.analysis.wording import metric_words, standing_words
from tunewise.core.format import gap, is_fraction, listed, probability
from tunewise.core.sanitize import shown
from tunewise.reports.charts.scores import differences
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import CONTENDER, claim

ALPHA = 0.05
DRAWN = (
    "Thick: 95 % intervals over examples, for these checkpoints. Thin: over examples and seeds, "
    "for the methods. The dashed line is no difference at all."
)


@doc.titled("significance", "Significance")
def section(facts: Facts) -> doc.Blocks:
    results, verdict = facts.results, facts.verdict
    rows = [row for row in results.rows if row.to_best]
    for text in (*verdict.certainty, verdict.outlook or "") if rows else ():
        yield doc.Paragraph(text, outputs=doc.PAPER)
    metric = results.metric
    of_points, unit = ("Points", "points of ") if is_fraction(metric) else ("Difference", "")
    columns = (
        CONTENDER,
        doc.Column("", "best", of="to_best.other"),
        doc.Column(of_points, "difference", partial(gap, metric), "to_best.difference"),
        *claim("Examples, 95 %", "items", "to_best.items.interval", metric),
        doc.Column("p", "items p", probability, "to_best.items.p_adjusted"),
        *claim("Examples and seeds, 95 %", "method", "to_best.method.interval", metric),
        doc.Column("p", "method p", probability, "to_best.method.p_adjusted"),
        doc.Column("Standing", "standing", standing_words, "standing", number=False),
    )
    best = shown(results.best.name) if results.best else "the best"
    caption = f"Differences to {best} in {unit}{metric_words(metric)}"
    outputs = doc.REPORT if rows else doc.FILES
    yield doc.Table.about("differences", caption, columns, rows, outputs=outputs)
    yield doc.Paragraph(_tests(results), outputs=doc.PRINT)
    if drawn := differences(facts.shortlist.results):
        yield doc.Paragraph(DRAWN, style="about", outputs=doc.PRINT)
        yield drawn


def _tests(results: Results) -> str:
    """Which tests the p values come from, and how many of them would reject by themselves."""
    pairs = [row.to_best for row in results.rows if row.to_best]
    examples = [pair.items for pair in pairs if pair.items.p is not None]
    methods = [pair.method for pair in pairs if pair.method.p is not None]
    if len(examples) < 2:
        return ""
    sentences = []
    for what, claims in (("examples", examples), ("examples and seeds", methods)):
        if claims:
            alone = sum(one.p is not None and one.p < ALPHA for one in claims)
            kept = sum(bool(one.separated) for one in claims)
            names = listed(list(dict.fromkeys(str(one.test) for one in claims)))
            sentences.append(
                f"over {what} ({names}) {alone} of {len(claims)} differences have p < 0.05 by "
                f"themselves and {kept} after the correction"
            )
    return (
        f"What the correction changes: {'; '.join(sentences)}. It counts {results.pairs_counted} "
        "pairs, those among the others included, because any of them might have come out best."
    )
