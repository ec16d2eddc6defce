"""Each kind of contender saved, loaded and exported before a step, once for all studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tunewise.backbones.shortened import Shortened
from tunewise.core.cache import cache_folder
from tunewise.core.canonical import digest
from tunewise.core.environment import environment
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import write_json
from tunewise.export.round_trip import round_trip
from tunewise.methods.base import METHODS
from tunewise.store.records import ContenderRecord, TrialSettings
from tunewise.studies.contenders.models import Inspector
from tunewise.training.assembly import Parts
from tunewise.training.checks.dry_run import TEXTS

VERSION = 1  # rises when the same contender is tried otherwise
LIBRARIES = ("tunewise", "torch", "transformers", "peft")
REMEDY = "It would be so after training, too: change its settings or leave it out."


def round_trips(
    contenders: Sequence[ContenderRecord],
    inspectors: Mapping[str, Inspector],
    texts: Sequence[str],
    *,
    say: Callable[[str], None] = lambda text: None,
) -> list[Problem]:
    """What would be lost or changed after training, by contender.

    One of each kind is tried: numbers of one sign, such as ranks and rates, make no other kind.
    What passed is remembered in the user's cache.

    Args:
        contenders: as ``study.json`` lists them.
        inspectors: by model, as the contenders name it.
        texts: a few of the data's own.
        say: is called for each kind that is tried.
    """
    results: dict[str, list[str]] = {}
    problems = []
    for contender in contenders:
        for point in contender.points:
            settings = point.settings
            if not METHODS.get(settings.method.name).trained:
                break
            key = kind_of(settings)
            if key not in results and _has_passed(key):
                results[key] = []
            elif key not in results:
                say(f"Saving, loading and exporting {contender.name} untrained ...")
                shorter = inspectors[contender.model or ""].shorter
                results[key] = _found(key, settings, shorter, [*TEXTS, *texts])
            if results[key]:
                where = f"{contender.name} on model {contender.model}"
                problems += [Problem(where, text) for text in results[key]]
                break
    return problems


def kind_of(settings: TrialSettings) -> str:
    """A name for all contenders that go the same way.

    >>> from tunewise.store.records import MethodRecord, ModelRecord
    >>> one, other = [
    ...     TrialSettings(model=ModelRecord("m"), method=MethodRecord("lora", 1, {"rank": rank}))
    ...     for rank in (4, 8)
    ... ]
    >>> kind_of(one) == kind_of(other)
    True
    """
    versions = environment()
    method = settings.method
    chosen = {name: _sign(value) for name, value in method.settings.items()}
    if isinstance(chosen.get("config"), dict):
        chosen["config"] = {name: _sign(value) for name, value in chosen["config"].items()}
    return digest(
        {
            "version": VERSION,
            "libraries": {name: versions[name] for name in LIBRARIES},
            "model": settings.model.hash if settings.model else None,
            "task": settings.task,
            "method": {**method.as_json(), "settings": chosen},
        }
    )


def _sign(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return {"sign": (value > 0) - (value < 0)}


def _found(
    key: str, settings: TrialSettings, shorter: Shortened | None, texts: Sequence[str]
) -> list[str]:
    try:
        _try(settings, shorter, texts)
    except InputError as error:
        return [f"{problem}. {REMEDY}" for problem in error.problems]
    with suppress(OSError):
        write_json(_note(key), {"passed": True})
    return []


def _has_passed(key: str) -> bool:
    with suppress(OSError):
        return _note(key).is_file()
    return False


def _note(key: str) -> Path:
    return cache_folder() / "round-trips" / f"{key}.json"


def _try(settings: TrialSettings, shorter: Shortened | None, texts: Sequence[str]) -> None:
    """On the first blocks if that will do; only what fails on the whole model is a failure.

    Settings may name a block that the shorter model lacks.
    """
    if shorter is not None:
        with TemporaryDirectory() as place, suppress(Exception):  # then the whole model decides
            source = Path(place) / "model"
            shorter.write(source)
            assert settings.model is not None
            model = replace(settings.model, source=str(source), revision=None)
            round_trip(_parts(replace(settings, model=model)), texts, Path(place))
            return
    with TemporaryDirectory() as place:
        round_trip(_parts(settings), texts, Path(place))


def _parts(settings: TrialSettings) -> Parts:
    training = {"max_length": settings.training["max_length"]}
    return Parts.of(replace(settings.with_seed(0), training=training), Path())
