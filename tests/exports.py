"""Exports as people have them, with what goes wrong in each; made anew, the same every time.

Run as a program, it writes all of them into a folder: `python tests/exports.py FOLDER`.
"""

from __future__ import annotations

import csv
import html
import io
import json
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TOPICS = {  # what a text of each class is about
    "Billing": ("invoice", "refund", "charged twice", "credit card", "VAT number", "receipt"),
    "Technical": ("crash", "error 500", "login page", "export button", "sync", "blank screen"),
    "Shipping": ("parcel", "tracking number", "courier", "customs", "delivery date", "address"),
    "Account": ("password", "two-factor code", "user name", "profile", "e-mail change", "sign-up"),
}
GOOD = ("delightful", "gripping", "warm", "brilliant", "worth every minute", "funny")
BAD = ("dull", "a waste of time", "predictable", "badly cut", "far too long", "wooden")
PLACES = ("in Munich", "since Monday", "on my phone", "for our team", "again", "after the update")
OPENERS = (
    "Hello",
    "Dear team",
    "Good morning",
    "Hi there",
    "Please help",
    "To whom it may concern",
)
CLOSERS = ("Thanks a lot", "Kind regards", "Please get back to me", "I am waiting", "Best wishes")
THINGS = ("film", "series", "novel", "play", "album", "game", "museum", "concert", "podcast")


def sentence(draw: random.Random, words: Sequence[str], number: int) -> str:
    """A text about some of the words; the number keeps it from being nearly another one."""
    about = draw.sample(words, 2)
    parts = [
        f"{draw.choice(OPENERS)}, it is about the {about[0]} {draw.choice(PLACES)}",
        f"number {number} says the {about[1]} is {draw.choice(('wrong', 'gone', 'late', 'odd'))}",
        f"case {draw.randrange(10**6)} from room {draw.randrange(900)} was open {number % 7} days",
        draw.choice(CLOSERS),
    ]
    draw.shuffle(parts)
    return ". ".join(parts)


def opinion(draw: random.Random, good: bool, number: int) -> str:
    words = draw.sample(GOOD if good else BAD, 2)
    thing, other = draw.sample(THINGS, 2)
    return (
        f"The {thing} I saw as number {number} was {words[0]} and, unlike the {other} of "
        f"{1950 + draw.randrange(70)} with its {draw.randrange(10**5)} scenes, {words[1]}"
    )


def tickets(count: int = 240) -> list[dict[str, Any]]:
    draw = random.Random(1)
    names = list(TOPICS)
    rows = []
    for at in range(count):
        team = names[draw.choices(range(4), (5, 4, 2, 2))[0]]
        words = TOPICS[team]
        rows.append(
            {
                "id": f"T-{10_000 + at}",
                "created_at": f"{1 + at % 28:02d}.01.2026 09:{at % 60:02d}",
                "subject": f"{draw.choice(words)} {draw.choice(PLACES)}",
                "body": sentence(draw, words, at),
                "team": team,
                "priority": draw.choice(("low", "normal", "high")),
            }
        )
    return rows


def delimited(rows: Sequence[dict[str, Any]], delimiter: str = ",", ends: str = "\r\n") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], delimiter=delimiter, lineterminator=ends)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


# The five that everybody meets


def tickets_spreadsheet(path: Path) -> Path:
    """Semicolons, a byte-order mark, spellings of a class, empty bodies, repeated tickets."""
    rows = tickets()
    for at, team in ((3, "billing"), (9, "Billing "), (17, "TECHNICAL"), (21, ""), (30, "N/A")):
        rows[at]["team"] = team
    for at in (40, 41):
        rows[at]["subject"] = rows[at]["body"] = ""
    rows += [{**rows[at], "id": f"T-{20_000 + at}"} for at in (50, 51, 52)]
    rows.append({**rows[60], "id": "T-30000", "body": rows[60]["body"] + " !"})
    path = path / "tickets.csv"
    path.write_bytes(delimited(rows, ";").encode("utf-8-sig"))
    return path


def reviews_html(path: Path) -> Path:
    """HTML in the bodies, every tenth review twice, and one with both verdicts."""
    draw = random.Random(2)
    rows = []
    for at in range(220):
        good = draw.random() < 0.6
        text = html.escape(opinion(draw, good, at)).replace(", ", ",<br/>")
        body = f'<div class="review"><p>{text} &amp; so on.</p></div>'
        rows.append(
            {"review_html": body, "author": f"user{at % 40}", "verdict": "+" if good else "-"}
        )
    rows += [dict(row) for row in rows[::10]]
    rows.append({**rows[5], "verdict": "-" if rows[5]["verdict"] == "+" else "+"})
    path = path / "reviews.csv"
    path.write_text(delimited(rows), encoding="utf-8")
    return path


def quotes_tsv(path: Path) -> Path:
    """Two columns behind tabs, with quotes that open and do not close."""
    draw = random.Random(3)
    lines = ["sentence\tpolarity"]
    for at in range(200):
        good = at % 2 == 0
        text = opinion(draw, good, at)
        text = f'"{text}' if at % 9 == 0 else text.replace("The", 'The "so-called"', 1)
        lines.append(f"{text}\t{'pos' if good else 'neg'}")
    path = path / "quotes.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def workbook(path: Path) -> Path:
    """Two sheets, of which one explains the other; dates, numbers and an empty column."""
    from openpyxl import Workbook

    book = Workbook()
    about = book.active
    about.title = "Read me"
    about.append(["Export of the help desk"])
    about.append(["Made on a Monday"])
    sheet = book.create_sheet("Tickets 2026")
    rows = tickets(160)
    sheet.append([*rows[0], None])
    for at, row in enumerate(rows):
        sheet.append([*row.values(), None] if at % 40 else [*list(row.values())[:4], None, 2, None])
    path = path / "desk.xlsx"
    book.save(path)
    return path


def categories_parquet(path: Path) -> Path:
    """As pandas writes it: the label a category, the texts large strings, with an index."""
    rows = tickets(200)
    columns = {
        "body": pa.array([row["body"] for row in rows], pa.large_string()),
        "team": pa.array([row["team"] for row in rows]).dictionary_encode(),
        "raw": pa.array([row["subject"].encode() for row in rows], pa.binary()),
        "score": pa.array([at / 7 for at in range(200)]),
        "__index_level_0__": pa.array(range(200)),
    }
    path = path / "tickets.parquet"
    pq.write_table(pa.table(columns), path)
    return path


# Five further ones


def numbers_and_ids(path: Path) -> Path:
    """A label of 0 and 1 beside ids, counts and a constant; texts with German umlauts, cp1252."""
    draw = random.Random(6)
    rows = [
        {
            "customer": 1000 + at % 90,
            "text": opinion(draw, at % 3 > 0, at).replace("The", "Über die"),
            "votes": draw.randrange(40),
            "country": "DE",
            "recommended": int(at % 3 > 0),
        }
        for at in range(180)
    ]
    path = path / "empfehlung.csv"
    path.write_bytes(delimited(rows, ";").encode("cp1252"))
    return path


def two_labels(path: Path) -> Path:
    """JSON Lines called .json, with two columns like labels and a reply that knows the answer."""
    draw = random.Random(7)
    rows = [
        {
            "message": row["body"],
            "queue": row["team"],
            "channel": draw.choice(("mail", "chat", "phone")),
            "agent_reply": f"Closed by {row['team']} as solved after {at % 9} days of work",
            "created": f"2026-01-{1 + at % 28:02d}T09:00:00",
        }
        for at, row in enumerate(tickets(200))
    ]
    path = path / "messages.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rare_classes(path: Path) -> Path:
    """A class seen once, one seen twice, and rows that are nearly the same mail."""
    rows = [{"mail": row["body"], "category": row["team"]} for row in tickets(200)]
    rows[7]["category"] = "Legal"
    rows[8]["category"] = rows[9]["category"] = "Press"
    template = "Dear customer, your order {} was sent today and will reach you within three days"
    long = f"{template}. {'We thank you for buying from our shop and wish you a good day. ' * 3}"
    rows += [{"mail": long.format(at), "category": "Shipping"} for at in range(6)]
    path = path / "mails.csv"
    path.write_text(delimited(rows), encoding="utf-16")
    return path


def json_list(path: Path) -> Path:
    """A list under 'data', with nulls, texts in Japanese, and labels that are true and false."""
    draw = random.Random(9)
    good, bad = (
        ("素晴らしい", "面白い", "感動した", "最高だ"),
        ("退屈だ", "残念だ", "最悪だ", "長すぎる"),
    )
    rows: list[dict[str, Any]] = []
    for at in range(160):
        words = draw.sample(good if at % 2 else bad, 2)
        text = f"この映画は{words[0]}し、{at}番目の場面は{words[1]}と思う {draw.randrange(10**6)}"
        rows.append(
            {"uuid": f"{draw.getrandbits(64):016x}", "content": text, "liked": bool(at % 2)}
        )
    rows[4]["content"] = None
    rows[6]["liked"] = None
    path = path / "films.json"
    path.write_text(json.dumps({"data": rows}, ensure_ascii=False), encoding="utf-8")
    return path


def folder_with_overlap(path: Path) -> Path:
    """Train and test of their own, that share texts; test has a class that train lacks."""
    rows = [{"headline": row["body"], "topic": row["team"]} for row in tickets(200)]
    train, test = rows[:150], [*rows[150:], *rows[:12]]
    test[0] = {**test[0], "topic": "Sports"}
    path = path / "news"
    path.mkdir(exist_ok=True)
    for name, part in (("train", train), ("test", test)):
        (path / f"{name}.csv").write_text(delimited(part, "|"), encoding="utf-8")
    return path


EXPORTS: dict[str, tuple[Callable[[Path], Path], tuple[str, ...], str]] = {
    # the columns that are read, and the label
    "tickets": (tickets_spreadsheet, ("subject", "body"), "team"),
    "reviews": (reviews_html, ("review_html",), "verdict"),
    "quotes": (quotes_tsv, ("sentence",), "polarity"),
    "workbook": (workbook, ("subject", "body"), "team"),
    "categories": (categories_parquet, ("body", "raw"), "team"),
    "numbers": (numbers_and_ids, ("text",), "recommended"),
    "two labels": (two_labels, ("message",), "queue"),
    "rare classes": (rare_classes, ("mail",), "category"),
    "json list": (json_list, ("content",), "liked"),
    "overlap": (folder_with_overlap, ("headline",), "topic"),
}


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for entry in EXPORTS.values():
        print(entry[0](target))
