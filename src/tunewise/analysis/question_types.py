"""Questions about images by type: how many of each, who answers them, and likely reasons.

Reasons follow from what was measured on the slices and from what is published of an encoder's
training. They are not tested; the paired test of each type stands beside its scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tunewise.analysis.evidence import Contender, Evidence
from tunewise.analysis.slices import KIND, Slice, Sliced
from tunewise.core.format import listed, percent, points
from tunewise.core.sanitize import shown
from tunewise.store.records import ModelRecord

SOURCES = {  # of the taxonomies; the rules are ours
    "cocoqa": "Ren, Kiros and Zemel 2015, arXiv:1505.02074",
    "tdiuc": "Kafle and Kanan 2017, arXiv:1703.09684",
}
TRAINED_ON = {  # data and objective of an encoder on the hub, or of ours, by its whole name
    "microsoft/resnet-50": "resnet-50 was trained to name the one thing that a photograph shows, "
    "out of 1,000 (ImageNet; He et al. 2015, arXiv:1512.03385). Its average over all places likely "
    "tells what is there better than how many or where.",
    "openai/clip-vit-base-patch32": "clip-vit-base-patch32 was trained to match 400 million "
    "images with their captions (Radford et al. 2021, arXiv:2103.00020). Its vectors likely hold "
    "what captions say, which is things and colors more than counts and places.",
    "sentence-transformers/all-MiniLM-L6-v2": "all-MiniLM-L6-v2 was trained to find the one of "
    "many sentences that belongs to another, on over a billion pairs (its model card). Its vectors "
    "likely hold the subject of a question better than single small words.",
    "embedded:picture-encoder": "The embedded image encoder was trained to tell thing, number "
    "and color at each of six places of a drawing (scripts/pretrain_images.py): every type asks "
    "for what it has learned.",
}
OFTEN = 0.25  # fraction of a type that the commonest answer alone gets right, to be worth a word
RARE = 0.5  # of an equal fraction of train


@dataclass(frozen=True)
class TypeRow:
    """A type of question: how many there are in each split, and its slice where there are any."""

    name: str
    counts: tuple[int, ...]
    slice: Slice | None


@dataclass(frozen=True)
class ByType:
    """Every type of the taxonomy, those that are absent included."""

    taxonomy: str
    source: str | None
    splits: tuple[str, ...]
    rows: tuple[TypeRow, ...]
    embeddings: tuple[str, ...]  # of each pair of encoders, how large its vectors are
    reasons: tuple[str, ...]

    @property
    def present(self) -> int:
        return sum(any(row.counts) for row in self.rows)

    @property
    def lead(self) -> str:
        source = f" ({self.source}; the rules on the words are ours)" if self.source else ""
        return (
            f"By the taxonomy {shown(self.taxonomy)}{source}: {self.present} of {len(self.rows)} "
            "types of questions are present."
        )


def by_type(evidence: Evidence, found: Sliced | None) -> ByType | None:
    """The types; None where the questions have none."""
    audited = evidence.data.audit.facts.get("splits", {})
    counts: dict[str, Mapping[str, int]] = {
        split: facts["question_types"]
        for split, facts in audited.items()
        if "question_types" in facts
    }
    if not counts:
        return None
    slices = {one.value: one for one in (found.columns.get(KIND, ()) if found else ())}
    rows = tuple(
        TypeRow(name, tuple(int(count.get(name, 0)) for count in counts.values()), slices.get(name))
        for name in dict.fromkeys(name for count in counts.values() for name in count)
    )
    name = str(evidence.study.task.get("question_types", ""))
    sliced = [row for row in rows if row.slice]
    present = {name: count for name, count in counts.get("train", {}).items() if count}
    equal = sum(present.values()) / max(1, len(present))
    rare = [f"{shown(name)} ({count:,})" for name, count in present.items() if count < RARE * equal]
    total = sum(present.values())
    reasons = [
        *_what_images_add(evidence, sliced),
        *_what_guessing_gives(evidence, sliced),
        *([f"Of {total:,} training questions few are on {listed(rare)}."] if rare else []),
    ]
    used = {one.model for one in evidence.contenders}
    recorded = (model for name, model in evidence.study.models.items() if name in used)
    encoders = dict.fromkeys(name for model in recorded for name in _published(model))
    return ByType(
        name,
        SOURCES.get(name),
        tuple(counts),
        rows,
        tuple(_embeddings(evidence)),
        (*reasons, *(TRAINED_ON[name] for name in encoders if name in TRAINED_ON)),
    )


def _embeddings(evidence: Evidence) -> Iterator[str]:
    for model, sizes in evidence.study.vectors.items():
        names = [shown(part.rstrip("/").rpartition("/")[2]) for part in model.split(" + ")]
        dimensions = listed([f"{size:,} of {kind}" for kind, size in sizes.items()])
        yield f"{' with '.join(names)} {dimensions}"


def _published(model: ModelRecord) -> list[str]:
    """The encoders that came from the hub, as a commit says, or with us; a folder may be any."""
    sources, commits = (text.split(" + ") for text in (model.source, model.revision or ""))
    commits += [""] * (len(sources) - len(commits))
    return [
        source
        for source, commit in zip(sources, commits, strict=True)
        if commit or source.startswith("embedded:")
    ]


def _what_images_add(evidence: Evidence, rows: list[TypeRow]) -> list[str]:
    """Each contender that reads both against the one that reads questions alone."""
    alone = {
        (one.model, one.method): one
        for one in evidence.contenders
        if one.described.reads_only == "question"
    }
    reasons = []
    for both in evidence.contenders:
        rival = alone.get((both.model, both.method))
        if rival is None or both.described.reads_only:
            continue
        gaps = {row.name: gap for row in rows if (gap := _gap(row.slice, both, rival)) is not None}
        ordered = sorted(gaps, key=lambda name: -gaps[name])
        if ordered:
            gains = ", ".join(f"{shown(name)} {points(gaps[name])}" for name in ordered)
            reasons.append(
                f"What images add to the question ({shown(both.name)} minus {shown(rival.name)}, "
                f"in points): {gains}. Where it is little, the words give the answer away, or the "
                "image's vector likely does not hold what is asked."
            )
    return reasons


def _gap(one: Slice | None, both: Contender, rival: Contender) -> float | None:
    scores = [one.score(name) if one else None for name in (both.name, rival.name)]
    means = [score.mean if score else None for score in scores]
    return None if means[0] is None or means[1] is None else means[0] - means[1]


def _what_guessing_gives(evidence: Evidence, rows: list[TypeRow]) -> list[str]:
    """The types on which one answer is right often; such points need no understanding."""
    guess = next((one.name for one in evidence.contenders if one.described.constant), None)
    if guess is None:
        return []
    scores = {row.name: row.slice.score(guess) for row in rows if row.slice}
    often = [
        f"{percent(score.mean)} % on {shown(name)}"
        for name, score in scores.items()
        if score is not None and score.mean is not None and score.mean >= OFTEN
    ]
    if not often:
        return []
    sentence = f"One and the same answer to every question is right for {listed(often)}"
    return [f"{sentence}: so much needs neither question nor image."]
