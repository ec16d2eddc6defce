"""A study as a paper: title, abstract, sections and references, as plain values for Typst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewise import __version__
from tunewise.analysis.facts import Facts
from tunewise.analysis.wording import metric_words
from tunewise.core.format import listed, plural
from tunewise.core.sanitize import short_names, shown
from tunewise.reports.document.model import Figure, Section, figures, sections_for
from tunewise.reports.document.typst import set_text, typst_sections
from tunewise.reports.outputs.documents import PAPER_ORDER, every_section

TEXTS = ("title", "author", "byline", "abstract")
MOST_NAMED = 8  # contenders that an abstract names one by one
LOWER = 0.68  # height of a figure against that of the page's chart
LONGEST_BESIDE = 17  # characters of a legend's name of which two stand in a line of a column


@dataclass(frozen=True)
class Paper:
    """The whole text, and its figures made fit for a column of three and a half inches."""

    title: str
    byline: str
    abstract: str
    terms: tuple[str, ...]
    sections: tuple[Section, ...]
    references: tuple[str, ...]
    figures: tuple[Figure, ...] = ()
    author: str = ""  # who hands it in

    def plain(self) -> dict[str, Any]:
        """As JSON values, every text made visible and breakable."""
        return {
            **{name: set_text(getattr(self, name)) for name in TEXTS},
            "terms": list(map(set_text, self.terms)),
            "sections": typst_sections(self.sections),
            "references": list(map(set_text, self.references)),
        }


def paper(facts: Facts) -> Paper:
    """Gather the paper of a study; of many contenders its figures have a few."""
    facts = facts.for_paper()
    sections = sections_for(every_section(facts, PAPER_ORDER), "pdf")
    finished = "" if facts.verdict.finished else ", which has not finished"
    what, whose = "adaptation", "the records of the study"
    if facts.evidence.study.elsewhere is not None:
        what, whose = "contender", "runs that other programs made"
    names = short_names([shown(name) for name in facts.shortlist.names])
    methods = sorted({shown(contender.method) for contender in facts.evidence.contenders})
    task = str(facts.evidence.study.task.get("kind", "")).replace("-", " ")
    terms = ["fine-tuning", "transfer learning", shown(task), metric_words(facts.results.metric)]
    verdict, results = facts.verdict, facts.results
    named = [shown(row.name) for row in results.rows]
    if len(named) > MOST_NAMED:  # those of one method together
        by_method: dict[str, list[str]] = {}
        for row in results.rows:
            by_method.setdefault(shown(row.method), []).append(shown(row.name))
        named = [
            own[0] if len(own) == 1 else f"{method} with {len(own)} settings"
            for method, own in by_method.items()
        ]
    opening = (
        f"We compare {plural(len(results.rows), 'contender')} over "
        f"{plural(len(results.seeds_planned), 'seed')}: {listed(named, most=MOST_NAMED)}."
    )
    return Paper(
        title=f"{shown(facts.evidence.name)}: which {what} to use",
        byline=f"Written by Tunewise {__version__} from {whose}{finished}",
        abstract=" ".join(
            filter(None, (opening, verdict.headline, *verdict.certainty, verdict.cost))
        ),
        terms=tuple(dict.fromkeys(term for term in [*terms, *methods] if term)),
        sections=tuple(sections),
        references=facts.references.listed,
        figures=tuple(fitted(sections, names)),
    )


def fitted(sections: Sequence[Section], names: Mapping[str, str]) -> list[Figure]:
    """The figures with short names and rows closer together; one of a section has the legend.

    A column is half as wide as a chart on the page, so names lose what all of them say.
    """
    made = []
    for section in sections:
        legends: set[tuple[str, ...]] = set()
        for figure in figures([section]):
            listed_names = _in_legend(figure.spec)
            spec = _fitted(figure.spec, names, legend=listed_names not in legends)
            legends.add(listed_names)
            made.append(Figure(figure.key, figure.title, figure.says, spec))
    return made


def _fitted(spec: dict[str, Any], names: Mapping[str, str], *, legend: bool) -> dict[str, Any]:
    """A name is exchanged only where it is the whole of a value, so that nothing else changes."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            made = {key: walk(inner) for key, inner in value.items()}
            if made.get("legend") is not None:
                domain = (made.get("scale") or {}).get("domain") or ()
                longest = max((len(str(name)) for name in domain), default=0)
                columns = 2 if longest <= LONGEST_BESIDE else 1
                own = {**made["legend"], "columns": columns, "labelLimit": 300 // columns}
                made["legend"] = own if legend else None
            return made
        if isinstance(value, list):
            return [walk(inner) for inner in value]
        return names.get(value, value) if isinstance(value, str) else value

    made: dict[str, Any] = walk(spec)
    if "height" in made:
        made["height"] = round(LOWER * made["height"])
    return made


def _in_legend(value: Any) -> tuple[str, ...]:
    """The names in a chart's legend; none where it has none."""
    if isinstance(value, dict):
        if value.get("legend") is not None:
            return tuple((value.get("scale") or {}).get("domain") or ())
        parts: list[Any] = [inner for key, inner in value.items() if key != "datasets"]
    else:
        parts = value if isinstance(value, list) else []
    return next((names for part in parts if (names := _in_legend(part))), ())
