"""Where LoRA goes and why, and what it brings in practice."""

from __future__ import annotations

import numpy as np

from tunewise.foundations.lora_algebra import Layer, forward, merged
from tunewise.foundations.lora_placement import SETS, Block, as_query_correction, mixed
from tunewise.foundations.topic import Check, Topic, difference

RANK = 8
BLOCKS = 12  # BERT-base and GPT-2: twelve blocks of width 768
BERT, GPT2 = Block(768), Block(768, fused=True)
TASKS = 100
MEGABYTE = 4 / 1e6  # of one number in float32
SWITCHES = 100
STATEMENT = (
    "Any matrix can carry a LoRA layer; the usual place is query and value. A head of "
    "attention knows its four matrices only as two products: W_q'W_k says where to look "
    "and W_o W_v what is passed on. Query and value reach both products once; a "
    "correction of the key works on the same product as one of the query, and in a single "
    "head of full width it can be exchanged for one of the same rank. Hu et al. found "
    "query and value together better than either alone at an equal number of trained "
    "parameters. It is a habit, not a law: the MLP holds two thirds of a block's parameters, "
    "and Dettmers et al. needed every linear layer to match full fine-tuning. A fused "
    "projection, as in GPT-2, is adapted whole, so there query and value bring the key "
    "along. What it brings in practice: gradients and Adam's moments for the adapter "
    "alone; an artifact of a few megabytes; tasks switched by exchanging adapters beside "
    "one frozen W; rows of several tasks in one batch. Its limits: activations are kept "
    "as before, so memory falls by less than the trainable parameters; a merged matrix serves "
    "one task only; rows with different adapters need their small products apart; merging "
    "and unmerging in place gathers rounding; and a low rank may not be enough."
)
DERIVATION = (
    "scores   (W_q x)' (W_k y) = x' (W_q' W_k) y      output  W_o W_v y",
    "key to query   (W_q + D)' W_k = W_q' (W_k + C)   D = (W_q' C W_k^-1)'",
    "d x d, rank r  2 d r a matrix: q 2dr, q and v 4dr, q k v o 8dr",
    "MLP, 4d wide   up r (4d + d), down r (d + 4d): 10 d r more",
    "fused q k v    r (3d + d) = 4 d r, less than 6 d r for three: one A for all",
    "n tasks        merged n |W|, adapters |W| + n |A, B|",
    "mixed batch    y_i = W x_i + s B_t(i) (A_t(i) x_i), W x once for all rows",
)


def explain() -> Topic:
    rng = np.random.default_rng(0)
    d, k, r = 24, 16, 4
    W, task = rng.normal(size=(d, k)), rng.integers(0, 3, size=12).tolist()
    layers = [Layer(W, rng.normal(size=(r, k)), rng.normal(size=(d, r)), 0.5) for _ in range(3)]
    x = rng.normal(size=(len(task), k))
    batch = mixed(layers, task, x)
    alone = np.stack([forward(layers[t], row) for t, row in zip(task, x, strict=True)])
    of_first = np.abs(x @ merged(layers[0]).T - alone).max(axis=1)

    whole, adapter = BLOCKS * BERT.full, BLOCKS * BERT.lora(SETS["query, value"], RANK)
    return Topic(
        statement=STATEMENT,
        derivation=DERIVATION,
        quantities=(
            (f"trained at rank {RANK}", _row("one block", "BERT-base", "GPT-2")),
            *((name, _counts(parts)) for name, parts in SETS.items()),
            ("matrices of the blocks", _row("12 d^2", f"{whole:,}", f"{BLOCKS * GPT2.full:,}")),
            ("BERT-base, float32: matrices of the blocks", _megabytes(whole)),
            ("an adapter on query and value", _megabytes(adapter)),
            (f"{TASKS} tasks: as many merged copies", _megabytes(TASKS * whole)),
            (f"{TASKS} tasks: one copy with adapters", _megabytes(whole + TASKS * adapter)),
            (
                "rows that one merged matrix serves",
                f"{int((of_first < 1e-10).sum())} of {len(of_first)}",
            ),
            (f"error of W after {SWITCHES} merges and unmerges", f"{_drift(layers):.1e}"),
        ),
        checks=(
            Check(
                "three tasks in one batch: each row as in a run of its own task",
                difference(batch, alone),
                1e-12,
            ),
            Check(
                "one merged matrix is right for the rows of its task and no other",
                int(((of_first < 1e-10) != (np.array(task) == 0)).sum()),
                0,
            ),
            *_of_the_key(rng),
            Check(
                "8 d r + 10 d r for a block, against its matrices one by one",
                abs(BERT.lora(SETS["attention, mlp"], RANK) - 18 * BERT.width * RANK),
                0,
            ),
        ),
        source=(
            "Hu et al. 2021, arXiv:2106.09685, section 7.1, for query and value; Dettmers et al. "
            "2023, arXiv:2305.14314, section 4, for every layer; the rest derived and counted here."
        ),
    )


def _of_the_key(rng: np.random.Generator) -> tuple[Check, Check]:
    """What a correction of the key does, one of the query can."""
    W_q, W_k, X = rng.normal(size=(8, 8)), rng.normal(size=(8, 8)), rng.normal(size=(5, 8))
    key_change = rng.normal(size=(8, 2)) @ rng.normal(size=(2, 8))
    query_change = as_query_correction(W_q, W_k, key_change)
    moved = (X @ (W_q + query_change).T) @ (X @ W_k.T).T
    same_scores = difference(moved, (X @ W_q.T) @ (X @ (W_k + key_change).T).T)
    ranks_apart = abs(int(np.linalg.matrix_rank(query_change)) - 2)
    return (
        Check("a correction of the key, moved to the query: the same scores", same_scores, 1e-9),
        Check("and of the same rank", ranks_apart, 0),
    )


def _counts(parts: tuple[str, ...]) -> str:
    """Per block with separate projections, as a multiple of d r, and for the two models."""
    per_block = BERT.lora(parts, RANK) // (BERT.width * RANK)
    bert, gpt2 = (BLOCKS * block.lora(parts, RANK) for block in (BERT, GPT2))
    return _row(f"{per_block} d r", f"{bert:,}", f"{gpt2:,}")


def _row(block: str, bert: str, gpt2: str) -> str:
    return f"{block:>9}{bert:>12}{gpt2:>12}"


def _megabytes(parameters: int) -> str:
    return f"{parameters * MEGABYTE:,.1f} MB"


def _drift(layers: list[Layer]) -> float:
    """How far W has moved once corrections were added to it and taken off again many times."""
    start = layers[0].W.astype(np.float32)
    weight = start.copy()
    for number in range(SWITCHES):
        layer = layers[number % len(layers)]
        correction = (layer.s * layer.B @ layer.A).astype(np.float32)
        weight += correction
        weight -= correction
    return difference(weight, start)
