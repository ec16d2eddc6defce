"""The fraction of parameters that LoRA trains."""

from __future__ import annotations

import numpy as np

from tunewise.foundations.lora_algebra import Layer, merged
from tunewise.foundations.lora_costs import LinearLayer
from tunewise.foundations.topic import Check, Topic

SHAPES = (
    (1024, 1024, 8),
    (768, 768, 1),
    (768, 768, 8),
    (768, 768, 16),
    (768, 768, 256),
    (3072, 768, 8),
)


def explain() -> Topic:
    rng = np.random.default_rng(0)
    layers = [LinearLayer(d, k, rank=r) for d, k, r in SHAPES]
    small = Layer(np.zeros((40, 30)), rng.normal(size=(3, 30)), rng.normal(size=(40, 3)), 1.0)

    return Topic(
        statement=(
            "For a matrix of shape (d, k), full fine-tuning trains d k parameters and LoRA of "
            "rank r "
            "trains d r in B and r k in A. The fraction is (d r + r k) / (d k); its inverse is the "
            "reduction factor. For d = k it is 2 r / d: it falls with the width, so the larger "
            "the model, the smaller the fraction at the same rank. From r = d k / (d + k) on, "
            "nothing is saved."
        ),
        derivation=(
            "share      (d r + r k) / (d k) = r (1/d + 1/k)",
            "reduction  d k / (r (d + k))            d = k:  d / (2 r)",
            "d = k = 1024, r = 8:  16,384 / 1,048,576 = 1/64 = 1.5625 %",
        ),
        quantities=(
            ("d, k, r", "trained of all             share  reduction  no gain from r"),
            *(
                (
                    f"{one.d}, {one.k}, {one.rank}",
                    f"{one.lora:>9,} of {one.full:>9,}  {one.ratio:>8.4%} {one.reduction:>8.1f}"
                    f"   {one.break_even_rank:>8.1f}",
                )
                for one in layers
            ),
        ),
        checks=(
            Check("d = k = 1024, r = 8: the fraction is 1/64", abs(layers[0].ratio - 1 / 64), 0),
            Check("d = 768, r = 8: 12,288 numbers", abs(layers[2].lora - 12_288), 0),
            Check(
                "the formula, against arrays that were made",
                abs(LinearLayer(40, 30, rank=3).lora - (small.A.size + small.B.size)),
                0,
            ),
            Check(
                "the correction B A has rank r",
                abs(int(np.linalg.matrix_rank(merged(small))) - 3),
                0,
            ),
        ),
        source="Hu et al. 2021, arXiv:2106.09685, section 4.2.",
    )
