"""A headless Chromium driven over its debugging pipe: no driver program, no library, no port.

Commands and events are JSON, each ended by a zero byte, as the Chrome DevTools Protocol says.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60.0  # seconds until a silent browser is given up


def chromium() -> str | None:
    """The browser's path, or None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page in a headless browser; `messages` gathers what its console said."""

    def __init__(self) -> None:
        program = chromium()
        if program is None:
            raise FileNotFoundError("no Chromium on this machine")
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import os, sys; os.dup2({to_browser}, 3); os.dup2({from_browser}, 4); "
                "os.execv(sys.argv[1], sys.argv[1:])",
                program,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--no-first-run",
                f"--user-data-dir={self.profile.name}",
                "--remote-debugging-pipe",
                "about:blank",
            ],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.rest = b""
        self.number = 0
        self.session: str | None = None
        self.messages: list[str] = []
        self.requests: list[str] = []
        try:
            self._attach()
        except BaseException:
            self.close()
            raise

    def _attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)
        self.profile.cleanup()

    def call(self, method: str, **parameters: Any) -> Any:
        """Send a command and wait for its result."""
        self.number += 1
        command: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.write_end, json.dumps(command).encode() + b"\0")
        for message in self._messages():
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
        raise TimeoutError(method)

    def open(self, page: Path, *, width: int = 1400, dark: bool = False) -> None:
        """Load a file at this width and wait until its charts are drawn."""
        self.show(width=width, dark=dark)
        self.messages.clear()
        self.requests.clear()
        self.call("Page.navigate", url=page.as_uri())
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.run("document.documentElement?.dataset.drawn ?? ''"):
                return
            time.sleep(0.1)
        raise TimeoutError(f"the charts of {page} were not drawn: {self.messages}")

    def show(self, *, width: int, dark: bool) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def image(self, path: Path) -> None:
        """Save the whole page as PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _messages(self) -> Iterator[dict[str, Any]]:
        until = time.monotonic() + PATIENCE
        while True:
            while b"\0" in self.rest:
                one, self.rest = self.rest.split(b"\0", 1)
                message = json.loads(one)
                self._note(message)
                yield message
            if not select.select([self.read_end], [], [], max(0.0, until - time.monotonic()))[0]:
                return
            piece = os.read(self.read_end, 1 << 16)
            if not piece:
                raise RuntimeError("the browser ended")
            self.rest += piece

    def _note(self, message: dict[str, Any]) -> None:
        """Keep what the console would show, and what was asked of the network."""
        method, values = message.get("method"), message.get("params", {})
        if method == "Runtime.consoleAPICalled" and values["type"] in {"error", "warning"}:
            text = [str(part.get("value", part.get("description"))) for part in values["args"]]
            self.messages.append(" ".join(text))
        elif method == "Runtime.exceptionThrown":
            self.messages.append(str(values["exceptionDetails"]))
        elif method == "Log.entryAdded" and values["entry"]["level"] in {"error", "warning"}:
            self.messages.append(str(values["entry"]["text"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(str(values["request"]["url"]))
