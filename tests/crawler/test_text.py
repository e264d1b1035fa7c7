"""Markup to plain text, whatever the markup."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.text import from_html, plain

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
        assert not any(letter in text for letter in ("\x00", "\x85", "\xa0", "\ud800", "\r", "\n\n\n", "  "))


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
