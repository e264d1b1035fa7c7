"""Plain words with offsets."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.normalize import clean, tokenize


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Blm jadi jg KTP nya", "belum jadi juga ktp nya"),
        ("mantaaaap kali PLN", "mantap kali pln"),
        ("jalan2 rusak", "jalan jalan rusak"),
        ("g4k ada petugas", "tidak ada petugas"),
        ("КТР belum siap", "ktp belum selesai"),
        ("sudah siap berangkat", "sudah siap berangkat"),
        ("m\u200bati l\u200bampu", "listrik padam"),
        ("tak ado urang", "tidak ada orang"),
        ("@pln_123 #Duri 😤", "@pln_123 #duri 😤"),
        ("ｐｕｎｇｌｉ di 𝗸𝗮𝗻𝘁𝗼𝗿", "pungutan liar di kantor"),
    ],
)
def test_plain_words(text: str, plain: str) -> None:
    assert " ".join(token.norm for token in tokenize(text)) == plain


def test_offsets_lead_back() -> None:
    text = "Gas  habis lg,\nudah 3 jam!!"
    assert [text[token.start : token.end] for token in tokenize(text)] == [
        "Gas",
        "habis",
        "lg",
        ",",
        "udah",
        "3",
        "jam",
        "!",
        "!",
    ]


@given(st.text(max_size=300))
def test_any_text_keeps_its_length_and_order(text: str) -> None:
    assert len(clean(text)) == len(text)
    tokens = tokenize(text)
    assert all(0 <= token.start < token.end <= len(text) and token.norm for token in tokens)
    assert all(one.end <= two.start for one, two in pairwise(tokens))


@pytest.mark.parametrize("piece", ["a", "2", "@", "a2", "-", "\u200b", "ا", "a@", "9.", "https://"])
def test_long_texts_take_time_in_proportion(piece: str) -> None:
    def seconds(size: int) -> float:
        text, best = piece * (size // len(piece)), 9.9
        for _ in range(2):
            started = time.process_time()
            tokenize(text)
            best = min(best, time.process_time() - started)
        return best

    assert seconds(400_000) < 40 * max(seconds(40_000), 0.002)
