"""The literature that reports rest on, numbered in the order in which a text first uses it."""

from __future__ import annotations

SOURCES = {
    "lora": (
        "E. J. Hu, Y. Shen, P. Wallis, Z. Allen-Zhu, Y. Li, S. Wang, L. Wang, and W. Chen, “LoRA: "
        "Low-rank adaptation of large language models,” arXiv:2106.09685, 2021."
    ),
    "rslora": (
        "D. Kalajdzievski, “A rank stabilization scaling factor for fine-tuning with LoRA,” "
        "arXiv:2312.03732, 2023."
    ),
    "prompt-tuning": (
        "B. Lester, R. Al-Rfou, and N. Constant, “The power of scale for parameter-efficient "
        "prompt tuning,” arXiv:2104.08691, 2021."
    ),
    "bitfit": (
        "E. Ben Zaken, S. Ravfogel, and Y. Goldberg, “BitFit: Simple parameter-efficient "
        "fine-tuning for transformer-based masked language-models,” arXiv:2106.10199, 2021."
    ),
    "tfidf": (
        "K. Spärck Jones, “A statistical interpretation of term specificity and its application "
        "in retrieval,” J. Documentation, vol. 28, pp. 11–21, 1972."
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
    "randomisation": (
        "E. W. Noreen, Computer-Intensive Methods for Testing Hypotheses. New York: Wiley, 1989."
    ),
    "satterthwaite": (
        "F. E. Satterthwaite, “An approximate distribution of estimates of variance components,” "
        "Biometrics Bull., vol. 2, pp. 110–114, 1946."
    ),
    "holm": (
        "S. Holm, “A simple sequentially rejective multiple test procedure,” Scand. J. Stat., "
        "vol. 6, pp. 65–70, 1979."
    ),
}


class References:
    """Hands out numbers: ``refs("lora")`` is ``[1]`` at its first use and ever after."""

    def __init__(self) -> None:
        self._used: list[str] = []

    def __call__(self, key: str) -> str:
        if key not in self._used:
            if key not in SOURCES:
                raise KeyError(f"no source '{key}'")
            self._used.append(key)
        return f"[{self._used.index(key) + 1}]"

    @property
    def listed(self) -> tuple[str, ...]:
        return tuple(SOURCES[key] for key in self._used)
