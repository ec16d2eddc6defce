"""Which sections a document has, and in which order: a report, a paper, the end of a run."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence

from tunewise.analysis.facts import Facts
from tunewise.reports import sections
from tunewise.reports.document.model import Section

# A section that is not named stands behind those that are, before the study itself.
PAGE_ORDER = (
    *("verdict", "generated_texts", "results", "side_by_side", "race", "comparability"),
    *("significance", "classes", "learning", "by_epoch", "costs", "phases", "against_full"),
    *("learning_rate", "search", "effects", "question_types", "slices", "prompts"),
    *("errors", "disagreements", "decoding", "wrong_answers", "data", "cleaning", "checks"),
    "failed_trials",
)
PAPER_ORDER = (
    *("question", "data", "cleaning", "method", "results", "race", "classes", "learning"),
    "learning_rate",
    *("effects", "search"),
    *("significance", "slices", "question_types", "prompts", "generated_texts", "decoding"),
    *("wrong_answers", "failed_trials", "disagreements", "costs", "phases", "against_full"),
    *("limits", "theory"),
)
TERMINAL_ORDER = ("prompts", "verdict", "generated_texts", "results", "race", "learning_rate")
LAST = ("study", "runs")
# of runs that were made elsewhere, nothing is known of these; what was assumed stands for them
OF_A_STUDY = ("study", "data", "checks", "question", "method")
OF_RUNS = ("runs",)
Make = Callable[[Facts], Section | None]


def found_sections() -> dict[str, Make]:
    """The function of every file in the folder of sections that has one, by the file's name."""
    files = pkgutil.walk_packages(sections.__path__, f"{sections.__name__}.")
    modules = [importlib.import_module(file.name) for file in files]
    return {
        module.__name__.rpartition(".")[2]: module.section
        for module in modules
        if hasattr(module, "section")
    }


def every_section(facts: Facts, order: Sequence[str] = PAGE_ORDER) -> list[Section]:
    """What there is to say of a study, for all outputs at once."""
    found = found_sections()
    for name in OF_RUNS if facts.evidence.study.elsewhere is None else OF_A_STUDY:
        del found[name]
    others = [name for name in found if name not in {*order, *LAST}]
    made = (found[name](facts) for name in (*order, *others, *LAST) if name in found)
    return [section for section in made if section is not None]
