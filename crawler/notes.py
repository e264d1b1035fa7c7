"""Note: one thing that went wrong in a visit, in plain words. Indonesian first, English beside it, both in one table.

A sentence says what happened; a second one what was kept and what comes next. The code is short, stable and translated
nowhere, so that whoever shows a note may find words of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Then = Literal["", "left-out", "asked-again", "article-again", "read-once", "undated", "dated-now"]


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that went wrong in a visit, in words an operator understands."""

    code: str  # a key of HAPPENED, or "http-" and the status
    message: str  # Indonesian
    url: str = ""
    english: str = ""


HAPPENED: dict[str, tuple[str, str]] = {
    # items of a list
    "item-without-link": ("Butir ke-{number} tidak mempunyai tautan.", "Item {number} has no link."),
    "item-bad-link": ("Tautan butir ke-{number} bukan alamat web.", "The link of item {number} is not a web address."),
    "item-empty": ("Butir ke-{number} tidak berisi apa-apa.", "Item {number} is empty."),
    "item-unreadable": (
        "Butir ke-{number} rusak dan tidak dapat dibaca ({error}).",
        "Item {number} is broken and cannot be read ({error}).",
    ),
    "item-repeated": ("Butir ke-{number} muncul dua kali dalam daftar.", "Item {number} stands in the list twice."),
    "date-impossible": ("Tanggal terbitnya tidak mungkin benar.", "Its date of publication cannot be true."),
    "date-ahead": ("Tanggal terbitnya mendahului jam kami.", "Its date of publication is ahead of our clock."),
    # lists
    "feed-malformed": (
        "XML feed ini rusak pada baris {line}; butirnya dibaca satu per satu, {count} dapat dibaca.",
        "The XML of this feed is broken at line {line}; its items were read one by one, {count} could be read.",
    ),
    "feed-cut-short": (
        "Feed ini terputus pada baris {line}; {count} butir dapat dibaca, dan seluruhnya diminta lagi nanti.",
        "The feed broke off at line {line}; {count} items could be read, and all of it is asked for again.",
    ),
    "feed-unreadable": ("Feed ini tidak dapat dibaca ({error}).", "The feed cannot be read ({error})."),
    "not-a-feed": ("Alamat ini tidak menjawab dengan feed.", "The address does not answer with a feed."),
    "page-not-feed": (
        "Alamat ini menjawab dengan halaman web, bukan feed.",
        "The address answers with a web page, not with a feed.",
    ),
    "not-json": (
        "Alamat ini tidak menjawab dengan JSON; mungkin API situs dimatikan.",
        "The address does not answer with JSON; the site's API may be switched off.",
    ),
    "api-refuses": ("API situs menolak permintaan kami ({reason}).", "The site's API refuses ({reason})."),
    "list-unreadable": ("Halaman daftar tidak dapat dibaca ({error}).", "The list page cannot be read ({error})."),
    "list-without-links": (
        "Halaman daftar tidak memuat tautan {selector}; mungkin situs dirombak.",
        "The list page holds no link {selector}; the site may have been rebuilt.",
    ),
    "list-limit": (
        "Daftar ini lebih panjang daripada yang dibaca dalam satu kunjungan; butir yang lebih lama tidak dibaca.",
        "The list is longer than what is read in one visit; its older items were not read.",
    ),
    # articles
    "not-a-page": (
        "Alamat berita ini tidak menjawab dengan halaman web.",
        "The article's address does not answer with a web page.",
    ),
    "page-unreadable": ("Halaman berita ini tidak dapat dibaca ({error}).", "The page cannot be read ({error})."),
    "text-too-short": (
        "Tidak ada isi berita sepanjang {least} huruf atau lebih.",
        "There is no text of {least} characters or more.",
    ),
    "summary-only": (
        "Halaman berita tidak memuat isi; yang disimpan ringkasannya dari daftar.",
        "The page holds no article; the summary from the list was kept instead.",
    ),
    # answers
    "http": ("Server menjawab dengan kode {status}.", "The server answered with status {status}."),
    "http-wait": (
        "Server menjawab dengan kode {status} dan meminta kami menunggu ({wait}).",
        "The server answered with status {status} and asks us to wait ({wait}).",
    ),
    "asked-to-stop": (
        "Server meminta kami berhenti; {count} permintaan tidak dikirim.",
        "The server asks us to stop; {count} requests were not sent.",
    ),
    "robots": ("robots.txt situs ini melarang alamat tersebut.", "The site's robots.txt does not allow this address."),
    "redirects": (
        "Alamat ini mengalihkan terus-menerus tanpa ujung.",
        "The address leads from one to the next without end.",
    ),
    "too-large": ("Jawaban server melebihi batas ukuran.", "The answer is larger than the limit."),
    "cut-short": ("Jawaban server terputus sebelum lengkap.", "The answer broke off before it was complete."),
    # ways to the host
    "scheme": ("Alamat {scheme}: tidak dikunjungi.", "Addresses of {scheme}: are not visited."),
    "not-public": (
        "{host} bukan alamat di internet publik, jadi tidak dikunjungi.",
        "{host} is not an address of the public internet, so it is not visited.",
    ),
    "name": ("Nama {host} tidak ditemukan di internet.", "The name {host} is not found on the internet."),
    "timeout": ("Server tidak menjawab sampai lengkap pada waktunya.", "No complete answer came in time."),
    "refused": ("Server menolak sambungan.", "The server refuses the connection."),
    "connection": ("Sambungan ke server gagal atau terputus.", "The connection failed or broke."),
    "certificate": (
        "Sambungan aman gagal; sertifikat situs mungkin tidak sah atau kedaluwarsa.",
        "The secure connection failed; the site's certificate may be invalid or out of date.",
    ),
    # ourselves
    "option-missing": (
        "Sumber ini memerlukan pengaturan {option}; tambahkan pada konfigurasinya.",
        "This source needs the option {option}; add it to its configuration.",
    ),
    "adapter-unknown": (
        "Tidak ada adapter bernama {adapter}; yang ada: {known}.",
        "There is no adapter {adapter}; there are: {known}.",
    ),
    "unfinished": ("Waktu kunjungan habis sebelum semuanya dibaca.", "The visit ran out of time."),
    "crawler-ended": (
        "Proses pengambilan berhenti sebelum selesai (kode {exit}).",
        "The crawler ended before it was done (exit code {exit}).",
    ),
    "unexpected": ("Terjadi kesalahan yang tidak terduga ({error}).", "Something unexpected went wrong ({error})."),
    "more-notes": ("Masih ada {count} catatan lain yang tidak disimpan.", "There were {count} more notes, not kept."),
}

NEXT: dict[Then, tuple[str, str]] = {
    "": ("", ""),
    "left-out": ("Tidak disimpan; yang lain tetap dibaca.", "It is left out; the others are read."),
    "read-once": ("Dibaca sekali saja.", "It is read once."),
    "undated": ("Naskah disimpan tanpa tanggal terbit.", "The text is kept without a date."),
    "dated-now": ("Naskah disimpan dengan waktu pengambilan.", "The text is kept with the time of fetching."),
    "article-again": (
        "Berita ini belum disimpan dan diminta lagi pada kunjungan berikutnya.",
        "The article is not stored yet and is asked for again at the next visit.",
    ),
    "asked-again": (
        "Yang sudah tersimpan tetap ada; sumber dikunjungi lagi pada waktunya.",
        "What is stored stays; the source is visited again in its time.",
    ),
}
DATES: dict[str, Then] = {"date-impossible": "undated", "date-ahead": "dated-now"}


def note(code: str, url: str = "", then: Then = "", *, says: str | None = None, **values: object) -> Note:
    """The note of a code: its sentence (that of `says`, where the code alone does not choose it) and what comes next."""
    words = {name: str(value)[:120] for name, value in values.items()}
    indonesian, english = (
        f"{happened.format(**words)} {after}".strip()
        for happened, after in zip(HAPPENED[says or code], NEXT[then], strict=True)
    )
    return Note(code, indonesian, url, english)


def doubt(code: str, url: str) -> Note:
    """The note of what was doubtful in a document that is kept all the same."""
    return note(code, url, DATES.get(code, ""))


def english_note(row: Mapping[str, str]) -> str:
    """The English words of a stored note; one that was stored before there were any is shown as it is."""
    return row.get("english") or row["message"]
