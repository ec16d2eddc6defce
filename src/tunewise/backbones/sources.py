"""Where a model comes from: a folder, the hub, or the package itself. No torch."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from tunewise.backbones.folder import ADAPTER, INDEX, WEIGHTS, check_folder, content, named_shards
from tunewise.core.canonical import digest
from tunewise.core.errors import InputError, nearest, reason, unknown
from tunewise.core.files import sha256_of
from tunewise.core.network import hub_is_out_of_reach
from tunewise.core.paths import path_from

EMBEDDED = "embedded:"
MOST_SLASHES = 1  # a hub id is a name, or an owner and a name
EMBEDDED_FOLDER = Path(__file__).parent / "embedded"
PATH_STARTS = ("/", "./", "../", "~", ".\\", "..\\")


PAIR = " + "  # between the two encoders of one source


def parts_of(source: str) -> tuple[str, str]:
    """The image encoder and the text encoder of a source; one name stands for both.

    >>> parts_of("microsoft/resnet-50 + ./minilm"), parts_of("openai/clip-vit-base-patch32")
    (('microsoft/resnet-50', './minilm'), \
('openai/clip-vit-base-patch32', 'openai/clip-vit-base-patch32'))
    """
    image, plus, text = source.partition(PAIR)
    return (image, text) if plus else (source, source)


def locate(source: str) -> Path | None:
    """The folder that a source names, or None for a hub id.

    What looks like a path, or exists as one, is never sent to a hub.

    Raises:
        InputError: the folder does not exist, or is no model whose weights are safetensors.
    """
    if source.startswith(EMBEDDED):
        name = source.removeprefix(EMBEDDED)
        names = [entry.name for entry in _subfolders(EMBEDDED_FOLDER)]
        if name not in names:
            raise InputError(unknown("embedded model", name, names))
        return EMBEDDED_FOLDER / name
    path = path_from(Path(), source)
    if not (looks_like_path(source) or _mode(path)):
        return None
    if not stat.S_ISDIR(_mode(path)):
        why = "a file; a model is a folder with config.json and model.safetensors."
        if not _mode(path):
            names = [entry.name for entry in _subfolders(path.parent)]
            why = f"no such folder in '{path.parent}'. {nearest(path.name, names)}"
        raise InputError(f"model {source}: {why}")
    check_folder(source, path)
    return path


def looks_like_path(source: str) -> bool:
    """Whether a source can only be meant as a path.

    >>> [looks_like_path(source) for source in ("./bert", "~/bert", "a/b/c", "google/bert")]
    [True, True, True, False]
    """
    many_parts = source.count("/") > MOST_SLASHES
    ends_like_one = source in (".", "..") or source.endswith("/")
    return many_parts or ends_like_one or source.startswith(PATH_STARTS)


def resolve(source: str, revision: str | None = None) -> dict[str, Any]:
    """What a trial records of its model: where it is from, and a hash of what it holds.

    Returns:
        `source` as given; `revision`, the commit on the hub, None for folders; `hash`, of the
        configuration, weights and tokenizer of a folder, or the commit once more.

    Raises:
        InputError: there is no such model, or the hub cannot be asked.
    """
    if PAIR in source:
        revisions = parts_of(revision) if revision else (None, None)
        both = [
            resolve(part, wanted or None)
            for part, wanted in zip(parts_of(source), revisions, strict=True)
        ]
        return {
            "source": source,
            "revision": PAIR.join(part["revision"] or "" for part in both),
            "hash": digest([part["hash"] for part in both]),
        }
    folder = locate(source)
    if folder is None:
        commit = _snapshot(source, revision).name
        return {"source": source, "revision": commit, "hash": commit}
    files = {
        path.relative_to(folder).as_posix(): sha256_of(path) for path in content(source, folder)
    }
    return {"source": source, "revision": None, "hash": digest(files)}


def whereabouts(source: str, revision: str | None = None) -> tuple[dict[str, Any], Path]:
    """Arguments with which `from_pretrained` finds a model, and the folder its weights lie in.

    Raises:
        InputError: there is no such model, or its weights are not plain safetensors.
    """
    if folder := locate(source):
        return {"pretrained_model_name_or_path": str(folder), "local_files_only": True}, folder
    folder = fetched(source, revision)
    return {"pretrained_model_name_or_path": source, "revision": folder.name}, folder


def check_unchanged(recorded: Mapping[str, Any], since: float) -> None:
    """Refuse a local model that is not any more what `resolve` recorded.

    Large weights are read again only where something in the folder changed after `since`, seconds
    since the epoch. A commit on the hub cannot change.

    Raises:
        InputError: its configuration, weights or tokenizer have changed.
    """
    source = recorded["source"]
    folders = [folder for part in parts_of(source) if (folder := locate(part))]
    paths = [path for folder in folders for path in (folder, *content(source, folder))]
    if all(path.stat().st_ctime <= since for path in paths):
        return
    if resolve(source, recorded["revision"])["hash"] != recorded["hash"]:
        raise InputError(
            f"model {source}: its files have changed since the study was started, and results of "
            "two models do not belong in one table. Put them back, or run the study once more: "
            "what the change concerns is trained anew."
        )


def _snapshot(source: str, revision: str | None) -> Path:
    """The folder in the cache with a hub model's configuration; it is called as its commit is."""
    place = f"model {source}" + (f" at {revision}" if revision else "")
    offline = hub_is_out_of_reach()
    try:
        config = hf_hub_download(source, "config.json", revision=revision, local_files_only=offline)
    except LocalEntryNotFoundError as error:
        raise InputError(
            f"{place}: not in the local cache, and the hub cannot be reached. "
            f"Download it once while online (hf download {source}), or name a local folder (./...)."
        ) from error
    except Exception as error:  # whatever the hub, or what lies between, may answer
        embedded = [f"{EMBEDDED}{entry.name}" for entry in _subfolders(EMBEDDED_FOLDER)]
        meant = f" {nearest(source, embedded)}" if ":" in source else ""
        raise InputError(
            f"{place}: neither a local folder nor a model on the hub ({reason(error)}).{meant}"
        ) from error
    return Path(config).parent


def fetched(source: str, revision: str | None) -> Path:
    """The folder in the cache with a hub model's weights, held to what a local folder is held to.

    Raises:
        InputError: there is no such model, or its weights are not plain safetensors.
    """
    folder = _snapshot(source, revision)
    offline = hub_is_out_of_reach()

    def has(name: str) -> bool:
        try:
            hf_hub_download(source, name, revision=folder.name, local_files_only=offline)
        except EntryNotFoundError:  # here, or anywhere
            return False
        except Exception as error:
            raise InputError(
                f"model {source}: {name} cannot be fetched ({reason(error)})"
            ) from error
        return True

    has(ADAPTER)
    if not has(WEIGHTS) and has(INDEX):
        for name in named_shards(source, folder / INDEX):
            has(name)
    check_folder(source, folder)
    return folder


def _mode(path: Path) -> int:
    """What stands there, or 0 for nothing; a name may be too long to exist."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _subfolders(folder: Path) -> list[Path]:
    if not stat.S_ISDIR(_mode(folder)):
        return []
    entries = (entry for entry in folder.iterdir() if not entry.name.startswith("."))
    return sorted(entry for entry in entries if entry.is_dir())
