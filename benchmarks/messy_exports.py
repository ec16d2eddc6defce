"""Ten exports as programs leave them behind, each with what goes wrong in such files.

    python benchmarks/messy_exports.py FOLDER

writes them all, the same every time. Those of the tests are others (`tests/exports.py`).
"""

from __future__ import annotations

import argparse
import csv
import html
import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook

Row = dict[str, Any]

DESK = {  # what people write about, by the team that answers; words of other teams slip in
    "Billing": """charged twice for {plan}|the invoice of {month} shows the wrong VAT|my card was
        declined although it is valid|please refund the last payment|why did the price of {plan} go
        up|I need a receipt for {month}|the discount code was not applied""",
    "Technical": """the app crashes when I open {part}|{part} stays blank after the update|I get
        error {code} when saving|sync stopped working in {month}|exporting {part} takes forever|the
        page will not load in my browser|{part} shows old numbers""",
    "Delivery": """my parcel has not arrived since {month}|the courier left it with a neighbor|the
        tracking page has said pending for days|the box was damaged when it came|please send it to
        another address|two items are missing from the shipment|customs is holding my order""",
    "Account": """I cannot log in any more|the password mail never comes|please delete my
        profile|how do I change the address of my user|the two-factor code is refused|somebody else
        uses my user|I was locked out after {month}""",
    "Sales": """do you offer {plan} for schools|we would like a quote for 40 seats|can I try {plan}
        before buying|what is the difference to {plan}|is there a discount for charities|we want to
        switch to {plan} next year|who can give us a demo of {part}""",
}
SLOTS = {
    "plan": ("Basic", "Team", "the yearly plan", "Premium", "the add-on"),
    "month": ("January", "March", "last week", "Monday", "the holidays"),
    "part": ("the dashboard", "the calendar", "my reports", "the settings", "the inbox"),
    "code": ("500", "E-17", "403", "0x80", "timeout"),
}
AROUND = (
    *(
        "I have been a customer for {n} years.",
        "This is the {n}th time I write.",
        "Thanks in advance",
    ),
    *("My colleague says the same.", "Please call me back.", "I already tried it {n} times."),
    *("Sent from my phone", "The order is number {n}.", "I am rather unhappy about this."),
    *("It is urgent, we have a deadline.", "Nothing in the help pages fits.", "Best, {name}"),
)
NAMES = ("Ann", "Bülent", "Chloé", "Dmitri", "Eva", "Farid", "Grace", "Hugo", "Inès", "Jonas")
PRAISE = {  # by stars
    5: "love it|works perfectly|best purchase this year|exceeded what I hoped for|flawless",
    4: "very good overall|does its job well|happy with it apart from a detail|solid and pretty",
    3: "it is okay|average for the price|some good, some bad|does what it must, no more",
    2: "rather disappointing|expected more|feels cheap|works only sometimes|not worth it",
    1: "broke after a week|total waste of money|stopped working|do not buy|I want my money back",
}
ITEMS = ("kettle", "headset", "backpack", "lamp", "keyboard", "blender", "tent", "bike light")
INTENTS = {
    "card_lost": "I lost my card|my card was stolen|cannot find my card anywhere",
    "card_arrival": "when will my card come|my card has not come yet|how long until I get the card",
    "pin_change": "how can I change my PIN|set a new PIN|I want another PIN",
    "balance": "what is my balance|how much money do I have left|show my account balance",
    "transfer_failed": "my transfer failed|the transfer was rejected|money was not transferred",
    "transfer_fee": "what does a transfer cost|is there a fee for transfers|why did I pay a fee",
    "exchange_rate": "what rate do you use|your exchange rate looks wrong|rate for dollars today",
    "top_up": "how do I top up|top up with cash|adding money to my account",
    "close_account": "close my account|I want to leave the bank|please cancel everything",
    "cash_withdrawal": "the machine gave no cash|withdrawal shows twice|cash limit per day",
}
AVIS = {
    "Satisfait": """service rapide et très aimable|je recommande sans hésiter|chambre propre et
        calme|excellent accueil|nous reviendrons avec plaisir""",
    "Mitigé": """correct mais un peu cher|rien d'exceptionnel|bon petit déjeuner, chambre trop
        petite|accueil moyen|bien situé mais bruyant""",
    "Mécontent": """très déçu de notre séjour|chambre sale et froide|personne à la réception|à fuir
        absolument|on m'a facturé deux fois""",
}
SPAM = (
    "you have won a prize of {n} dollars|click here to claim|cheap pills no prescription|loan now"
)
HAM = (
    "see you at lunch|can you send me the notes|I will be late tonight|happy birthday|call me back"
)


@dataclass
class Author:
    """Draws texts; the same ones for the same seed."""

    seed: int

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)

    def phrase(self, options: str) -> str:
        """One of the phrases, its slots filled."""
        chosen = " ".join(self.draw.choice(options.split("|")).split())
        values = {name: self.draw.choice(words) for name, words in SLOTS.items()}
        return chosen.format(**values, n=self.draw.randrange(2, 9999), name=self.draw.choice(NAMES))

    def around(self, count: int) -> list[str]:
        return [self.phrase(one) for one in self.draw.sample(AROUND, count)]

    def message(self, told: str, others: Sequence[str], *, stray: float = 0.25) -> str:
        """What it is about among what people write besides, and now and then another matter."""
        parts = [self.phrase(told), *self.around(self.draw.randrange(1, 4))]
        if self.draw.random() < stray:
            parts.append(
                f"Last year {self.phrase(self.draw.choice(list(others)))}, that is solved."
            )
        self.draw.shuffle(parts)
        return ". ".join(part.rstrip(".") for part in parts)

    def slip(self, text: str) -> str:
        """The text with two letters swapped, as typed in haste."""
        at = self.draw.randrange(len(text) - 1)
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]

    def label(self, told: str, labels: Sequence[str], *, wrong: float = 0.03) -> str:
        """The label as somebody set it, who is not always right."""
        return self.draw.choice(list(labels)) if self.draw.random() < wrong else told

    def moment(self) -> datetime:
        return datetime(2026, 1, 5, 8) + timedelta(minutes=self.draw.randrange(200_000))


def _desk(count: int, seed: int, weights: Sequence[int] = (5, 6, 4, 3, 2)) -> list[Row]:
    author, teams = Author(seed), list(DESK)
    rows = []
    for at in range(count):
        team = author.draw.choices(teams, weights)[0]
        others = [text for name, text in DESK.items() if name != team]
        rows.append(
            {
                "at": at,
                "subject": author.phrase(DESK[team]) if author.draw.random() < 0.7 else "Question",
                "body": author.message(DESK[team], others),
                "team": author.label(team, teams),
                "moment": author.moment(),
                "hours": author.draw.randrange(1, 900) / 10,
            }
        )
    return rows


def _csv(rows: Sequence[Row], delimiter: str, ends: str = "\r\n") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], delimiter=delimiter, lineterminator=ends)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def help_desk(folder: Path) -> Path:
    """Semicolons behind `sep=;` and a byte-order mark, mails over several lines, spellings."""
    rows = [
        {
            "Ticket": f"#{48_000 + row['at']}",
            "Opened": row["moment"].strftime("%d/%m/%Y %H:%M"),
            "Customer no.": 7000 + row["at"] % 130,
            "Subject": row["subject"],
            "Message": f'Dear "support",\r\n{row["body"]}\r\n\r\n-- \r\n{NAMES[row["at"] % 10]}',
            "Category": row["team"] if row["at"] % 23 else f" {row['team'].upper()}",
            "Hours to answer": f"{row['hours']:.1f}".replace(".", ","),
            "Reopened": ("", "yes")[row["at"] % 11 == 0],
        }
        for row in _desk(420, 1)
    ]
    rows += [{**row, "Ticket": f"{row['Ticket']}-2"} for row in rows[:400:25]]
    for row in rows[5:300:60]:
        row["Category"] = ""
    path = folder / "Help desk (Q1).csv"
    path.write_bytes(("\ufeffsep=;\r\n" + _csv(rows, ";")).encode())
    return path


def shop_reviews(folder: Path) -> Path:
    """HTML, every eighth review twice, one to five stars, and how many found it helpful."""
    author, rows = Author(2), []
    for at in range(450):
        stars = author.draw.choices(list(PRAISE), (8, 4, 2, 2, 3))[0]
        said = [f"{author.phrase(PRAISE[stars])}" for _ in range(2)]
        tail = author.around(1)[0]
        text = html.escape(f"The {author.draw.choice(ITEMS)}: {said[0]}. {tail} {said[1].title()}!")
        rows.append(
            {
                "review_id": f"R{author.draw.getrandbits(40):010X}",
                "product": author.draw.choice(ITEMS),
                "review_body": f"<p>{text}</p><br />"
                + ("&nbsp;" if at % 3 else "<b>Edit:</b> same"),
                "stars": stars,
                "helpful": author.draw.randrange(30),
                "verified": author.draw.random() < 0.8,
            }
        )
    rows += [{**row, "review_id": f"{row['review_id']}b"} for row in rows[::8]]
    path = folder / "reviews-export.csv"
    path.write_text(_csv(rows, ","), encoding="utf-8")
    return path


def intents(folder: Path) -> Path:
    """Two columns behind tabs; quotes doubled, tabs and line ends inside of texts, ten classes."""
    author, rows = Author(3), []
    for at in range(500):
        intent = author.draw.choice(list(INTENTS))
        text = f"{author.phrase(INTENTS[intent])}, {author.around(1)[0]}"
        text = author.slip(text) if at % 4 == 0 else text
        text = f'He said "{text}"\tand left' if at % 9 == 0 else text
        text = text.replace(", ", ",\n") if at % 13 == 0 else text
        rows.append({"utterance": text, "intent": author.label(intent, list(INTENTS))})
    path = folder / "intents.tsv"
    path.write_text(_csv(rows, "\t", "\n"), encoding="utf-8")
    return path


def survey(folder: Path) -> Path:
    """A workbook: a code book first, then answers with empty rows, dates and a formula."""
    book = Workbook()
    codes = book.active
    codes.title = "Code book"
    codes.append(["Column", "Meaning"])
    for name in ("Q1", "Q2", "Topic"):
        codes.append([name, f"see the questionnaire, {name}"])
    sheet = book.create_sheet("Answers")
    sheet.append(["No.", "Filled in", "Age", "Q1 What should we improve?", "Topic", "Check"])
    for row in _desk(260, 4):
        if row["at"] % 50 == 49:
            sheet.append([])
        age, text = 18 + row["at"] % 60, None if row["at"] % 40 == 7 else row["body"]
        sheet.append([row["at"], row["moment"], age, text, row["team"], f"=LEN(D{sheet.max_row})"])
    path = folder / "survey 2026.xlsx"
    book.save(path)
    return path


def pandas_parquet(folder: Path) -> Path:
    """From pandas: categories (one unused), timestamps, missing numbers, an index with a name."""
    rows = _desk(350, 5)
    names = [*DESK, "Press"]
    frame = pd.DataFrame(
        {
            "message": pd.array([row["body"] for row in rows], dtype="string"),
            "queue": pd.Categorical([row["team"] for row in rows], categories=names),
            "received": pd.to_datetime([row["moment"] for row in rows]),
            "agent": pd.Categorical([NAMES[row["at"] % 10] for row in rows]),
            "minutes": pd.array([None if row["at"] % 5 else row["at"] for row in rows], "Int64"),
        },
        index=pd.Index([f"m-{row['at']}" for row in rows], name="message_id"),
    )
    frame.loc[frame.index[::70], "queue"] = None
    path = folder / "queue.parquet"
    frame.to_parquet(path)
    return path


def unicode_text(folder: Path) -> Path:
    """What a spreadsheet calls Unicode text: UTF-16, tabs; two columns could be the label."""
    author = Author(6)
    rows = [
        {
            "Date": row["moment"].strftime("%Y-%m-%d"),
            "Channel": author.draw.choice(("Web", "Phone", "Mail")),
            "Text": row["body"],
            "Department": row["team"],
            "Done": author.draw.choice(("x", "")),
        }
        for row in _desk(300, 6)
    ]
    path = folder / "enquiries.txt"
    path.write_text(_csv(rows, "\t"), encoding="utf-16")
    return path


def nested_lines(folder: Path) -> Path:
    """JSON Lines with records in records, lists, times and ids."""
    lines = [
        {
            "_id": {"$oid": f"{row['at'] * 7919:024x}"},
            "created_at": row["moment"].isoformat() + "Z",
            "ticket": {"subject": row["subject"], "body": row["body"], "lang": "en"},
            "customer": {
                "id": 90_000 + row["at"] % 80,
                "country": ("US", "DE", "IN")[row["at"] % 3],
            },
            "tags": ["auto", f"batch-{row['at'] % 4}"],
            "routing": {"team": row["team"], "confidence": round(0.5 + row["at"] % 50 / 100, 2)},
        }
        for row in _desk(320, 7)
    ]
    path = folder / "tickets.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def french(folder: Path) -> Path:
    """French opinions: semicolons, cp1252, decimal commas, dates with the day first."""
    author, rows = Author(8), []
    for _ in range(330):
        label = author.draw.choices(list(AVIS), (5, 3, 2))[0]
        rows.append(
            {
                "N° d'avis": author.draw.randrange(10**6),
                "Date du séjour": author.moment().strftime("%d/%m/%Y"),
                "Prix (€)": f"{author.draw.randrange(4000, 30000) / 100:.2f}".replace(".", ","),
                "Commentaire": f"{author.phrase(AVIS[label])}. Séjour de "
                f"{author.draw.randrange(1, 9)} nuits à l'hôtel n° {author.draw.randrange(900)} : "
                f"{author.phrase(AVIS[label])}.",
                "Avis": author.label(label, list(AVIS)),
            }
        )
    path = folder / "avis_clients.csv"
    path.write_bytes(_csv(rows, ";").encode("cp1252"))
    return path


def sixty_rows(folder: Path) -> Path:
    """All that somebody has so far."""
    rows = [{"note": row["body"], "kind": row["team"]} for row in _desk(60, 9, (1, 1, 1, 0, 0))]
    path = folder / "first notes.csv"
    path.write_text(_csv(rows, ","), encoding="utf-8")
    return path


def uneven_messages(folder: Path) -> Path:
    """One of fourteen is spam; the label is 0 or 1, and the columns are called v1, v2 and v3."""
    author, rows = Author(10), []
    for at in range(700):
        spam = author.draw.random() < 1 / 14
        parts = [author.phrase(SPAM if spam else HAM), *author.around(1), author.phrase(HAM)]
        rows.append({"v1": int(spam), "v2": " ".join(parts), "v3": "", "length": at % 90})
    path = folder / "messages.csv"
    path.write_text(_csv(rows, ","), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Export:
    """How a file is made, and what `tunewise init` should find in it."""

    write: Callable[[Path], Path]
    texts: tuple[str, ...]
    label: str


EXPORTS: Mapping[str, Export] = {
    "help desk": Export(help_desk, ("Subject", "Message"), "Category"),
    "shop reviews": Export(shop_reviews, ("review_body",), "stars"),
    "intents": Export(intents, ("utterance",), "intent"),
    "survey": Export(survey, ("Q1 What should we improve?",), "Topic"),
    "pandas": Export(pandas_parquet, ("message",), "queue"),
    "unicode text": Export(unicode_text, ("Text",), "Department"),
    "nested": Export(nested_lines, ("ticket.subject", "ticket.body"), "routing.team"),
    "french": Export(french, ("Commentaire",), "Avis"),
    "sixty rows": Export(sixty_rows, ("note",), "kind"),
    "uneven": Export(uneven_messages, ("v2",), "v1"),
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    target = parser.parse_args().folder
    target.mkdir(parents=True, exist_ok=True)
    for export in EXPORTS.values():
        print(export.write(target))
