"""The languages of texts, by their scripts and their commonest words: enough to choose a model by.

No statistics of letters: a text whose words are in no list says nothing, and is not counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from tunewise.core.format import percent
from tunewise.data.table import Splits

MOST_TEXTS = 500  # that are looked at, spread evenly over all
MOST_LETTERS = 2000  # of each
LEAST = 0.1  # of the texts that say something, for a language to count
NAMES = {
    "ar": "Arabic",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "zh": "Chinese",
}
SCRIPTS = {  # the first that a text has much of; kana before the characters shared with Chinese
    "ja": re.compile("[\u3040-\u30ff]"),
    "zh": re.compile("[\u3400-\u9fff]"),
    "ko": re.compile("[\uac00-\ud7af]"),
    "ru": re.compile("[\u0400-\u04ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    "hi": re.compile("[\u0900-\u097f]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
    "el": re.compile("[\u0370-\u03ff]"),
}
OF_A_SCRIPT = 0.15  # of the letters; much of such a text may be names in Latin letters
COMMONEST = {  # the words that hardly any sentence does without
    "en": "the and of to is was it in for that with on this you not are have be my we but had at",
    "de": "der die das und ist nicht ich zu den mit ein eine auf für von es sich auch wir war sehr",
    "fr": "de le la les et est pas je un une des en que pour dans du ne il vous avec nous très ce",
    "es": "el la los de y que es no un una en por con para se lo las muy mi al pero está del",
    "it": "il di che è non un una per con sono la del mi si ho le della molto ma gli anche in",
    "pt": "o de que não e um uma do da em para com os se na muito eu mas foi no ao é",
    "nl": "de het een en van is niet ik te dat op voor met zijn er maar ook naar bij heb wij",
    "pl": "nie i w na się to jest z do że jak po co ale od za o mi tak dla",
    "sv": "och att det är en som på för med inte jag av den till har om ett vi var mycket",
    "tr": "bir ve bu çok için de da ile ne gibi ama daha var değil ben o kadar en olarak",
}
WORDS = {  # a single letter may stand for anything
    language: frozenset(word for word in words.split() if len(word) > 1)
    for language, words in COMMONEST.items()
}


def languages_of(splits: Splits, texts: Sequence[str]) -> dict[str, float]:
    """The fraction of the texts in each language, the most first; those below `LEAST` are left out.

    Empty where no text says anything.

    >>> languages_of({"train": [{"t": "the room was cold"}, {"t": "das Zimmer war nicht kalt"}]},
    ...              ["t"])
    {'en': 0.5, 'de': 0.5}
    """
    rows = [row for part in splits.values() for row in part]
    spread = rows[:: max(1, len(rows) // MOST_TEXTS)]
    whole = [
        [row[column] for column in texts if isinstance(row.get(column), str)] for row in spread
    ]
    found = Counter(language for text in whole if (language := language_of(" ".join(text))))
    total = sum(found.values())
    return {name: count / total for name, count in found.most_common() if count >= LEAST * total}


def language_of(text: str) -> str | None:
    """The language of a text; None where its words say nothing.

    >>> language_of("客服态度很好"), language_of("Où est la facture ?"), language_of("error 500")
    ('zh', 'fr', None)
    """
    text = text[:MOST_LETTERS]
    letters = sum(map(str.isalpha, text))
    for language, script in SCRIPTS.items():
        if len(script.findall(text)) > OF_A_SCRIPT * max(1, letters):
            return language
    words = re.findall(r"\w+", text.lower())
    counts = {language: sum(word in own for word in words) for language, own in WORDS.items()}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] else None


def language_names(found: Mapping[str, float]) -> str:
    """The languages for people.

    >>> language_names({"en": 0.96}), language_names({"de": 0.6, "en": 0.4})
    ('English', 'German (60 %) and English (40 %)')
    """
    if len(found) == 1:
        return NAMES[next(iter(found))]
    parts = [f"{NAMES[name]} ({percent(part, digits=0)} %)" for name, part in found.items()]
    return " and ".join(parts)
