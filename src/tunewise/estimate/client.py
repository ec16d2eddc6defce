"""Asks the process that estimates contenders, and caches its answers."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from tunewise.backbones.folder import stored_tensors
from tunewise.backbones.lacking import tensor_names
from tunewise.core.cache import cache_folder
from tunewise.core.canonical import JSONObject, digest
from tunewise.core.environment import environment
from tunewise.core.errors import DamagedFile, InputError, MachineTrouble
from tunewise.core.exits import exit_words
from tunewise.core.files import read_json, sha256_of, write_json
from tunewise.studies.engines.process import worker_environment

VERSION = 3  # rises when the same request is answered otherwise
LIBRARIES = ("tunewise", "torch", "transformers", "peft")


class EstimateClient:
    """Answers requests about contenders, from the user's cache where it can.

    An answer is named by what it depends on: the request, the model's configuration, the names
    and formats of its tensors, and the versions of the libraries; not by where the model lies.
    """

    def __init__(self) -> None:
        versions = environment()
        self.versions = {name: versions[name] for name in LIBRARIES}
        self.process: subprocess.Popen[str] | None = None
        self.asked = 0  # of the process itself

    def __enter__(self) -> EstimateClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is not None:
            if error is not None:
                self.process.kill()  # nobody waits for what it is about to say
            assert self.process.stdin is not None and self.process.stdout is not None
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()

    def ask(self, request: JSONObject) -> JSONObject:
        """The answer to a request, which `estimate.worker` understands.

        Raises:
            MachineTrouble: the process ended.
        """
        about = {key: value for key, value in request.items() if key != "folders"}
        if "folders" in request:
            about["model"] = [_content(Path(folder)) for folder in request["folders"]]
        key = digest({"version": VERSION, "libraries": self.versions, "request": about})
        path = cache_folder() / "predictions" / f"{key}.json"
        with suppress(OSError, DamagedFile):
            known: JSONObject = read_json(path)
            return known
        answer = self._ask(request)
        if "folders" in request:  # what is asked of the machine has a file of its own
            with suppress(OSError):
                write_json(path, answer)
        return answer

    def _ask(self, request: JSONObject) -> JSONObject:
        self.asked += 1
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tunewise.estimate.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=worker_environment(),
                start_new_session=True,  # Ctrl-C is for who asked, and ends this one quietly
            )
        assert self.process.stdin is not None and self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            raise MachineTrouble(f"The process that estimates contenders {exit_words(code)}.")
        answer: JSONObject = json.loads(line)
        return answer


def _content(folder: Path) -> list[Any]:
    """What of a model an estimate depends on; its weights are not among it."""
    names = sorted(name for path in folder.glob("*.safetensors") for name in tensor_names(path))
    try:
        formats = sorted({tensor.dtype for tensor in stored_tensors("", folder).values()})
    except InputError:  # no weights at hand
        formats = []
    tokenizers = sorted(path.name for path in folder.glob("*token*"))
    read = [sha256_of(path) for path in sorted(folder.glob("preprocessor_config.json"))]
    return [sha256_of(folder / "config.json"), digest(names), formats, tokenizers, read]
