"""``tunewise export --to-hub``: a proven folder with its card and the study's results, uploaded."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import typer
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from tunewise import __version__
from tunewise.analysis.facts import Facts
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import read_json, write_json
from tunewise.core.format import plural, size
from tunewise.core.sanitize import shown
from tunewise.reports.outputs.record import record
from tunewise.reports.outputs.write import write_json_ascii
from tunewise.results import StudyResults
from tunewise.store.places import Places
from tunewise.training.finished import DESCRIPTION, HERE

OPTION = "--to-hub"
PROOF = "proof.json"
RESULTS = "evaluation_results.json"
TOKEN = re.compile(r"hf_\w+|Bearer \S+")
FORBIDDEN = {401: "log in first: hf auth login", 403: "this account may not write there"}


def check_asked(*, yes: bool) -> None:
    """Refuse before any work where nobody can be asked and nobody has agreed."""
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(
            f"{OPTION} uploads the model, its card and the results; say so with --yes."
        )


def push(
    study: StudyResults, folder: Path, contender: str, name: str, *, public: bool, yes: bool
) -> str:
    """Upload an exported folder as a model repository, and return where it is.

    The login is that of huggingface_hub; Tunewise never sees, stores or prints it.

    Args:
        study: whose results go along.
        folder: a proven export; its files stop naming folders of this machine.
        contender: what it holds.
        name: of the repository, such as ``ann/reviews``.
        public: let everybody read it. A repository that is there already must be what is asked.
        yes: upload without asking.

    Raises:
        InputError: its base model is a folder of this machine, the repository is public although
            a private one is asked for, or the hub refuses.
    """
    _make_public(folder)
    write_json_ascii(folder / RESULTS, record(Facts.of(study.folder)))
    api = HfApi()
    files = [path for path in folder.rglob("*") if path.is_file()]
    kind = "public" if public else "private"
    about = (
        f"{plural(len(files), 'file')}, {size(sum(path.stat().st_size for path in files))}, to "
        f"{api.endpoint}/{name} ({kind})"
    )
    if not yes and not typer.confirm(f"Upload {about}?", err=True):
        raise typer.Exit(1)
    try:
        api.create_repo(name, private=not public, exist_ok=True)
        if not public and not api.model_info(name).private:
            raise _wrong(name, "is a public repository; --public says that everybody may read it.")
        message = f"{shown(contender)} of {shown(study.evidence.name)}, by Tunewise {__version__}"
        api.upload_folder(repo_id=name, folder_path=folder, commit_message=message)
    except HfHubHTTPError as error:
        status = error.response.status_code
        hint = FORBIDDEN.get(status) or TOKEN.sub("…", str(error.server_message or "no reason"))
        raise _wrong(name, f"the hub answers {status}: {hint}.") from None
    except (HFValidationError, OSError) as error:
        reason = TOKEN.sub("…", str(error)).strip().partition("\n")[0]
        raise _wrong(name, f"was not uploaded ({reason:.200}).") from None
    return f"{api.endpoint}/{name}"


def _make_public(folder: Path) -> None:
    """Take the places of this machine out of the files of ours.

    Raises:
        InputError: the base model lies in one of them, where nobody else finds it.
    """
    described = read_json(folder / DESCRIPTION)
    source = (described["settings"].get("model") or {}).get("source", HERE)
    if source != HERE and Path(source).is_absolute():
        message = (
            f"its base model is a folder of this machine ({Path(source).name}), which others do "
            "not have: export it whole with --merge."
        )
        raise InputError([Problem(OPTION, message)])
    places = Places([described])
    for name in (DESCRIPTION, PROOF):
        write_json(folder / name, places.public(read_json(folder / name)))


def _wrong(name: str, message: str) -> InputError:
    return InputError([Problem(f"{OPTION} {shown(name)}", message)])
