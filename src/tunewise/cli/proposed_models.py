"""Which models a study could take, for `init` and `plan`: no network, and nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import join, quote
from typing import TYPE_CHECKING

from tunewise.backbones.known import MANY
from tunewise.core.format import count, duration, listed, size
from tunewise.core.lazy import Later
from tunewise.costs.calibration import one_core
from tunewise.costs.limit import FRACTION, available_bytes
from tunewise.data.first_look.languages import NAMES
from tunewise.estimate.by_size import Proposal, Workload, proposals

if TYPE_CHECKING:
    from tunewise.backbones import sources
else:
    sources = Later("tunewise.backbones.sources")  # it loads the hub's library

LINE = "  {:<48} {:>8} {:>8} {:>10}"  # 80 columns
HEAD = f"  {'':<46} parameters   memory       time"
EMBEDDED = {"choose": "embedded:encoder", "write": "embedded:decoder"}
UNKNOWN_BYTES = 1 << 62  # where the system does not say what is free


def proposed(work: Workload) -> tuple[Proposal, ...]:
    """Those that fit this machine, as fast as it was measured to be or, never measured, roughly."""
    limit = int(FRACTION * (available_bytes() or UNKNOWN_BYTES) / work.workers)
    return proposals(work, memory_bytes=limit, calibration=one_core())


def lines(found: Sequence[Proposal], work: Workload) -> Iterator[str]:
    """A screen of 80 columns: the embedded model and what it is not, then those of the hub."""
    read = named(work.languages or ("en",))
    yield f"{EMBEDDED[work.form]} comes with Tunewise. It knows nothing but its own invented"
    yield "world of rooms and reviews: it shows the way, not what a real model can do."
    if not found:
        yield f"No well-known model of the hub that reads {read} fits this machine's memory."
        return
    yield f"Of the hub, for {read} and this machine, with what such a study would take:"
    yield HEAD
    for one in found:
        cells = (count(one.parameters), size(one.peak_bytes), duration(one.seconds))
        yield LINE.format(one.name, *cells)
    yield "  (predicted from their sizes; tunewise plan counts and measures)"


def named(languages: Sequence[str]) -> str:
    """Languages for people.

    >>> named(["de", "en"]), named(["many"])
    ('German and English', 'many languages')
    """
    return listed(["many languages" if one == MANY else NAMES[one] for one in languages])


def named_from(model: str, *, here: bool) -> str:
    """A model of the command line as the study file names it.

    A folder stays one, wherever the study file lies. The folder of a name that is none is told.

    Raises:
        InputError: what looks like a folder, or is embedded, is no model.
    """
    folder = sources.locate(model)
    if folder is None or model in EMBEDDED.values():
        return model
    if not here:
        return str(folder.resolve())
    return model if sources.looks_like_path(model) else f"./{model}"


def remarks(found: Sequence[Proposal]) -> list[str]:
    """A comment for a study file on each of them."""
    widest = max((len(one.name) for one in found), default=0)
    return [
        f"# models: [{one.name}]{' ' * (widest - len(one.name))}  # {count(one.parameters)}, "
        f"{size(one.peak_bytes)}, about {duration(one.seconds)}; {one.license}"
        for one in found
    ]


def next_steps(found: Sequence[Proposal], given: Sequence[str], study: str) -> Iterator[str]:
    """How to take one, and how to compare several first.

    Args:
        found: the proposals.
        given: what `init` was called with.
        study: the study file that it wrote.
    """
    if found:
        again = join(["tunewise", "init", *given, "--force", "--models", found[0].name])
        yield f"To take one: {again}"
        several = " ".join(one.name for one in found[:2])
        compare = f"tunewise shortlist {quote(study)} --models {several}"
        yield f"To compare several before training: {compare}"
