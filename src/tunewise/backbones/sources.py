"""Where a model comes from: a folder, the hub, or the package itself. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from tunewise.core.canonical import digest
from tunewise.core.errors import InputError, nearest, unknown
from tunewise.core.files import sha256_of
from tunewise.core.network import hub_is_out_of_reach
from tunewise.core.paths import path_from

EMBEDDED = "embedded:"
MOST_SLASHES = 1  # a hub id is a name, or an owner and a name
EMBEDDED_FOLDER = Path(__file__).parent / "embedded"
PATH_STARTS = ("/", "./", "../", "~", ".\\", "..\\")

# What a model is made of; a changed README or an optimiser left behind changes no model.
CONTENT = (
    *("config.json", "preprocessor_config.json", "*.safetensors", "*.safetensors.index.json"),
    *("tokenizer*.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.*", "merges.txt", "*.model"),
)
UNSAFE = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")


PAIR = " + "  # between the two encoders of one source


def parts_of(source: str) -> tuple[str, str]:
    """The picture encoder and the text encoder of a source; one name stands for both.

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
        folder = EMBEDDED_FOLDER / source.removeprefix(EMBEDDED)
        if not (folder / "config.json").is_file():
            names = [entry.name for entry in _subfolders(EMBEDDED_FOLDER)]
            raise InputError(unknown("embedded model", source.removeprefix(EMBEDDED), names))
        return folder
    path = path_from(Path(), source)
    if not (looks_like_path(source) or path.exists()):
        return None
    if not path.is_dir():
        raise InputError(f"model {source}: {_why_not(path)}")
    _check_weights(source, path)
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
        return _resolve_pair(source, revision)
    folder = locate(source)
    if folder is None:
        commit = _hub_commit(source, revision)
        return {"source": source, "revision": commit, "hash": commit}
    files = {path.name: sha256_of(path) for path in _content(folder)}
    return {"source": source, "revision": None, "hash": digest(files)}


def check_unchanged(recorded: Mapping[str, Any], since: float) -> None:
    """Refuse a local model that is not any more what `resolve` recorded.

    Large weights are read again only where something in the folder changed after `since`, seconds
    since the epoch. A commit on the hub cannot change.

    Raises:
        InputError: its configuration, weights or tokenizer have changed.
    """
    source = recorded["source"]
    folders = [folder for part in parts_of(source) if (folder := locate(part))]
    paths = [path for folder in folders for path in (folder, *_content(folder))]
    if all(path.stat().st_ctime <= since for path in paths):
        return
    if resolve(source, recorded["revision"])["hash"] != recorded["hash"]:
        raise InputError(
            f"model {source}: its files have changed since the study was started, and results of "
            "two models do not belong in one table. Put them back, or run the study once more: "
            "what the change concerns is trained anew."
        )


def _content(folder: Path) -> list[Path]:
    return [path for pattern in CONTENT for path in folder.glob(pattern)]


def _resolve_pair(source: str, revision: str | None) -> dict[str, Any]:
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


def _hub_commit(source: str, revision: str | None) -> str:
    """The commit of a hub model. Its configuration lies in a folder of that name in the cache."""
    place = f"model {source}" + (f" at {revision}" if revision else "")
    try:
        config = hf_hub_download(
            source, "config.json", revision=revision, local_files_only=hub_is_out_of_reach()
        )
    except LocalEntryNotFoundError as error:
        raise InputError(
            f"{place}: not in the local cache, and the hub cannot be reached. "
            "Download it once while online, or name a local folder (./...)."
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise InputError(
            f"{place}: neither a local folder nor a model on the hub "
            f"({str(error).strip().splitlines()[0]})"
        ) from error
    return Path(config).parent.name


def _check_weights(source: str, folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise InputError(f"model {source}: the folder has no config.json; it is no model.")
    if any(folder.glob("*.safetensors")):
        return
    unsafe = sorted(path.name for pattern in UNSAFE for path in folder.glob(pattern))
    found = f"it has {', '.join(unsafe)}, whose format can run code" if unsafe else "it has none"
    raise InputError(
        f"model {source}: only weights in safetensors are loaded; {found}. "
        "Convert it once with save_pretrained of transformers."
    )


def _why_not(path: Path) -> str:
    if path.exists():
        return "a file; a model is a folder with config.json and model.safetensors."
    names = [entry.name for entry in _subfolders(path.parent)]
    return f"no such folder in {path.parent}. {nearest(path.name, names)}"


def _subfolders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    entries = (entry for entry in folder.iterdir() if not entry.name.startswith("."))
    return sorted(entry for entry in entries if entry.is_dir())
