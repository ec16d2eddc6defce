"""The pages that people read, and the code blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HANDBOOK = ROOT / "docs"
BUILT = ("_build", "generated", "extension")

FENCE = re.compile(r"^(`{3,})(.*)$")
NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
AFTER = re.compile(r"<!-- after: (\S+) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block. `not_run` is the reason on the line above it; `answers` says that it stands
    right below the block before, whose output it then shows."""

    language: str
    text: str
    line: int
    not_run: str | None
    answers: bool


def handbook() -> list[Path]:
    """Every page of the handbook that is written by hand."""
    found = sorted(HANDBOOK.rglob("*.md"))
    return [path for path in found if path.relative_to(HANDBOOK).parts[0] not in BUILT]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    place, before = 0, ""
    while place < len(lines):
        fence = FENCE.match(lines[place])
        if not fence:
            before = lines[place] or before
            place += 1
            continue
        end = lines.index(fence[1], place + 1)
        reason = NOT_RUN.fullmatch(before)
        found.append(
            Block(
                language=fence[2].strip(),
                text="\n".join(lines[place + 1 : end]) + "\n",
                line=place + 1,
                not_run=reason[1] if reason else None,
                answers=before == "```",
            )
        )
        place, before = end + 1, "```"
    return found


def follows(path: Path) -> Path | None:
    """The page whose folder this one goes on in."""
    found = AFTER.search(path.read_text(encoding="utf-8"))
    return (path.parent / ".." / found[1]).resolve() if found else None
