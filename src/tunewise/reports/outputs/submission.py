"""A study as a folder to hand in: a script, weights, results, plots and paper."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tunewise.analysis.evidence import Evidence
from tunewise.analysis.facts import Facts
from tunewise.analysis.verdict.verdict import Verdict
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import (
    is_complete,
    listed_files,
    mark_complete,
    read_json,
    write_json,
    write_text,
    writing,
)
from tunewise.core.sanitize import shown
from tunewise.reports.document.model import figures
from tunewise.reports.outputs.answers_file import write_predictions
from tunewise.reports.outputs.documents import every_section
from tunewise.reports.outputs.pdf import need_typst, write_paper
from tunewise.reports.outputs.record import record
from tunewise.reports.outputs.write import write_json_ascii, write_plots
from tunewise.store.places import Places
from tunewise.store.study import STUDY_FILE, StudyFolder

WriteScript = Callable[[Path], Path]
"""Writes a contender's script into a folder, with the data, the local model and the
``requirements.txt`` that it needs, and returns its path."""

NAMES_ITS_BASE = ("base.json", "adapter_config.json")  # files of weights that name a model
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)


def write_submission(
    folder: StudyFolder,
    out: Path,
    *,
    script: WriteScript,
    title: str | None = None,
    author: str | None = None,
) -> Path:
    """Write the study into the new or empty folder `out`.

    Files: the script of a contender (such as ``lora_qa_finetuning.py``) with ``data`` and
    ``requirements.txt``, ``results/model_checkpoints/<contender>/seed-<n>/``,
    ``results/evaluation_results.json``, ``results/predictions``, ``results/plots``,
    ``results/study.yaml``, ``report.pdf`` and ``README.md``.

    Args:
        folder: the study.
        out: a new folder, or an empty one.
        script: writes the script; nothing else is written where it refuses.
        title: of the paper, if not its own.
        author: stands under the title.

    Raises:
        InputError: the study has no result yet or no study file, `out` holds something, or the
            contender has no script.
        MissingExtra: Typst is not installed.
        DamagedStudy: stored weights, or the study file, are not what was saved.
    """
    need_typst()
    facts = Facts.of(folder)
    evidence, judged = facts.evidence, facts.verdict
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
    name = script(out).name
    kept, lost = _copy_weights(folder, evidence, out / "results" / "model_checkpoints")
    write_json_ascii(out / "results" / "evaluation_results.json", record(facts))
    write_predictions(evidence, out / "results")
    write_plots(figures(every_section(facts)), out / "results")
    write_paper(facts, out, title=title, author=author)
    text = folder.file(STUDY_FILE).read_text(encoding="utf-8")
    write_text(out / "results" / STUDY_FILE, evidence.places.study_file(text))
    write_text(out / "README.md", _readme(evidence, judged, name, kept, lost))
    return out


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
            _copy_marked(folder.weights(path.name), out / place / f"seed-{seed}", evidence.places)
        kept.append((contender.name, place))
    return kept, lost


def _copy_marked(source: Path, target: Path, places: Places) -> None:
    """The files that the marker names, and a marker of their own; nothing that lies beside them.

    Where a file says on which folder of this machine it was trained, its copy says the end of it.
    """
    for name in listed_files(source):
        to = target / name
        if not to.resolve().is_relative_to(target.resolve()):
            raise InputError([Problem(str(source), f"names a file outside of it: {shown(name)}.")])
        if name in NAMES_ITS_BASE:
            write_json(to, places.public(read_json(source / name)))
            continue
        with writing(to):
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, to)
    mark_complete(target)


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
        f"To train and evaluate one of the contenders again, the one `{script}` names:",
        "",
        "    pip install -r requirements.txt",
        f"    python {script}",
        f"    python {script} --help",
        "",
        "It prints its scores beside those of the study, whose figures are in",
        "`results/evaluation_results.json`, and writes into `output`. It reads `data`, and `model`",
        f"where there is such a folder. The data of the study had the hash {hashed}.",
        "",
        f"- `{script}`: preprocessing, training, evaluation and saving, in one file",
        "- `report.pdf`: the paper",
        "- `results/evaluation_results.json`: every number of it",
        "- `results/predictions`: the answers of every contender, example by example",
        "- `results/plots`: the charts",
        f"- `results/{STUDY_FILE}`: the study; its paths start at its own folder",
        *(f"- `results/model_checkpoints/{place}`: {_code(name)}" for name, place in kept),
    ]
    if lost:
        lines += ["", f"No weights were kept of {', '.join(_code(name) for name in lost)}."]
    lines += ["", *(f"    {shown(note)}" for note in judged.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _code(text: str) -> str:
    return f"`{shown(text).replace('`', chr(39))}`"
