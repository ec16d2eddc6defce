"""Two contenders side by side, in the terminal and as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rich.console import Console

from tunewise.analysis.compare import Cell, Contest
from tunewise.analysis.wording import between, metric_name, p_words, split_name, value_words
from tunewise.core.format import count, duration, gap, milliseconds, probability, score, size
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc
from tunewise.reports.document.terminal import print_sections
from tunewise.reports.sections.cells import called
from tunewise.statistics.claims import Claim

MOST = 10  # differing examples shown at first
ALONE = "p of this pair alone; in the table of results it is corrected over all pairs."
COSTS: dict[str, Callable[[Any], str]] = {
    "parameters": count,
    "trained": count,
    "seconds a trial": duration,
    "seconds in all": duration,
    "peak bytes": size,
    "artefact bytes": size,
    "latency seconds": lambda value: f"{milliseconds(value)} ms" if value else doc.NOTHING,
}
TITLES = {"peak bytes": "peak", "artefact bytes": "artifact", "latency seconds": "latency"}


def print_contest(found: Contest, console: Console, *, everything: bool = False) -> None:
    """Scores, claims, settings, costs, then the examples on which the two differ."""
    blocks = list(contest_blocks(found, most=None if everything else MOST))
    if not everything and (total := len(found.differing)) > MOST:
        rest = f"{MOST} of {total:,} shown; the rest with --all or --format csv."
        blocks.append(doc.Paragraph(rest))
    print_sections([doc.Section("compare", "Side by side", tuple(blocks))], console)


def differing_table(found: Contest) -> doc.Table:
    """The examples on which the two differ, as a table to write."""
    texts = dict.fromkeys(column for example in found.differing for column in example.texts)
    rows = tuple(
        (
            example.id,
            *(example.texts.get(column) for column in texts),
            " | ".join(example.truth),
            example.first.answer,
            example.second.answer,
            example.right,
        )
        for example in found.differing
    )
    keys = ("id", *texts, "label", "first", "second", "right")
    caption = f"{found.first} against {found.second}"
    return doc.Table.of_files("compare", caption, keys, rows)


def contest_blocks(found: Contest, *, most: int | None = MOST) -> Iterator[doc.Block]:
    """All of it, of the examples the first `most`."""
    where = f"{found.items:,} examples of {split_name(found.split)}"
    yield doc.Paragraph(f"{found.first} against {found.second}, {where}", style="headline")
    yield _scores(found)
    headline = found.measures[0]
    for title, claim in (("Over examples", headline.items), ("Over seeds", headline.method)):
        says = claim.reason or "not testable"
        if claim.interval is not None and claim.p is not None:
            lead = _gap(headline.difference, headline.metric)
            ends = _interval(claim, headline.metric)
            says = f"{lead} ({ends}), {p_words(claim.p)}, {claim.test}"
        yield doc.Paragraph(f"{title}: {says}.")
    yield doc.Paragraph(ALONE, style="about")
    yield from _right(found)
    if found.settings:
        yield _sides(found, "Settings that differ", found.settings)
    costs = [(TITLES.get(name, name), COSTS[name](a), COSTS[name](b)) for name, a, b in found.costs]
    yield _sides(found, "Costs", costs)
    yield from _examples(found, most)


def _scores(found: Contest) -> doc.Table:
    columns = (
        doc.Column("Metric", None, metric_name, "metric", number=False),
        doc.Column(shown(found.first), of=lambda one: score(one.metric, one.first)),
        doc.Column(shown(found.second), of=lambda one: score(one.metric, one.second)),
        doc.Column("Difference", of=lambda one: _gap(one.difference, one.metric)),
        doc.Column("95 % over examples", of=lambda one: _interval(one.items, one.metric)),
        doc.Column("p", None, probability, "items.p"),
    )
    return doc.Table.about("scores", "", columns, found.measures, outputs=doc.TERMINAL)


def _right(found: Contest) -> Iterator[doc.Paragraph]:
    """Who is right on how many examples; the discordant ones decide, seed by seed."""
    counts = found.counts
    yield doc.Paragraph(
        f"Right by the answer of most seeds: both {counts['both']:,}, only {found.first} "
        f"{counts['first']:,}, only {found.second} {counts['second']:,}, neither "
        f"{counts['neither']:,}."
    )
    for seed, test in found.measures[0].mcnemar.items():
        yield doc.Paragraph(
            f"Seed {seed}: only {found.first} {test.first_only:,}, only {found.second} "
            f"{test.second_only:,}; exact McNemar p {probability(test.exact)}."
        )


def _sides(found: Contest, title: str, rows: Iterable[tuple[str, Cell, Cell]]) -> doc.Table:
    names = [doc.Column(shown(name), show=value_words) for name in (found.first, found.second)]
    columns = (doc.Column(title, number=False), *names)
    return doc.Table("sides", "", columns, tuple(rows), outputs=doc.TERMINAL)


def _examples(found: Contest, most: int | None) -> Iterator[doc.Block]:
    total = len(found.differing)
    if not total:
        yield doc.Paragraph("The two give the same answer to every example.")
        return
    caption = f"They answer {total:,} of {found.items:,} examples differently."
    examples = tuple(
        doc.Example(
            one.id,
            tuple(one.texts.items()),
            " | ".join(one.truth),
            tuple(
                doc.Answer(side.answer, side.right, (called(side),))
                for side in (one.first, one.second)
            ),
        )
        for one in found.differing[:most]
    )
    yield doc.Examples(caption, examples, len(examples), outputs=doc.TERMINAL)


def _gap(difference: float | None, metric: str) -> str:
    return doc.NOTHING if difference is None else gap(metric, difference)


def _interval(claim: Claim, metric: str) -> str:
    return doc.NOTHING if claim.interval is None else between(metric, claim.interval)
