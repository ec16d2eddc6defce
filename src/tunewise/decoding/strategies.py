"""Ways of choosing the next token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Strategy:
    """How the next token is chosen, and when an answer ends."""

    kind: Literal["greedy", "beam", "sample"] = "greedy"
    beams: int = 4
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    samples: int = 1
    max_new_tokens: int = 32
    stop: tuple[str, ...] = ("\n",)

    @property
    def label(self) -> str:
        """What tables call it."""
        if self.kind != "sample":
            return self.kind if self.kind == "greedy" else f"beam {self.beams}"
        parts = [f"top-k {self.top_k}"] if self.top_k else []
        parts += [f"top-p {self.top_p:g}"] if self.top_p else []
        if self.temperature != 1 or not parts:
            parts.append(f"temperature {self.temperature:g}")
        return " ".join(parts)
