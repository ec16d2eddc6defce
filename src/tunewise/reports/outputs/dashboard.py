"""Several studies on one page: what each has come to, and their contenders side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from tunewise.analysis.evidence import UNFINISHED
from tunewise.analysis.gather import gather
from tunewise.analysis.results import Results, results_of
from tunewise.analysis.wording import metric_name
from tunewise.core.errors import InputError, Problem, TunewiseError
from tunewise.core.format import percent
from tunewise.reports.document import model as doc
from tunewise.reports.document.html import section_html
from tunewise.reports.outputs.page import environment
from tunewise.reports.sections.cells import short, texts
from tunewise.store.faults import stamps
from tunewise.store.study import StudyFolder, is_study

MOST_STUDIES = 200
LONGEST_NAME = 60  # characters of a study that heads a column


@dataclass(frozen=True)
class Line:
    """A study in the list. `error` says what is damaged, and stands alone where all of it is."""

    number: int
    name: str
    path: str
    status: str
    results: Results | None = None
    when: str = "–"
    has_report: bool = False
    has_pdf: bool = False
    error: str | None = None

    @property
    def best(self) -> str:
        if self.results is None or self.results.best is None:
            return "–"
        return f"{self.results.best.name}{'' if self.results.finished else ' (so far)'}"

    @property
    def score_of_best(self) -> str:
        best = self.results.best if self.results else None
        return self.score(best.name) if best else ""

    def score(self, name: str) -> str:
        """A contender's headline score with its interval, in percent."""
        found = self.results
        row = next((row for row in found.rows if row.name == name), None) if found else None
        if row is None or found is None:
            return ""
        spread = found.headline(row)
        if spread is None:
            return row.status
        interval = row.intervals.get((found.split, found.metric))
        ends = " (" + "–".join(percent(end) for end in interval) + ")" if interval else ""
        return f"{percent(spread.mean)}{ends}"

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Where its report is served, if there is one."""
        page, paper = (f"/study/{self.number}/{name}" for name in ("index.html", "report.pdf"))
        return (*([("open", page)] * self.has_report), *([("PDF", paper)] * self.has_pdf))

    @property
    def measured(self) -> str:
        """What the scores are."""
        found = self.results
        if found is None:
            return "–"
        return f"{metric_name(found.metric)}, {found.split}, {found.items:,} examples"


COLUMNS = (
    doc.Column("Study", of=lambda line: doc.Noted(line.name, line.path), number=False),
    doc.Column("Status", of=lambda line: doc.Noted(line.status, line.error or ""), number=False),
    doc.Column("Best", of="best", number=False),
    doc.Column(
        "Score (95 %), percent",
        of=lambda line: doc.Noted(line.score_of_best or doc.NOTHING, line.measured),
        number=False,
    ),
    doc.Column("When", of="when", number=False),
    doc.Column(
        "Report",
        of=lambda line: doc.Noted("" if line.links else doc.NOTHING, links=line.links),
        number=False,
    ),
)


class Board:
    """The studies of a board. Each is read again only after something in it has changed."""

    def __init__(self, paths: list[Path]) -> None:
        self.studies = _studies(paths)
        self._lines: dict[int, tuple[object, Line]] = {}
        self._reading = Lock()  # of many clients one reads, and the others get what it read

    def lines(self) -> list[Line]:
        with self._reading:
            for number, path in enumerate(self.studies):
                # What changes whenever a study has something new to show, or a file of it changes.
                state = (stamps(path), StudyFolder(path).running())
                if number not in self._lines or self._lines[number][0] != state:
                    self._lines[number] = (state, _read(number, path))
            return [self._lines[number][1] for number in range(len(self.studies))]

    def page(self) -> str:
        """The page as HTML. Whatever comes from a study is escaped."""
        lines = self.lines()
        known = [line for line in lines if line.results]
        table = doc.Table.about("studies", "Studies", COLUMNS, lines)
        parts = [doc.Section("studies", "Studies", (table,))]
        if len(known) > 1:  # the contenders of all studies, by name
            names = dict.fromkeys(
                row.name for one in known if one.results for row in one.results.rows
            )
            columns = texts("Contender", *(short(line.name, LONGEST_NAME) for line in known))
            rows = (
                ("", *(doc.Noted("", line.measured) for line in known)),
                *((name, *(line.score(name) for line in known)) for name in names),
            )
            about = "Each study’s own metric and split; scores of different data do not compare."
            title, key = "Contenders side by side", "side-by-side"
            table = doc.Table(key, title, tuple(columns), rows, outputs=doc.PAGE)
            blocks = (doc.Paragraph(about, style="about"), table)
            parts.append(doc.Section(key, "Side by side", blocks))
        sections = [section_html(part) for part in parts]
        return environment().get_template("board.html.j2").render(sections=sections)

    def report_folder(self, number: int) -> Path | None:
        """The folder whose files may be read; None where there is no such study."""
        return self.studies[number] / "report" if 0 <= number < len(self.studies) else None


def _studies(paths: list[Path]) -> list[Path]:
    """The study folders meant: a folder of studies stands for all of them."""
    found: list[Path] = []
    problems = []
    for path in paths:
        entries = path.iterdir() if path.is_dir() else iter(())
        inside = [path] if is_study(path) else sorted(entry for entry in entries if is_study(entry))
        if not inside:
            try:
                StudyFolder.open(path)
            except InputError as error:
                problems += error.problems
        found += inside
    unique = list({path.resolve(): path for path in found}.values())
    if len(unique) > MOST_STUDIES:
        problems.append(Problem("", f"{len(unique)} studies; a board holds {MOST_STUDIES}."))
    if problems:
        raise InputError(problems)
    return unique


def _read(number: int, path: Path) -> Line:
    try:
        folder = StudyFolder.open(path)
        evidence = gather(folder)
        results = results_of(evidence)
    except (TunewiseError, OSError, KeyError, TypeError, ValueError) as error:
        message = str(error) if isinstance(error, TunewiseError) else f"not readable ({error!r})"
        return Line(number, path.name, str(path), "damaged", error=message)
    unfinished = any(row.status == UNFINISHED for row in results.rows)
    failed = len(results.failed)
    status = "running" if folder.running() else "not complete" if unfinished else "complete"
    status += f", {failed} failed" if failed else ""
    status += ", damaged" if evidence.damaged else ""
    trials = (trial for contender in evidence.contenders for trial in contender.trials)
    started = filter(None, (trial.record.costs.started for trial in trials))
    return Line(
        number,
        evidence.name,
        str(path),
        status,
        results,
        when=max(started, default="–")[:16].replace("T", " "),
        has_report=(path / "report" / "index.html").is_file(),
        has_pdf=(path / "report" / "report.pdf").is_file(),
        error=" ".join(fault.says for fault in evidence.damaged) or None,
    )
