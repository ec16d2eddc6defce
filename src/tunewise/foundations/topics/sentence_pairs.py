"""How BERT takes a pair of sentences."""

from __future__ import annotations

from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import BertProcessing
from transformers import BertConfig
from transformers.models.bert.modeling_bert import BertEmbeddings

from tunewise.foundations.topic import Check, Topic, difference

CLS, SEP, PAD = "[CLS]", "[SEP]", "[PAD]"
FIRST = "is the room quiet"
SECOND = "the room lies at the back and is quiet at night"
WORDS = sorted({*FIRST.split(), *SECOND.split()})
IDS = {word: place for place, word in enumerate([PAD, CLS, SEP, *WORDS])}
LIMIT = 12


class Packed(NamedTuple):
    """One row of input: tokens, which sentence each belongs to, and where each stands."""

    ids: list[int]
    types: list[int]
    positions: list[int]


def packed(first: str, second: str, limit: int | None = None) -> Packed:
    """``[CLS] first [SEP] second [SEP]``; what is too long is cut off the end of the second."""
    a, b = first.split(), second.split()
    if limit is not None:
        b = b[: max(0, limit - len(a) - 3)]
    tokens = [CLS, *a, SEP, *b, SEP]
    types = [0] * (len(a) + 2) + [1] * (len(b) + 1)
    return Packed([IDS[token] for token in tokens], types, list(range(len(tokens))))


def by_tokenizers(first: str, second: str, limit: int | None = None) -> Packed:
    """The same from the `tokenizers` library."""
    tokenizer = Tokenizer(WordLevel(IDS, unk_token=PAD))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = BertProcessing((SEP, IDS[SEP]), (CLS, IDS[CLS]))
    if limit is not None:
        tokenizer.enable_truncation(limit, strategy="only_second")
    found = tokenizer.encode(first, second)
    return Packed(found.ids, found.type_ids, list(range(len(found.ids))))


def explain() -> Topic:
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(IDS), hidden_size=16, max_position_embeddings=32)
    layer = BertEmbeddings(config).eval()
    one, cut = packed(FIRST, SECOND), packed(FIRST, SECOND, LIMIT)
    ids, types, positions = (torch.tensor([part]) for part in one)
    with torch.no_grad():
        summed = (
            layer.word_embeddings.weight[ids]
            + layer.position_embeddings.weight[positions]
            + layer.token_type_embeddings.weight[types]
        )
        ours, theirs = layer.LayerNorm(summed), layer(input_ids=ids, token_type_ids=types)
        untyped = layer(input_ids=ids, token_type_ids=torch.zeros_like(types))
    moved = (theirs - untyped).abs().amax(dim=-1)[0]
    boundary = one.types.index(1)

    return Topic(
        statement=(
            "Both sentences go through the encoder as one row: [CLS] first [SEP] second [SEP]. "
            "Three vectors are added at each position: the token's, the position's, counted "
            "through both sentences, and the segment's, which is one vector for all of the first "
            "sentence with [CLS] and its [SEP], and another for the second. Attention is not "
            "masked between them, so from the first layer on each word of one can look at each "
            "word of the other; that is what two rows encoded apart cannot do. The vector at "
            "[CLS] goes to the classifier. Only padding is masked. Where the pair is too long, "
            "the second is cut, for a question without its end asks something else. RoBERTa "
            "writes <s> first </s></s> second </s> and has one segment vector for both; DistilBERT "
            "has none: in them the separators alone mark the boundary."
        ),
        derivation=(
            "x_t = LayerNorm(word[id_t] + position[t] + segment[type_t])",
            "",
            f"tokens    {' '.join(['[CLS]', *FIRST.split(), '[SEP]', *SECOND.split()[:4], '...'])}",
            "type      0 up to and with the first [SEP], then 1",
            "length    words of both + 3; at most 512 positions in BERT",
        ),
        quantities=(
            (
                "tokens of the pair: first, second, in all",
                f"{boundary}, {len(one.ids) - boundary}, {len(one.ids)}",
            ),
            ("where the second begins", f"position {boundary}, after the first [SEP]"),
            (
                f"kept of the second at a limit of {LIMIT}",
                f"{sum(cut.types) - 1} of {len(SECOND.split())} words",
            ),
            ("vectors that the segment moves", f"{int((moved > 0).sum())}, those of the second"),
        ),
        checks=(
            Check(
                "tokens and types, against the tokenizers library",
                float(one != by_tokenizers(FIRST, SECOND)),
                0,
            ),
            Check(
                f"the same cut to {LIMIT}: the question stays whole",
                float(cut != by_tokenizers(FIRST, SECOND, LIMIT)),
                0,
            ),
            Check(
                "the sum of three vectors, against transformers' BertEmbeddings",
                difference(ours.numpy(), theirs.numpy()),
                1e-6,
            ),
            Check(
                "with one segment for both, the first's vectors stay as they are",
                float(moved[:boundary].max()),
                0,
            ),
        ),
        source="Devlin et al. 2019, arXiv:1810.04805, section 3 and figure 2.",
    )
