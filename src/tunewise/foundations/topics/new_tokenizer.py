"""When to make a new tokenizer, or to pretrain anew."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.foundations.tokenisation import BPE, learn
from tunewise.foundations.topic import Check, Topic

HOMES = (
    "the room is quiet and light and the rent is low",
    "a large room with a small garden near the station",
    "the flat has two rooms a kitchen and a bath",
    "the landlord asks for two months rent and a deposit",
    "a quiet street with old trees and a small park",
    "the kitchen is small but the living room is large and light",
)
CELLS = (
    "phosphorylation of kinases regulates apoptosis in hepatocytes",
    "cytoplasmic kinases mediate phosphorylation of receptors",
    "apoptosis of hepatocytes follows mitochondrial depolarisation",
    "mitochondrial receptors regulate cytoplasmic depolarisation",
)
NEW_HOME = "a quiet room with a large kitchen and a low rent"
NEW_CELL = "cytoplasmic receptors regulate apoptosis of hepatocytes"
SIZE = 150
SKEWED = ("the doctor said he would come",) * 9 + ("the doctor said she would come",)
EVEN = ("the doctor said he would come", "the doctor said she would come") * 5


def after_doctor(corpus: Sequence[str]) -> float:
    """Of the sentences about a doctor, the fraction that goes on with "he"."""
    counted = [sentence.split()[3] for sentence in corpus if "doctor" in sentence]
    return counted.count("he") / len(counted)


def fertility(tokenizer: BPE, text: str) -> float:
    """Tokens a word: 1 if every word is whole."""
    return len(tokenizer.encode(text)) / len(text.split())


def explain() -> Topic:
    homes, cells = learn(HOMES, size=SIZE), learn(CELLS, size=SIZE)
    everything = learn([*HOMES, *CELLS], size=SIZE)
    lost = sum(not homes.encode(c)[1:] for c in "βµ→")
    return Topic(
        statement=(
            "A tokenizer belongs to its checkpoint: its ids are the rows of the embedding "
            "matrix. Another tokenizer means that those rows mean nothing, so a new tokenizer "
            "calls for new embeddings and usually for a new pretraining run. First measure what "
            "the present one costs: tokens a word on your text, and characters it cannot write. "
            "Where it costs a few tokens more, keep it: fine-tuning bears that, and what the "
            "checkpoint knows is worth more. A new tokenizer is called for where the script or "
            "the language was not in its corpus, where characters are lost, or where texts no "
            "longer fit the model's length. A new model is called for in three cases: none has "
            "learned the language; there is text enough to learn it from, far more than any "
            "task's training set, in a field that the present model hardly saw; or what the "
            "present one learned is itself the concern, because its corpus pairs people with "
            "roles in a way that must not enter the product. Going on with training moves such "
            "a bias; in a model that counts, as below, it never removes it. With less text, go on "
            "pretraining the model you have, or add the few missing words as new tokens and train "
            "their rows."
        ),
        derivation=(
            "tokens a word  f = tokens / words          cost of a text: f times its words",
            "attention over w words costs (f w)^2: twice the tokens, four times the cost",
            "same vocabulary size, other corpus: merges go where the corpus' pairs are",
            "bias, by counting: P(he | doctor) = n(doctor, he) / n(doctor); after m more",
            "sentences, half of each: (n(doctor, he) + m/2) / (n(doctor) + m), never 1/2",
        ),
        quantities=(
            ("tokenizer of homes, on a new text on homes", f"{fertility(homes, NEW_HOME):.2f}"),
            ("tokenizer of homes, on a new text on cells", f"{fertility(homes, NEW_CELL):.2f}"),
            ("tokenizer of cells, on the same", f"{fertility(cells, NEW_CELL):.2f}"),
            (
                "tokenizer of both, of the same size, on the same",
                f"{fertility(everything, NEW_CELL):.2f}",
            ),
            *(
                (f"P(he | doctor), {what}", f"{after_doctor(corpus):.2f}")
                for what, corpus in (
                    ("corpus of 9 he to 1 she", SKEWED),
                    ("the same, and as many even sentences", SKEWED + EVEN),
                    ("a new corpus, even", EVEN),
                )
            ),
            ("of the characters β, µ and →, lost by the tokenizer of homes", f"{lost} of 3"),
        ),
        checks=(
            Check(
                "going on with even text leaves a bias, as the formula says; anew, none",
                abs(after_doctor(SKEWED + EVEN) - (9 + 5) / (10 + 10))
                + abs(after_doctor(EVEN) - 0.5),
                1e-12,
            ),
            Check(
                "the tokenizer of homes costs at least twice the cells' own (shortfall)",
                max(0.0, 2 * fertility(cells, NEW_CELL) - fertility(homes, NEW_CELL)),
                0,
            ),
            Check(
                "no tokenizer is below one token a word (shortfall)",
                max(
                    0.0,
                    1
                    - min(
                        fertility(t, x)
                        for t in (homes, cells, everything)
                        for x in (NEW_HOME, NEW_CELL)
                    ),
                ),
                0,
            ),
        ),
        source="measured here on a few sentences; the shares, not the sizes, carry over.",
    )
