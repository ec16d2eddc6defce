"""A study as a folder to hand in: a script that reruns it, weights, results, plots and paper."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tunewise.core.environment import PACKAGES
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import COMPLETE, is_complete, listed_files, write_text, writing
from tunewise.core.sanitize import shown
from tunewise.reports.document.model import figures
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.verdict.verdict import Verdict
from tunewise.reports.outputs.answers_file import write_predictions
from tunewise.reports.outputs.documents import every_section
from tunewise.reports.outputs.pdf import need_typst, write_pdf
from tunewise.reports.outputs.record import record
from tunewise.reports.outputs.write import write_json_ascii, write_plots
from tunewise.store.records import Environment
from tunewise.store.study import STUDY_FILE, StudyFolder

SCRIPTS = {"question-answering": "lora_qa_finetuning.py"}  # by the kind of task
SCRIPT = "finetuning.py"  # of any other
TEMPLATE = '''"""Run the study beside this file again: python {name} [FOLDER].

FOLDER is where it runs, `rerun` beside this file if not given. The same command goes on after
an interruption.
"""

import sys
from pathlib import Path

import tunewise

HERE = Path(__file__).resolve().parent


def main() -> None:
    study = tunewise.Study.read(HERE / "study.yaml")
    finished = study.run(sys.argv[1] if len(sys.argv) > 1 else HERE / "rerun")
    print(finished.verdict.headline)
    for row in finished.results.rows:
        for metric, spread in row.scores(finished.results.split).items():
            print(row.name, metric, spread.mean)


if __name__ == "__main__":
    main()
'''
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)
_VERSION = re.compile(r"[0-9][A-Za-z0-9.!_-]*")


def write_submission(folder: StudyFolder, out: Path) -> Path:
    """Write the study into the new or empty folder `out`.

    Files: the script (``lora_qa_finetuning.py`` for question answering, else ``finetuning.py``),
    ``study.yaml``, ``results/model_checkpoints/<contender>/seed-<n>/``,
    ``results/evaluation_results.json``, ``results/predictions``, ``results/plots``,
    ``report.pdf``, ``requirements.txt`` and ``README.md``.

    Raises:
        InputError: the study has no result yet or no study file, or `out` holds something.
        MissingExtra: Typst is not installed.
        DamagedStudy: stored weights, or the study file, are not what was saved.
    """
    need_typst()
    facts = Facts.of(folder)
    evidence, judged = facts.evidence, facts.verdict
    _refuse(folder, out, judged)
    name = script_name(evidence)
    kept, lost = _copy_weights(folder, evidence, out / "results" / "model_checkpoints")
    write_json_ascii(out / "results" / "evaluation_results.json", record(facts))
    write_predictions(evidence, out / "results")
    write_plots(figures(every_section(facts)), out / "results")
    write_pdf(folder, out)
    text = folder.file(STUDY_FILE).read_text(encoding="utf-8")
    write_text(out / STUDY_FILE, evidence.places.study_file(text))
    write_text(out / name, TEMPLATE.format(name=name))
    write_text(out / "requirements.txt", requirements(evidence.study.environment))
    write_text(out / "README.md", _readme(evidence, judged, name, kept, lost))
    return out


def script_name(evidence: Evidence) -> str:
    return SCRIPTS.get(str(evidence.study.task.get("kind")), SCRIPT)


def requirements(versions: Environment) -> str:
    """The versions the study ran with, as pip reads them.

    A local part, such as ``+cpu``, names a build that the package index does not have.

    >>> print(requirements({"python": "3.11.7", "torch": "2.13.0+cpu", "peft": None}), end="")
    # ran with Python 3.11.7
    torch==2.13.0  # ran with 2.13.0+cpu
    """
    lines = [f"# ran with Python {shown(str(versions['python']))}"] if "python" in versions else []
    for package in ("tunewise", *PACKAGES):
        full = str(versions.get(package) or "")
        public, _, local = full.partition("+")
        if _VERSION.fullmatch(public):
            lines.append(f"{package}=={public}" + (f"  # ran with {shown(full)}" if local else ""))
    return "\n".join(lines) + "\n"


def _refuse(folder: StudyFolder, out: Path, judged: Verdict) -> None:
    problems = []
    if judged.best is None:
        message = "no contender has a result yet; there is nothing to hand in."
        problems.append(Problem(str(folder.path), message))
    if not (folder.path / STUDY_FILE).is_file():
        problems.append(Problem(str(folder.path), f"holds no {STUDY_FILE}."))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        problems.append(Problem(str(out), "is there already and not empty; name a new folder."))
    if problems:
        raise InputError(problems)


def _copy_weights(
    folder: StudyFolder, evidence: Evidence, out: Path
) -> tuple[list[tuple[str, str]], list[str]]:
    """Copy what was kept of each chosen contender; the folders, and whose weights are gone."""
    kept: list[tuple[str, str]] = []
    lost: list[str] = []
    for contender in evidence.contenders:
        stored = {t.seed: folder.weights_folder(t.record.id) for t in contender.finished}
        whole = {seed: path for seed, path in stored.items() if is_complete(path)}
        if not whole:
            lost.append(contender.name)
            continue
        place = _folder_name(contender.name, {name for _, name in kept})
        for seed, path in whole.items():
            _copy_marked(folder.weights(path.name), out / place / f"seed-{seed}")
        kept.append((contender.name, place))
    return kept, lost


def _copy_marked(source: Path, target: Path) -> None:
    """The files that the marker names, and the marker; no link and nothing beside them."""
    for name in [*listed_files(source), COMPLETE]:
        to = target / name
        if not to.resolve().is_relative_to(target.resolve()):
            raise InputError([Problem(str(source), f"names a file outside of it: {shown(name)}.")])
        with writing(to):
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, to)


def _folder_name(name: str, taken: set[str]) -> str:
    """A contender's name as a folder on any system: letters, digits, dots, dashes; unique.

    >>> _folder_name("../etc passwd", set()), _folder_name("nul.txt", set())
    ('etc-passwd', 'contender-nul.txt')
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:60].strip(".-") or "contender"
    if _RESERVED.fullmatch(plain.partition(".")[0]):  # a device on Windows, whatever its ending
        plain = f"contender-{plain}"
    number, made = 2, plain
    while made.lower() in {one.lower() for one in taken}:
        made, number = f"{plain}-{number}", number + 1
    return made


def _readme(
    evidence: Evidence, judged: Verdict, script: str, kept: list[tuple[str, str]], lost: list[str]
) -> str:
    """What lies where, in Markdown; names from data stand in code, where nothing acts."""
    hashed = _code(evidence.data.hash or "unknown")
    lines = [
        f"# {_code(evidence.name)}",
        "",
        "The verdict:",
        "",
        f"    {shown(judged.headline)}",
        "",
        "To run the study again, and compare:",
        "",
        "    pip install -r requirements.txt",
        f"    python {script}",
        "",
        "Paths in `study.yaml` start at its own folder: data or models that the study reads from",
        f"files have to lie there. The data had the hash {hashed}.",
        "",
        "- `report.pdf`: the paper",
        "- `results/evaluation_results.json`: every number of it",
        "- `results/predictions`: the answers of every contender, example by example",
        "- `results/plots`: the charts",
        *(f"- `results/model_checkpoints/{place}`: {_code(name)}" for name, place in kept),
    ]
    if lost:
        lines += ["", f"No weights were kept of {', '.join(_code(name) for name in lost)}."]
    lines += ["", *(f"    {shown(note)}" for note in judged.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _code(text: str) -> str:
    return f"`{shown(text).replace('`', chr(39))}`"
