"""``tunewise predict``."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from tunewise.cli import completion
from tunewise.cli.console import STDERR
from tunewise.cli.damage import damage_named
from tunewise.cli.waiting import in_pieces
from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.files import write_bytes, write_text
from tunewise.data.cleaning.combine import TextRules
from tunewise.data.examples import Prediction
from tunewise.data.prediction_input import given_input, read_inputs
from tunewise.reports.document.csv import as_csv
from tunewise.reports.document.model import Table
from tunewise.results import StudyResults
from tunewise.trained import choose
from tunewise.training.assembly import Parts
from tunewise.training.finished import exported_parts, exported_rules, is_exported, load_predictor

PIECE = 1024  # examples between two looks at the clock; whole batches
ENDINGS = (".jsonl", ".csv", ".parquet")

Place = Annotated[
    Path,
    typer.Argument(
        help="The folder of a study, or one that export made.",
        show_default=False,
        autocompletion=completion.study_folders,
    ),
]
Input = Annotated[
    Path | None, typer.Option("--input", help="A .jsonl, .csv, .tsv or .parquet file of texts.")
]
Text = Annotated[
    list[str] | None,
    typer.Option("--text", help="A text; once for each column that is read, in order."),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--contender",
        help="Which one answers; the verdict's best if none.",
        autocompletion=completion.contenders,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="A .jsonl, .csv or .parquet file; JSON Lines on stdout if none."),
]
Force = Annotated[bool, typer.Option("--force", help="Write over a file.")]


def command(  # noqa: PLR0917  # typer calls it by name
    folder: Place,
    input: Input = None,
    text: Text = None,
    contender: Name = None,
    out: Out = None,
    force: Force = False,
) -> None:
    """Answer texts with a trained contender: the label and the probability of each option.

    Questions about a context, and conversations, are answered with a text, by the study's first
    way of decoding. A text alone is then the user's turn.

    Of a study the best contender answers, or the one named, as trained with the first seed.
    """
    if (input is None) == (not text):
        raise InputError("predict: give either --input FILE or --text TEXT.")
    if out is not None:
        _check_out(out, input, force=force)
    with damage_named(folder):
        _answer(folder, input, text or (), contender, out)


def _answer(
    folder: Path, input: Path | None, text: Sequence[str], contender: str | None, out: Path | None
) -> None:
    parts, weights, rules = _source(folder, contender)
    reading = parts.task.reading
    if input is not None:
        examples = read_inputs(
            input,
            str(input),
            reading.texts,
            rules=rules,
            image=reading.image,
            folder=reading.image_folder,
            given=reading.given,
            given_in=reading.given_in,
        )
    elif reading.image is not None:
        raise InputError(
            f"--text: this study reads images. Give --input FILE with the columns "
            f"{' and '.join(reading.texts)}; paths start where the file lies."
        )
    else:
        examples = given_input(text, reading.texts, rules)
    predictor = load_predictor(parts, weights)
    answers = [
        prediction
        for piece in in_pieces(examples, PIECE, "rows")
        for prediction in predictor.predict(piece)
    ]
    if out is None:
        typer.echo(as_jsonl(answers, parts.options), nl=False)
    else:
        write_answers(out, answers, parts.options)


def _source(folder: Path, contender: str | None) -> tuple[Parts, Path, TextRules]:
    """The parts, the saved weights, and how the study made its texts."""
    if is_exported(folder):
        if contender is not None:
            message = f"{folder} holds one contender; without --contender it answers."
            raise InputError([Problem("--contender", message)])
        return exported_parts(folder), folder, exported_rules(folder)
    opened = StudyResults(folder)
    chosen = choose(opened, contender)
    if contender is None:
        which = "of the verdict" if opened.results.finished else "so far"
        STDERR.print(f"{chosen.name} answers: the best {which}.")
    return Parts.of(chosen.settings, opened.folder.path), chosen.weights, chosen.rules


def _check_out(out: Path, input: Path | None, *, force: bool) -> None:
    if out.suffix.lower() not in ENDINGS:
        message = f"'{out.suffix}' files are not written. {nearest(out.suffix, ENDINGS)}"
    elif not out.parent.is_dir():
        message = f"there is no folder {out.parent} to write it into."
    elif input is not None and out.resolve() == input.resolve():
        message = "is the input."
    elif out.exists() and not force:
        message = "is there already; --force writes over it."
    else:
        return
    raise InputError([Problem(str(out), message)])


def write_answers(path: Path, answers: Sequence[Prediction], options: Sequence[str]) -> None:
    """Write one row an answer in the form that the file's ending names."""
    match path.suffix.lower():
        case ".jsonl":
            write_text(path, as_jsonl(answers, options))
        case ".csv":
            write_text(path, as_csv(_table(answers, options)))
        case _:
            table, content = _table(answers, options), io.BytesIO()
            columns = [pa.array(column) for column in zip(*table.rows, strict=True)]
            names = [column.key or "" for column in table.columns]
            pq.write_table(pa.table(columns, names=names), content)
            write_bytes(path, content.getvalue())


def as_jsonl(answers: Sequence[Prediction], options: Sequence[str]) -> str:
    """One object a line, in ASCII: what a label holds cannot act in a terminal.

    >>> print(as_jsonl([Prediction("a", 1, (0.25, 0.75))], ["no", "yes"]), end="")
    {"id": "a", "label": "yes", "probabilities": {"no": 0.25, "yes": 0.75}}
    """
    rows = (_row(answer, options) for answer in answers)
    return "".join(f"{json.dumps(row, allow_nan=False)}\n" for row in rows)


def _row(answer: Prediction, options: Sequence[str]) -> JSONObject:
    if answer.written:
        first = answer.written[0]
        return {"id": answer.id, "answer": first.text, "stopped": first.stopped}
    return {
        "id": answer.id,
        "label": options[answer.choice],
        "probabilities": dict(zip(options, answer.probabilities, strict=True)),
    }


def _table(answers: Sequence[Prediction], options: Sequence[str]) -> Table:
    key, caption = "predictions", "Predictions"
    if not options:
        written = (tuple(_row(answer, options).values()) for answer in answers)
        return Table.of_files(key, caption, ("id", "answer", "stopped"), written)
    keys = ("id", "label", *(f"probability {option}" for option in options))
    rows = ((one.id, options[one.choice], *one.probabilities) for one in answers)
    return Table.of_files(key, caption, keys, rows)
