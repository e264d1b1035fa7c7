"""Markup to plain text, whatever the markup."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.text import from_html, paired, plain

PIECES = (
    "a",
    " b",
    "\n",
    "\r\n",
    "\x00",
    "\x85",
    "\xa0",
    "\ud800",
    "e\u0301",
    "e",
    "\u0301",
    "\u200b",
    "\u200d",
    "\xad",
    "\u202e",
    "&",
    "&amp;",
    "<",
    "<p>",
    "</p>",
    "<br>",
)
BLOCKS = (
    "<html>",
    "<body>",
    "</body>",
    "<title>",
    "<table><tr><td>",
    "<form>",
    "</form>",
    "<script>",
    "<?x?>",
    "<!-- c -->",
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES + BLOCKS), max_size=12).map("".join))
def test_what_comes_out_is_plain_and_nothing_is_raised(markup: str) -> None:
    for text in (from_html(markup), plain(markup)):
        assert plain(text) == text
        assert not any(
            letter in text
            for letter in ("\x00", "\x85", "\xa0", "\xad", "\ud800", "\u200b", "\u202e", "\r", "\n\n\n", "  ")
        )


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>a<p>b</p>c", "a\n\nb\nc"),
        ("a<form><p>x</p></form> b", "a b"),
        ("a<script>x</script><b>b</b><!-- x -->c", "abc"),
        ("<ul><li>satu</li><li>dua</li></ul>", "satu\n\ndua"),
        ("a</body>b", "ab"),
        ("<div>" * 200 + "dalam", "dalam"),
    ],
)
def test_blocks_become_lines(markup: str, text: str) -> None:
    assert from_html(markup) == text


@pytest.mark.parametrize(
    "unseen",
    ["\u200b", "\ufeff", "\xad", "\u200e\u202e\u2066", "\u2060 \u200d", "\u3164\u2800", "\ufe0f", "&shy;", "&#8203;"],
)
def test_what_cannot_be_seen_is_no_text(unseen: str) -> None:
    assert plain(f" {unseen}\n{unseen}") == "" or unseen.startswith("&")
    assert from_html(f"<p>{unseen}</p>{unseen * 700}") == ""


def test_what_cannot_be_seen_is_taken_out_of_words_and_emoji_stay_whole() -> None:
    assert plain("pe\xadrusa\u200bhaan \u202eair\u202c \ufeffmati") == "perusahaan air mati"
    assert plain("petani 👩‍🌾 ☎️ senang") == "petani 👩‍🌾 ☎️ senang"
    assert plain("e\u200b\u0301") == "é"


def test_pairs_of_surrogates_are_read_in_one_pass() -> None:
    assert paired("&#55357;&#56832;" * 60_000) == "😀" * 60_000
    assert paired("&#55357;" * 100_000 + "&#8211;") == "&#8211;"
    assert paired("&#0000000000") == "&#0000000000"
