"""``tunewise export``."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NoReturn

import typer

from tunewise import __version__
from tunewise.cli import completion, hub
from tunewise.cli.console import STDERR, say
from tunewise.cli.convert import CONVERSION, GGUF, convert, described, too_far
from tunewise.cli.damage import damage_named
from tunewise.cli.measure import measure
from tunewise.cli.options import Folder
from tunewise.cli.scripts import write_script_of
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import flush_folder, remove_folder, write_json, write_text, writing
from tunewise.core.sanitize import shown
from tunewise.export.artifact import base_of, write_artifact
from tunewise.export.kept_answers import is_rounded, kept_answers
from tunewise.export.proof import Proof, prove
from tunewise.methods.base import Predictor
from tunewise.reports.outputs.model_card import Exported, card
from tunewise.results import StudyResults
from tunewise.trained import Chosen, choose
from tunewise.training.assembly import Parts
from tunewise.training.finished import is_exported, load_whole
from tunewise.training.predictor import ModelPredictor

SCRIPT = "script.json"  # in the folder of a script: what it was written from
To = Annotated[Path | None, typer.Option("--to", help="The folder to write.", show_default=False)]
ToHub = Annotated[
    str | None,
    typer.Option(
        "--to-hub",
        metavar="NAME",
        help="Upload the folder as a model repository of the hub, such as ann/reviews.",
        show_default=False,
    ),
]
Public = Annotated[bool, typer.Option("--public", help="Let everybody read it; else private.")]
Yes = Annotated[bool, typer.Option("--yes", help="Upload without asking.")]
Measure = Annotated[
    Path | None,
    typer.Option(
        "--measure",
        metavar="FILE",
        help="A contender that you converted, as .onnx or .gguf, an exported folder whose weights "
        "you changed, or answers (columns id, prediction): score it on the study's test examples.",
        show_default=False,
    ),
]
Merge = Annotated[bool, typer.Option("--merge", help="Fold an adapter into the model's layers.")]
Name = Annotated[
    str | None,
    typer.Option(
        "--contender",
        help="Which one; the verdict's best if none.",
        autocompletion=completion.contenders,
    ),
]


class As(StrEnum):
    """What a contender is taken away as."""

    folder = "folder"
    script = "script"
    onnx = "onnx"
    int8 = "int8"
    gguf = "gguf"


Kind = Annotated[
    As,
    typer.Option(
        "--as",
        help="folder: of transformers or PEFT. script: one file of torch, transformers and PEFT "
        "that trains and evaluates it, with its data. onnx, int8: a classifier for onnxruntime, "
        "answered again there.",
    ),
]
Margin = Annotated[
    float,
    typer.Option(
        min=0, metavar="POINTS", help="How much worse a converted model may score; else refused."
    ),
]
Accept = Annotated[
    bool, typer.Option("--accept-loss", help="Keep a converted model that is worse than that.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier export.")]


def command(  # noqa: PLR0917  # a command's options are named when it is called
    folder: Folder,
    to: To = None,
    form: Kind = As.folder,
    merge: Merge = False,
    contender: Name = None,
    margin: Margin = 1.0,
    accept_loss: Accept = False,
    force: Force = False,
    measured: Measure = None,
    hub_name: ToHub = None,
    public: Public = False,
    yes: Yes = False,
) -> None:
    """Take a contender away in the form that its ecosystem loads.

    Writes a folder of transformers or PEFT with tokenizer and model card, then proves in a
    process of its own that it answers as the contender did. What neither library can load
    stays in Tunewise's form. Exit code 1: the proof failed, and the folder says so.
    As a script it trains again from the seed; nothing of Tunewise is needed to run it.
    As ONNX it answers the test examples again in onnxruntime, and the difference is reported;
    one that scores worse by more than the margin is not kept (exit code 1).
    With --measure nothing is written: what you converted yourself is scored in the same way.
    With --to-hub the proven folder is uploaded with its card and the study's results.
    """
    if sum(one is not None for one in (to, measured, hub_name)) != 1:
        raise InputError("export: give --to FOLDER, --to-hub NAME or --measure FILE, one of them.")
    if (public or yes) and hub_name is None:
        raise InputError(f"{'--public' if public else '--yes'} is of --to-hub NAME.")
    with damage_named(folder):
        if hub_name is not None:
            if form != As.folder:
                raise InputError(f"--as {form}: what --to-hub uploads is a folder.")
            hub.check_asked(yes=yes)
            _push(folder, hub_name, contender, merge=merge, public=public, yes=yes)
        elif measured is not None:
            if merge or form != As.folder:
                raise InputError("--measure takes the file as it is, without --as and --merge.")
            _measure(folder, measured, contender, math.inf if accept_loss else margin)
        else:
            to = Path(to or "").resolve()
            _check_target(to, force=force)
            if form == As.script and merge:
                raise InputError(
                    "--merge is of --as folder: a script trains the contender as it was."
                )
            kept = math.inf if accept_loss else margin
            _take(folder, to, form, contender, merge=merge, margin=kept)


def _take(
    folder: Path, to: Path, form: As, contender: str | None, *, merge: bool, margin: float
) -> None:
    """Write the folder of one of the forms, and say where."""
    study = StudyResults(folder)
    match form:
        case As.gguf:
            raise InputError(GGUF)
        case As.script:
            with _drafted(to) as draft:
                script, trial = write_script_of(study, contender, draft, copy_models=False)
                made = {"tunewise": __version__, "trial": trial, "script": script.name}
                write_json(draft / SCRIPT, made)
            typer.echo(to / script.name)
        case As.onnx | As.int8:
            with _drafted(to) as draft:
                found = convert(study, contender, draft, int8=form == As.int8)
                for line in described(found):
                    STDERR.print(line, soft_wrap=True, markup=False, highlight=False)
                if refused := too_far(found, margin):
                    STDERR.print(refused, soft_wrap=True, markup=False)
                    raise typer.Exit(1)
            typer.echo(to)
        case As.folder:
            _, failed = _export(folder, to, contender, merge=merge)
            typer.echo(to)
            if failed:
                _unproven(failed, "The folder was left as it is, marked as unproven.")


def _push(
    folder: Path, name: str, contender: str | None, *, merge: bool, public: bool, yes: bool
) -> None:
    with TemporaryDirectory() as place:
        draft = Path(place) / "folder"
        chosen, failed = _export(folder, draft, contender, merge=merge)
        if failed:
            _unproven(failed, "Nothing was uploaded.")
        typer.echo(hub.push(StudyResults(folder), draft, chosen, name, public=public, yes=yes))


def _unproven(reason: str, so: str) -> NoReturn:
    STDERR.print(f"The proof failed: {reason}. {so}", soft_wrap=True)
    raise typer.Exit(1)


def _measure(folder: Path, path: Path, contender: str | None, margin: float) -> None:
    name, found = measure(StudyResults(folder), contender, path)
    typer.echo(f"{shown(path.name)} against {shown(name)}, as it was trained:")
    for line in described(found):
        typer.echo(line)
    if too_far(found, margin):
        STDERR.print(f"It scores worse by more than --margin {margin:g}.", soft_wrap=True)
        raise typer.Exit(1)


def _export(
    folder: Path, to: Path, contender: str | None, *, merge: bool
) -> tuple[str, str | None]:
    """Write and prove the folder.

    Returns:
        The contender's name, and why the proof failed, where it did.
    """
    study = StudyResults(folder)
    chosen = choose(study, contender)
    say(f"Loading {chosen.name}")
    parts = Parts.of(chosen.settings, study.folder.path)
    predictor = load_whole(parts, chosen.weights)
    with _drafted(to) as draft:
        proof = _write(draft, study, chosen, parts, predictor, merge=merge)
    if proof.passed:
        return chosen.name, None
    return chosen.name, proof.detail or f"its {proof.compared} differ by {proof.difference:.1e}"


def _write(
    draft: Path,
    study: StudyResults,
    chosen: Chosen,
    parts: Parts,
    predictor: Predictor,
    *,
    merge: bool,
) -> Proof:
    """Fill the folder, and say in it what the proof found."""
    form = write_artifact(parts, predictor, draft, merge=merge, rules=chosen.rules)
    say("Proving it in a process of its own")
    examples = parts.examples("validation")
    proof = prove(form, parts, predictor, examples, draft)
    proven = asdict(proof)
    if is_rounded(parts, predictor):
        say("Answering validation examples as trained and as handed over")
        kept = kept_answers(parts, chosen.weights, draft, examples)
        say(f"{kept}.")
        proven |= {"answers": asdict(kept), "answers_in_words": str(kept)}
    write_json(draft / "proof.json", proven)
    writing = parts.task.writing
    prompt = writing.prompt(examples[0]) if writing else ""
    model = chosen.settings.model
    trained = predictor if isinstance(predictor, ModelPredictor) else None
    exported = Exported(
        form=form,
        merged=merge,
        trial=chosen.record.id,
        settings=chosen.settings,
        base=base_of(model) if model else None,
        max_length=trained.max_length if trained else None,
        prompt=prompt,
        turns=writing.turns(examples[0], trained.model.processor) if writing and trained else (),
        pad_token_id=trained.model.processor.pad_token_id if trained else None,
        proof=proven,
    )
    text = card(study.evidence, study.results, study.verdict, chosen.name, exported)
    write_text(draft / "README.md", text)
    return proof


def _check_target(to: Path, *, force: bool) -> None:
    """Refuse to write over anything but an earlier export, and over that only by force."""
    if not to.exists():
        return
    if not to.is_dir():
        message = "is a file; name a folder."
    elif not any(to.iterdir()):
        return
    elif not (is_exported(to) or any((to / name).is_file() for name in (SCRIPT, CONVERSION))):
        message = "holds other things than an export; choose another folder."
    elif not force:
        message = "holds an export already; --force replaces it."
    else:
        return
    raise InputError([Problem(str(to), message)])


@contextmanager
def _drafted(to: Path) -> Iterator[Path]:
    """A folder to fill, which takes its place once all went well.

    An earlier export steps aside first and is removed last.
    """
    draft = to.with_name(f".{to.name}.tmp.{os.getpid()}")
    aside = draft.with_name(f"{draft.name}.old")
    with writing(to):
        draft.mkdir(parents=True)
        try:
            yield draft
            if to.exists():
                to.rename(aside)
            draft.rename(to)
            flush_folder(to.parent)
            remove_folder(aside)
        finally:
            remove_folder(draft)
