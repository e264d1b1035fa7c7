"""The case sheet, one page cut to fit, and the letter to an agency, as PDF. What they say is composed elsewhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fpdf import FPDF

NOTICE = "Unggahan dan berita bukan laporan resmi. Lembar ini untuk keperluan dinas dan tidak memuat data pribadi."
LEFT, WIDTH, LABEL = 18.0, 174.0, 46.0  # mm on A4
LINE, BOTTOM = 4.4, 272.0
LETTER_LINE = 5.2
# Where each part has to end at the latest; what one leaves free, those after it may use.
FACTS_END, CLOCKS_END, VOICES_END = 128.0, 176.0, 216.0
# The fonts every reader of PDF has know the letters of western Europe, and not these.
SPELT = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "→": "->", "•": "-"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on it."""

    office: str
    number: str
    facts: Sequence[tuple[str, str]]
    clocks: Sequence[str]
    voices: Sequence[str]
    history: Sequence[str]
    made_at: datetime
    made: str  # the same in words


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter an officer prints, numbers and signs."""

    office: str
    day: str
    subject: str
    agency: str  # empty: to be filled in by hand
    before: Sequence[str]  # paragraphs
    facts: Sequence[tuple[str, str]]
    after: Sequence[str]
    made_at: datetime


def pdf(sheet: Sheet) -> bytes:
    page = _page(f"Lembar kasus {sheet.number}", sheet.made_at)
    _head(page, sheet)
    _facts(page, sheet.facts)
    _part(page, "Batas waktu", sheet.clocks, CLOCKS_END)
    _part(page, "Sumber yang terdengar", sheet.voices, VOICES_END)
    _part(page, "Riwayat", sheet.history, BOTTOM)
    _foot(page, sheet)
    return bytes(page.output())


def letter_pdf(letter: Letter) -> bytes:
    page = _page(letter.subject, letter.made_at)
    page.set_auto_page_break(True, 18)
    _office(page, letter.office)
    page.set_font("Helvetica", "", 10.5)
    page.cell(WIDTH, LETTER_LINE, spelt(letter.day), align="R", new_x="LMARGIN", new_y="NEXT")
    _pairs(page, [("Nomor", f": {'.' * 40}"), ("Hal", f": {letter.subject}")])
    page.ln(4)
    for line in ("Yth.", f"Pimpinan {letter.agency or '.' * 40}", "di tempat"):
        page.multi_cell(WIDTH, LETTER_LINE, spelt(line), align="L", new_x="LMARGIN", new_y="NEXT")
    page.ln(4)
    _paragraphs(page, letter.before)
    _pairs(page, [(label, f": {value}") for label, value in letter.facts])
    page.ln(2)
    _paragraphs(page, letter.after)
    page.ln(4)
    for line in ("Kepala Perwakilan,", "", "", "", f"({'.' * 40})"):
        page.set_x(LEFT + WIDTH / 2)
        page.cell(WIDTH / 2, LETTER_LINE, line, align="C", new_x="LMARGIN", new_y="NEXT")
    return bytes(page.output())


def _page(title: str, made_at: datetime) -> FPDF:
    from fpdf import FPDF

    page = FPDF(format="A4")
    page.set_auto_page_break(False)
    page.set_margins(LEFT, 14, LEFT)
    page.set_title(title)
    page.set_lang("id")
    page.set_creation_date(made_at)
    page.add_page()
    return page


def _pairs(page: FPDF, pairs: Sequence[tuple[str, str]]) -> None:
    for label, value in pairs:
        page.cell(LABEL, LETTER_LINE, spelt(label))
        page.multi_cell(WIDTH - LABEL, LETTER_LINE, spelt(value), align="L", new_x="LMARGIN", new_y="NEXT")


def _paragraphs(page: FPDF, paragraphs: Sequence[str]) -> None:
    for one in paragraphs:
        page.multi_cell(WIDTH, LETTER_LINE, spelt(one), align="L", new_x="LMARGIN", new_y="NEXT")
        page.ln(2)


def spelt(text: str) -> str:
    """`text` on one line, in the letters the fonts have; accents fall away before a letter does."""
    text = " ".join(text.translate(SPELT).split())
    return "".join(
        one if one <= "ÿ" else unicodedata.normalize("NFKD", one).encode("latin-1", "ignore").decode("latin-1") or "?"
        for one in text
    )


def _office(page: FPDF, office: str) -> None:
    page.set_font("Helvetica", "B", 12)
    page.cell(WIDTH, 6, "OMBUDSMAN REPUBLIK INDONESIA", align="C", new_x="LMARGIN", new_y="NEXT")
    page.set_font("Helvetica", "", 10)
    page.cell(WIDTH, 5, spelt(office), align="C", new_x="LMARGIN", new_y="NEXT")
    page.line(LEFT, page.get_y() + 2, LEFT + WIDTH, page.get_y() + 2)
    page.ln(5)


def _head(page: FPDF, sheet: Sheet) -> None:
    _office(page, sheet.office)
    page.set_font("Helvetica", "B", 13)
    page.cell(WIDTH, 7, f"LEMBAR KASUS NOMOR {spelt(sheet.number)}", align="C", new_x="LMARGIN", new_y="NEXT")
    page.ln(2)


def _facts(page: FPDF, facts: Sequence[tuple[str, str]]) -> None:
    for label, value in facts:
        page.set_font("Helvetica", "B", 9)
        page.cell(LABEL, LINE, spelt(label))
        page.set_font("Helvetica", "", 9)
        left = max(int((FACTS_END - page.get_y()) / LINE), 1)
        lines = _lines(page, WIDTH - LABEL, spelt(value) or "-")
        cut = [*lines[: left - 1], f"{lines[left - 1]} ..."] if len(lines) > left else lines
        page.multi_cell(WIDTH - LABEL, LINE, "\n".join(cut), align="L", new_x="LMARGIN", new_y="NEXT")
        page.ln(0.6)


def _part(page: FPDF, heading: str, lines: Sequence[str], end: float) -> None:
    """A heading and its lines, as many as there is room for; the last says how many there are more."""
    page.ln(2)
    page.set_font("Helvetica", "B", 10)
    page.cell(WIDTH, 5.5, heading, new_x="LMARGIN", new_y="NEXT")
    page.set_font("Helvetica", "", 8.5)
    for place, line in enumerate(lines or ["Belum ada."]):
        words = f"- {spelt(line)}"
        height = LINE * len(_lines(page, WIDTH, words))
        if page.get_y() + height + LINE > end and place < len(lines) - 1:
            page.cell(WIDTH, LINE, f"  dan {len(lines) - place} lainnya", new_x="LMARGIN", new_y="NEXT")
            return
        page.multi_cell(WIDTH, LINE, words, align="L", new_x="LMARGIN", new_y="NEXT")


def _lines(page: FPDF, width: float, text: str) -> list[str]:
    """How `text` is broken into lines of that width."""
    lines = page.multi_cell(width, LINE, text, dry_run=True, output="LINES")
    assert isinstance(lines, list), "what LINES stands for"
    return lines


def _foot(page: FPDF, sheet: Sheet) -> None:
    page.line(LEFT, BOTTOM + 6, LEFT + WIDTH, BOTTOM + 6)
    page.set_xy(LEFT, BOTTOM + 7)
    page.set_font("Helvetica", "I", 8)
    page.multi_cell(WIDTH, 4, f"{NOTICE}\nDibuat {spelt(sheet.made)}.", align="L")
