"""``tunewise generate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewise.backbones.chat import Chat, ChatReader, Turn, reader_of
from tunewise.backbones.load import build_writer
from tunewise.backbones.texts import PromptReader
from tunewise.cli.console import say
from tunewise.cli.damage import damage_named
from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem
from tunewise.core.sanitize import visible
from tunewise.decoding.branches import context_length
from tunewise.decoding.generate import generate
from tunewise.decoding.strategies import Strategy
from tunewise.decoding.stream import stream
from tunewise.decoding.walks import Generated
from tunewise.results import StudyResults
from tunewise.tasks.base import Writing
from tunewise.trained import choose
from tunewise.training.assembly import Parts
from tunewise.training.finished import exported_parts, is_exported, load_writer

KEY = "prompt"  # in place of an example's id, in what is drawn from

Place = Annotated[
    Path | None,
    typer.Argument(help="The folder of a study, or one that export made.", show_default=False),
]
Prompt = Annotated[str, typer.Option(help="What the answer is written after.", show_default=False)]
Model = Annotated[
    str | None, typer.Option(help="A hub id, a folder, or embedded:decoder, instead of a study.")
]
Name = Annotated[
    str | None, typer.Option("--contender", help="Which one answers; the verdict's best if none.")
]
Beams = Annotated[int | None, typer.Option(help="Search with so many beams.")]
TopK = Annotated[int | None, typer.Option(help="Draw from the likeliest K tokens.")]
TopP = Annotated[float | None, typer.Option(help="Draw from the likeliest that sum to P.")]
Temperature = Annotated[float | None, typer.Option(help="Draw, with the logits divided by this.")]
Samples = Annotated[int, typer.Option(min=1, help="Answers to draw.")]
Seed = Annotated[int, typer.Option(help="Of what is drawn.")]
Limit = Annotated[int, typer.Option("--max-new-tokens", min=1, help="Tokens of the answer.")]
Stop = Annotated[
    list[str] | None,
    typer.Option(help="A text that ends the answer, \\n for a line end; may be repeated."),
]

ChatForm = Annotated[
    Chat,
    typer.Option(
        "--chat",
        help="Whether the prompt is a turn of a chat; auto: if the tokenizer has a template.",
    ),
]
System = Annotated[str | None, typer.Option(help="The system's turn of the chat.")]


def command(  # noqa: PLR0917  # typer calls it by name
    folder: Place = None,
    prompt: Prompt = "",
    model: Model = None,
    contender: Name = None,
    beams: Beams = None,
    top_k: TopK = None,
    top_p: TopP = None,
    temperature: Temperature = None,
    samples: Samples = 1,
    seed: Seed = 0,
    max_new_tokens: Limit = 64,
    stop: Stop = None,
    chat: ChatForm = "auto",
    system: System = None,
) -> None:
    """Write on from a prompt with a trained contender, or with any causal model.

    Of a study the best contender writes, or the one named, as trained with the first seed. The
    likeliest token is taken each time, unless --beams, or an option that draws, says otherwise. A
    model with a chat template answers the prompt as the user's turn of a chat.
    """
    if (folder is None) == (model is None):
        raise InputError("generate: give either the folder of a study or --model.")
    if not prompt:
        raise InputError("generate: give the text to write on from with --prompt.")
    drawn = {"top_k": top_k, "top_p": top_p, "temperature": temperature}
    drawn = {name: value for name, value in drawn.items() if value is not None}
    strategy = _strategy(beams, drawn, samples, max_new_tokens, stop)
    with damage_named(*([folder] if folder else [])):
        module, tokenizer, writing = _writer(folder, model, contender)
        reader = _reader(tokenizer, writing, chat, system)
        if system is not None and not isinstance(reader, ChatReader):
            raise InputError([Problem("--system", "is a turn of a chat, and this is none.")])
        ids = [*reader.opening, *reader.ids([reader.text(prompt)])[0]]
        if len(ids) >= (room := context_length(module)):
            message = f"has {len(ids)} tokens, and the model's context only {room}."
            raise InputError([Problem("--prompt", message)])
        _generate(module, tokenizer, ids, strategy, seed)


def _generate(module: Any, tokenizer: Any, ids: list[int], strategy: Strategy, seed: int) -> None:
    try:
        if strategy.samples == 1:
            answer = stream(module, tokenizer, ids, strategy, key=KEY, seed=seed, write=_write)
            typer.echo()
            _tell(strategy, answer)
            return
        [[answers]] = generate(module, tokenizer, [ids], [strategy], keys=[KEY], seed=seed)
    except KeyboardInterrupt:
        typer.echo()  # the half line that stands there
        raise
    for answer in answers:
        typer.echo(visible(answer.text))
        _tell(strategy, answer)


def _strategy(
    beams: int | None,
    drawn: JSONObject,
    samples: int,
    max_new_tokens: int,
    stop: list[str] | None,
) -> Strategy:
    ends = tuple(text.replace("\\n", "\n") for text in stop or ())
    settings: JSONObject = {"max_new_tokens": max_new_tokens, "stop": ends}
    if beams is not None and drawn:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in drawn)
        raise InputError([Problem("--beams", f"searches and draws nothing; leave out {options}.")])
    if beams is not None:
        settings |= {"kind": "beam", "beams": beams}
    elif drawn:
        settings |= {"kind": "sample", **drawn}
    if samples > 1 and not drawn:
        message = "without --temperature, --top-k or --top-p all answers would be the same."
        raise InputError([Problem("--samples", message)])
    try:
        return Strategy(samples=samples, **settings)
    except ValueError as error:
        raise InputError(f"generate: {error}") from error


def _reader(
    tokenizer: Any, writing: Writing | None, chat: Chat, system: str | None
) -> PromptReader | ChatReader:
    """What reads the prompt. A contender that converses is asked as it was trained."""
    turns = [] if system is None else [Turn("system", system)]
    if writing is not None and writing.form(tokenizer) is not None and chat == "auto":
        return ChatReader(tokenizer, tuple(turns), writing.form(tokenizer))
    asked = writing.chat if writing is not None and chat == "auto" else chat
    # Of the prompt nothing is a template: a special token in it is text.
    return reader_of(tokenizer, "", asked, turns)


def _writer(
    folder: Path | None, model: str | None, contender: str | None
) -> tuple[Any, Any, Writing | None]:
    """The module that writes, corrections folded in where they can be, and its tokenizer.

    The last is how a contender was trained to write, of which a model alone has nothing.
    """
    if model is not None:
        if contender is not None:
            raise InputError([Problem("--contender", "is of a study; with --model there is none.")])
        built = build_writer(model, seed=0)
        return built.module, built.processor, None
    assert folder is not None
    if is_exported(folder):
        if contender is not None:
            message = f"{folder} holds one contender; without --contender it answers."
            raise InputError([Problem("--contender", message)])
        return _of(exported_parts(folder), folder)
    opened = StudyResults(folder)
    chosen = choose(opened, contender)
    if contender is None:
        which = "of the verdict" if opened.results.finished else "so far"
        say(f"{chosen.name} answers: the best {which}.")
    return _of(Parts.of(chosen.settings, opened.folder.path), chosen.weights)


def _of(parts: Parts, weights: Path) -> tuple[Any, Any, Writing | None]:
    return *load_writer(parts, weights), parts.task.writing


def _write(text: str) -> None:
    sys.stdout.write(visible(text))
    sys.stdout.flush()


def _tell(strategy: Strategy, answer: Generated) -> None:
    say(
        f"{strategy.label}: {answer.tokens} tokens, stopped by {answer.stopped}, "
        f"log probability {answer.log_probability:.2f}"
    )
