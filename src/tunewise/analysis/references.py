"""The literature that reports rest on, numbered in the order in which a text first uses it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SOURCES = {
    "rslora": (
        "D. Kalajdzievski, “A rank stabilization scaling factor for fine-tuning with LoRA,” "
        "arXiv:2312.03732, 2023."
    ),
    "squad": (
        "P. Rajpurkar, J. Zhang, K. Lopyrev, and P. Liang, “SQuAD: 100,000+ questions for machine "
        "comprehension of text,” arXiv:1606.05250, 2016."
    ),
    "nucleus": (
        "A. Holtzman, J. Buys, L. Du, M. Forbes, and Y. Choi, “The curious case of neural text "
        "degeneration,” arXiv:1904.09751, 2019."
    ),
    "show-your-work": (
        "J. Dodge, S. Gururangan, D. Card, R. Schwartz, and N. A. Smith, “Show your work: "
        "Improved reporting of experimental results,” arXiv:1909.03004, 2019."
    ),
    "adamw": (
        "I. Loshchilov and F. Hutter, “Decoupled weight decay regularization,” arXiv:1711.05101, "
        "2017."
    ),
    "transformers": (
        "T. Wolf et al., “HuggingFace’s Transformers: State-of-the-art natural language "
        "processing,” arXiv:1910.03771, 2019."
    ),
    "torch": (
        "A. Paszke et al., “PyTorch: An imperative style, high-performance deep learning "
        "library,” arXiv:1912.01703, 2019."
    ),
    "wilson": (
        "E. B. Wilson, “Probable inference, the law of succession, and statistical inference,” "
        "J. Am. Stat. Assoc., vol. 22, pp. 209–212, 1927."
    ),
    "bca": (
        "B. Efron, “Better bootstrap confidence intervals,” J. Am. Stat. Assoc., vol. 82, "
        "pp. 171–185, 1987."
    ),
    "mcnemar": (
        "Q. McNemar, “Note on the sampling error of the difference between correlated proportions "
        "or percentages,” Psychometrika, vol. 12, pp. 153–157, 1947."
    ),
    "randomization": (
        "E. W. Noreen, Computer-Intensive Methods for Testing Hypotheses. New York: Wiley, 1989."
    ),
    "satterthwaite": (
        "F. E. Satterthwaite, “An approximate distribution of estimates of variance components,” "
        "Biometrics Bull., vol. 2, pp. 110–114, 1946."
    ),
    "moderated": (
        "G. K. Smyth, “Linear models and empirical Bayes methods for assessing differential "
        "expression in microarray experiments,” Stat. Appl. Genet. Mol. Biol., vol. 3, no. 3, 2004."
    ),
    "holm": (
        "S. Holm, “A simple sequentially rejective multiple test procedure,” Scand. J. Stat., "
        "vol. 6, pp. 65–70, 1979."
    ),
}


class References:
    """Hands out numbers: ``refs("holm")`` is ``[1]`` at its first use and ever after.

    `brought` are the sources of a study's methods, by their keys.
    """

    def __init__(self, brought: Mapping[str, str] = MappingProxyType({})) -> None:
        self._sources = {**brought, **SOURCES}
        self._used: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._sources

    def __call__(self, key: str) -> str:
        if key not in self:
            raise KeyError(f"no source '{key}'")
        if key not in self._used:
            self._used.append(key)
        return f"[{self._used.index(key) + 1}]"

    @property
    def listed(self) -> tuple[str, ...]:
        return tuple(self._sources[key] for key in self._used)
