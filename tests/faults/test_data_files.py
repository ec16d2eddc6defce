"""Thousands of damaged data files: each is read soundly or refused in words, in bounded time.

`make test-faults` runs it. Seeds are fixed, so that a mutant that fails can be made again.
"""

from __future__ import annotations

import csv
import io
import json
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tunewise.core.errors import InputError, TunewiseError
from tunewise.data.audit.audit import audit
from tunewise.data.images import check_image, open_image
from tunewise.data.inspect import look
from tunewise.data.labels import resolve
from tunewise.data.prepared import prepared_rows, write_prepared
from tunewise.data.readers.files import read_file
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.data.sources import read_data
from tunewise.data.spans import settled_answers
from tunewise.data.table import PLACE

pytestmark = pytest.mark.faults

Mutate = Callable[[bytes, random.Random], bytes]
SECONDS = 2.0
MEMORY = 1 << 30
ROWS = [
    {
        "id": f"r{at}",
        "text": f"Room {at}, gr\u00f6\u00dfer \u201cquoted\u201d"
        + ("\nsecond, line; |\there" * (at % 3)),
        "label": ("good", "bad", "neither")[at % 3],
    }
    for at in range(60)
]
ANSWERS = [
    {
        "question": f"Who {at}?",
        "context": f"It is Bob {at}.",
        "answers": {"text": ["Bob"], "answer_start": [6]},
    }
    for at in range(40)
]


def delimited(delimiter: str, quoting: int, encoding: str) -> bytes:
    page = io.StringIO(newline="")
    writer = csv.DictWriter(page, list(ROWS[0]), delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(ROWS)
    return page.getvalue().encode(encoding)


def parquet(table: pa.Table, **options: Any) -> bytes:
    page = io.BytesIO()
    pq.write_table(table, page, **options)
    return page.getvalue()


def with_names() -> pa.Table:
    names = ["good", "bad", "neither"]
    rows = [{**row, "label": names.index(row["label"]), "more": [{"a": b"x"}]} for row in ROWS]
    features = {"label": {"names": names, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.Table.from_pylist(rows).replace_schema_metadata(metadata)


def image(kind: str, **options: Any) -> bytes:
    page = io.BytesIO()
    Image.effect_noise((40, 30), 60).convert("RGB").save(page, kind, **options)
    return page.getvalue()


SQUAD = {
    "data": [
        {
            "title": "t",
            "paragraphs": [
                {
                    "context": row["context"],
                    "qas": [
                        {
                            "id": str(at),
                            "question": row["question"],
                            "answers": [{"text": "Bob", "answer_start": 6}],
                        }
                    ],
                }
                for at, row in enumerate(ANSWERS)
            ],
        }
    ]
}
LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS).encode()
TABLES: dict[str, bytes] = {
    "comma.csv": delimited(",", csv.QUOTE_MINIMAL, "utf-8"),
    "all.csv": delimited(",", csv.QUOTE_ALL, "utf-8"),
    "excel.csv": delimited(";", csv.QUOTE_MINIMAL, "utf-8-sig"),
    "wide.csv": delimited("\t", csv.QUOTE_MINIMAL, "utf-16"),
    "tabs.tsv": delimited("\t", csv.QUOTE_MINIMAL, "utf-8"),
    "lines.jsonl": LINES,
    "escaped.jsonl": "\n".join(map(json.dumps, ROWS)).encode(),
    "answers.jsonl": "\n".join(map(json.dumps, ANSWERS)).encode(),
    "records.json": json.dumps(ROWS, indent=1).encode(),
    "lines.json": LINES,
    "squad.json": json.dumps(SQUAD).encode(),
    "plain.parquet": parquet(pa.Table.from_pylist(ROWS), compression="none", use_dictionary=False),
    "dictionary.parquet": parquet(pa.Table.from_pylist(ROWS), row_group_size=20),
    "names.parquet": parquet(with_names(), compression="zstd"),
}
IMAGES: dict[str, bytes] = {
    "a.png": image("PNG"),
    "b.jpg": image("JPEG"),
    "c.jpg": image("JPEG", progressive=True),
    "d.webp": image("WEBP"),
    "e.gif": image("GIF"),
    "f.bmp": image("BMP"),
}


def flipped(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 3, 20))):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def truncated(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def inserted(content: bytes, draw: random.Random) -> bytes:
    pieces = (b'"', b'""', b"'", b",", b";", b"\t", b"\r", b"\n", b"\0", b"\\", b"{", b"]", b"\xe9")
    more = (b"\xff\xfe", b"\xef\xbb\xbf", b"NaN", b"1e999", b"\\ud800", b"[" * 3000, b"9" * 5000)
    for _ in range(draw.choice((1, 1, 4))):
        at = draw.randrange(len(content) + 1)
        content = content[:at] + draw.choice(pieces + more) + content[at:]
    return content


def lines_moved(content: bytes, draw: random.Random) -> bytes:
    lines = content.split(b"\n")
    at, to = draw.randrange(len(lines)), draw.randrange(len(lines) + 1)
    match draw.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(to, lines[at])
        case 2:
            lines.insert(to, lines[0])  # the header again
        case _:
            draw.shuffle(lines)
    return b"\n".join(lines)


def mixed(content: bytes, draw: random.Random) -> bytes:
    """A part in another encoding, or of another place in the file, or of zeros."""
    start, end = sorted(draw.randrange(len(content) + 1) for _ in range(2))
    part = content[start:end]
    match draw.randrange(4):
        case 0:
            part = part.decode("utf-8", "ignore").encode("cp1252", "ignore")
        case 1:
            part = part.decode("utf-8", "ignore").encode("utf-16")
        case 2:
            part = bytes(len(part))
        case _:
            part += part
    return content[:start] + part + content[end:]


MUTATIONS: tuple[Mutate, ...] = (flipped, truncated, inserted, lines_moved, mixed)


def mutant(content: bytes, seed: str) -> bytes:
    draw = random.Random(seed)
    for _ in range(draw.choice((1, 1, 2))):
        content = draw.choice(MUTATIONS)(content or b"\n", draw)
    return content


def studied(folder: Path, name: str) -> None:
    """As much as a study does with its data before any model: read, cut, resolve, audit, store."""
    table = read_file(folder / name, name)
    assert table.rows
    assert all(row[PLACE].startswith(name) for row in table.rows)
    rule = SplitRule(validation=0.2, test=0.2)
    settings = DataSettings(source=name, split=rule)
    if "context" in table.columns:
        asked = read_data(settings, ["question", "context", "answers"], folder)
        settled_answers(asked.splits, context="context", answers="answers")
    else:
        data = read_data(settings, ["text", "label"], folder, label="label")
        labels = resolve(data.splits, "label", found=data.names, own=data.own)
        found = audit(data.splits, texts=["text"], label="label", labels=labels)
        if found.problems:
            raise InputError(found.problems)
        write_prepared(folder / "out", prepared_rows(data.splits, ["text"], "label", labels))
    look(name, folder)


def outcome(act: Callable[[], object], message: str) -> str:
    """What came of a mutant; anything but a sound reading or words is an error of the test."""
    start = time.perf_counter()
    try:
        act()
        text = "read"
    except TunewiseError as error:
        assert str(error).strip(), message
        text = "refused"
    except Exception as error:
        raise AssertionError(f"{message}: {error!r}") from error
    assert time.perf_counter() - start < SECONDS, f"{message}: too slow"
    return text


@pytest.mark.parametrize("name", TABLES)
def test_mutated_tables_are_read_or_refused_in_words(tmp_path: Path, name: str) -> None:
    assert outcome(lambda: read_file(written(tmp_path, name, TABLES[name]), name), name) == "read"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts: Counter[str] = Counter()
    for number in range(800):
        seed = f"{name}-{number}"
        written(tmp_path, name, mutant(TABLES[name], seed))
        counts[outcome(lambda: studied(tmp_path, name), seed)] += 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(name, dict(counts), f"{grown >> 10} MiB more")
    assert counts["refused"] > 100
    assert grown << 10 < MEMORY


@pytest.mark.parametrize("name", IMAGES)
def test_mutated_images_are_whole_or_refused_in_words(name: str) -> None:
    assert check_image(IMAGES[name]) is None
    counts: Counter[str] = Counter()
    for number in range(500):
        seed = f"{name}-{number}"
        content = mutant(IMAGES[name], seed)
        message: list[str | None] = []
        outcome(lambda: message.append(check_image(content)), seed)  # noqa: B023  # called at once
        opened = outcome(lambda: open_image(content), seed)  # noqa: B023  # called at once
        assert (opened == "read") == (message == [None]), seed
        counts[opened] += 1
    print(name, dict(counts))
    assert counts["refused"] > 50


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_sample_of_commands_ends_in_words(tmp_path: Path) -> None:
    names = [name for name in TABLES if name not in ("answers.jsonl", "squad.json")]
    codes: Counter[int] = Counter()
    for number in range(30):
        name = names[number % len(names)]
        written(tmp_path, name, mutant(TABLES[name], f"command-{number}"))
        study = (
            "name: s\ntask: {kind: classification, text: text, label: label}\n"
            f"data: {{source: {name}, split: {{validation: 0.2, test: 0.2}}}}\n"
            "methods: [majority, tfidf]\n"
        )
        (tmp_path / "s.yaml").write_text(study)
        ended = subprocess.run(
            [sys.executable, "-m", "tunewise", "validate", "s.yaml"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode in (0, 2), (number, ended.stderr)
        assert "Traceback" not in ended.stderr, (number, ended.stderr)
        codes[ended.returncode] += 1
    print(dict(codes))
    assert codes[2]
