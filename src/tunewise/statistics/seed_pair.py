"""Two methods by the scores of their seeds: how far apart they are, and what would show it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tunewise.statistics.combine import Uncertainty, method_difference_unpaired, method_mean
from tunewise.statistics.metrics import FloatArray
from tunewise.statistics.moderation import SeedSpreads, Spread
from tunewise.statistics.power import seeds_needed


@dataclass(frozen=True)
class SeedPair:
    """Scores of two methods, one per seed, and how far the seeds of all methods lie apart.

    Shapes:
        scores      (seeds of the first,), (seeds of the second,)
        covariance  of the first's scores followed by the second's, over the draw of examples

    `paired` says that their runs go together seed by seed, `seeded` which of the two has
    randomness.
    """

    names: tuple[str, str]
    scores: tuple[FloatArray, FloatArray]
    covariance: FloatArray
    among: SeedSpreads
    paired: bool
    seeded: tuple[bool, bool] = (True, True)

    @cached_property
    def spreads(self) -> tuple[Spread, ...]:
        """The variance between single seeds: of paired differences, or of each with randomness."""
        if self.paired:
            return (self.among.of_pair(*self.names),)
        both = zip(self.names, self.seeded, strict=True)
        return tuple(self.among.of(name) for name, seeded in both if seeded)

    @property
    def moderated(self) -> bool:
        """Whether the spreads of other methods weigh in the claim."""
        return any(one.df > self._most_seeds - 1 for one in self.spreads)

    @cached_property
    def difference(self) -> Uncertainty:
        """Of the first less the second, uncertain through seeds and examples."""
        ours, theirs = self.scores
        if self.paired:
            minus = np.concatenate([np.eye(len(ours)), -np.eye(len(ours))], axis=1)
            alike = minus @ self.covariance @ minus.T
            return method_mean(ours - theirs, alike, spread=self.spreads[0])
        known = iter(self.spreads)
        first, second = (next(known) if seeded else None for seeded in self.seeded)
        joined = method_difference_unpaired(ours, theirs, self.covariance, spreads=(first, second))
        if joined.df is None or not self.moderated:
            return joined
        return replace(joined, df=min(joined.df, self.among.together))

    @property
    def test(self) -> str:
        """What the claim rests on, in words."""
        kind = "moderated t" if self.moderated else "Student's t"
        seeds, others = map(len, self.scores)
        return f"{kind} over {f'{seeds} paired' if self.paired else f'{seeds} and {others}'} seeds"

    def needed(self, *, power: float, alpha: float, not_enough: bool) -> int | None:
        """Seeds in all that would show the difference, were it as large as seen.

        More than there are where these are known to be `not_enough`; None where no number would.
        """
        variance = sum(one.variance for one in self.spreads)
        if variance == 0:
            return None
        spread = math.sqrt(variance)
        found = seeds_needed(
            self.difference.estimate / spread,
            example_error=math.sqrt(self.difference.example_variance) / spread,
            prior_df=self.among.prior.df,
            sharing=self.among.sharing(self.names[0] if self.paired else None),
            power=power,
            alpha=alpha,
        )
        return found and max(found, self._most_seeds + 1 if not_enough else 0)

    @property
    def _most_seeds(self) -> int:
        return max(map(len, self.scores))
