"""How the next token is chosen, and when to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tunewise.core.errors import SettingError
from tunewise.core.settings import refuse_below

Kind = Literal["greedy", "beam", "sample"]

PROMPTS_AT_ONCE = 16  # read together


@dataclass(frozen=True)
class Strategy:
    """A way of decoding.

    `greedy` takes the likeliest token; `beam` keeps the `beams` likeliest beginnings; `sample`
    draws: the logits are divided by `temperature`, of these the `top_k` likeliest are kept, of
    these the fewest whose probabilities sum to `top_p` (Holtzman et al. 2020, arXiv:1904.09751).
    `stop` are texts that end an answer and do not belong to it.
    """

    kind: Kind = "greedy"
    beams: int = 4
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    samples: int = 1
    max_new_tokens: int = 32
    stop: tuple[str, ...] = ("\n",)

    def __post_init__(self) -> None:
        if self.kind not in ("greedy", "beam", "sample"):
            raise SettingError("kind", self.kind, "greedy, beam or sample.")
        if self.kind != "sample":
            for name, unset in (("temperature", 1.0), ("top_k", None), ("top_p", None)):
                if getattr(self, name) != unset:
                    raise ValueError(f"{name} is of drawn tokens: it needs kind: sample.")
            if self.samples != 1:
                raise SettingError("samples", self.samples, f"{self.kind} has one answer only.")
        if self.beams < 2:
            raise SettingError("beams", self.beams, "from 2 up; one beam is greedy.")
        if not 0 < self.temperature < float("inf"):
            raise SettingError("temperature", self.temperature, "a number above 0.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise SettingError("top_p", self.top_p, "above 0, at most 1.")
        refuse_below(1, self, "top_k", "samples", "max_new_tokens")
        if not all(self.stop):
            right = "an empty text stands everywhere; name what ends an answer."
            raise SettingError("stop", self.stop, right)

    @property
    def label(self) -> str:
        """A short name, different wherever the tokens drawn would differ.

        >>> Strategy("beam").label, Strategy("sample", top_k=50, temperature=0.7).label
        ('beam 4', 'top-k 50, temperature 0.7')
        """
        if self.kind == "greedy":
            return "greedy"
        if self.kind == "beam":
            return f"beam {self.beams}"
        filters = {"top-k": self.top_k, "top-p": self.top_p}
        parts = [f"{name} {value:g}" for name, value in filters.items() if value is not None]
        if self.temperature != 1 or not parts:
            parts.append(f"temperature {self.temperature:g}")
        return ", ".join(parts)
