"""The language of texts, as far as it decides which model can read them."""

from __future__ import annotations

import pytest

from tunewise.data.first_look.languages import COMMONEST, NAMES, language_of, languages_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The parcel has not arrived and nobody answers.", "en"),
        ("Das Paket ist nicht angekommen und niemand antwortet.", "de"),
        ("Le colis n'est pas arrivé et personne ne répond.", "fr"),
        ("Séjour de 3 nuits, chambre de luxe : merci.", "fr"),
        ("El paquete no ha llegado y nadie contesta.", "es"),
        ("Il pacco non è arrivato e nessuno risponde.", "it"),
        ("O pacote não chegou e ninguém responde.", "pt"),
        ("Het pakket is niet aangekomen en niemand antwoordt.", "nl"),
        ("Paczka nie dotarła i nikt się nie odzywa.", "pl"),
        ("Paketet har inte kommit och ingen svarar.", "sv"),
        ("Paket gelmedi ve çok geç, bu ne kadar sürer?", "tr"),
        ("Посылка не пришла", "ru"),
        ("荷物が届きません", "ja"),
        ("包裹没有到", "zh"),
        ("소포가 도착하지 않았습니다", "ko"),
        ("لم تصل الحزمة", "ar"),
        ("E-4711 / SKU 99", None),
        ("", None),
    ],
)
def test_a_sentence_tells_its_language(text: str, language: str | None) -> None:
    assert language_of(text) == language


def test_rare_languages_and_texts_that_say_nothing_do_not_count() -> None:
    texts = ["the room was cold"] * 95 + ["das Zimmer war nicht kalt"] * 5 + ["E-4711"] * 50
    assert languages_of({"train": [{"text": text} for text in texts]}, ["text"]) == {"en": 0.95}
    assert languages_of({"train": [{"text": "E-4711"}]}, ["text"]) == {}


def test_every_language_has_a_name() -> None:
    assert set(COMMONEST) <= set(NAMES)
