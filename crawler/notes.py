"""Note: one thing that went wrong in a visit, in plain words. Indonesian first, English beside it, both in one table.

A sentence says what happened; a second one what was kept and what comes next. The code is short, stable and translated
nowhere, so that whoever shows a note may find words of their own.
"""

from __future__ import annotations

import re
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
    "item-odd-address": (
        "Alamat sebuah butir memuat huruf yang tidak sah atau lebih panjang dari {most} huruf.",
        "The address of an item holds characters that have no place there, or more than {most} of them.",
    ),
    "item-empty": ("Butir ke-{number} tidak berisi apa-apa.", "Item {number} is empty."),
    "item-unreadable": (
        "Butir ke-{number} rusak dan tidak dapat dibaca ({error}).",
        "Item {number} is broken and cannot be read ({error}).",
    ),
    "item-repeated": ("Butir ke-{number} muncul dua kali dalam daftar.", "Item {number} stands in the list twice."),
    "date-impossible": ("Tanggal terbitnya tidak mungkin benar.", "Its date of publication cannot be true."),
    "date-ahead": ("Tanggal terbitnya mendahului jam kami.", "Its date of publication is ahead of our clock."),
    "text-cut": ("Naskahnya terlalu panjang; hanya awalnya disimpan.", "Its text is too long; only the start is kept."),
    "evidence-not-kept": (
        "Jawaban mentahnya tidak dapat disimpan sebagai bukti ({error}); naskahnya tetap disimpan.",
        "The raw answer could not be kept as evidence ({error}); its text was.",
    ),
    "evidence-full": (
        "Jawaban mentah kunjungan ini melebihi {most} MB; selebihnya tidak disimpan sebagai bukti, naskahnya tetap disimpan.",
        "The raw answers of this visit exceed {most} MB; what came later is not kept as evidence, its text is.",
    ),
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
    "xml-with-dtd": (
        "XML ini memuat DTD; demi keamanan tidak dibaca.",
        "This XML holds a DTD; for safety it is not read.",
    ),
    "not-a-sitemap": (
        "Alamat ini tidak menjawab dengan peta situs (sitemap).",
        "The address does not answer with a sitemap.",
    ),
    "sitemap-malformed": (
        "XML peta situs ini rusak atau terputus pada baris {line}; {count} alamat dapat dibaca.",
        "The XML of this sitemap is broken or cut short at line {line}; {count} addresses could be read.",
    ),
    "sitemap-nested": (
        "Peta situs ini menunjuk daftar peta situs lain lagi; hanya satu tingkat yang diikuti.",
        "This sitemap leads to one more index of sitemaps; only one level is followed.",
    ),
    "sitemap-undated": (
        "{count} alamat dalam peta situs ini tidak bertanggal dan tidak dibaca: yang baru tidak dapat dikenali.",
        "{count} addresses of this sitemap have no date and are not read: the new ones cannot be told.",
    ),
    "rest-later": (
        "Daftar ini memuat lebih banyak berita baru daripada yang dibaca dalam satu kunjungan; sisanya menyusul.",
        "The list holds more new articles than what is read in one visit; the rest follows at the next.",
    ),
    "not-json-feed": ("Alamat ini tidak menjawab dengan JSON Feed.", "The address does not answer with a JSON Feed."),
    "telegram-no-preview": (
        "Telegram tidak menampilkan pratinjau saluran ini; mungkin namanya salah, atau saluran itu tertutup.",
        "Telegram shows no preview of this channel; its name may be wrong, or the channel is closed.",
    ),
    # APIs
    "token-missing": (
        "Token {name} belum diatur: isi {variable} di lingkungan program, atau tambahkan baris "
        '"{name}" = "..." (dengan tanda kutip) pada berkas yang ditunjuk KENTONGAN_TOKENS.',
        "The token {name} is not set: set {variable} in the environment, or add the line "
        '"{name}" = "..." (with its quotation marks) to the file that KENTONGAN_TOKENS names.',
    ),
    "token-odd": (
        "Isi token {name} bukan token: tidak boleh memuat spasi, tanda kutip atau garis miring terbalik.",
        "What stands for the token {name} is none: it may hold no space, no quotation mark and no backslash.",
    ),
    "token-file-open": (
        "Berkas token {path} dapat dibaca orang lain (mode {mode}), jadi tidak dipakai; jalankan: chmod 600 {path}",
        "Others can read the file of tokens {path} (mode {mode}), so it is not used; run: chmod 600 {path}",
    ),
    "token-file-unreadable": (
        "Berkas token {path} tidak dapat dibaca ({error}); isinya harus TOML, satu baris untuk setiap token.",
        "The file of tokens {path} cannot be read ({error}); it must be TOML, a line for each token.",
    ),
    "token-needs-https": (
        "Token hanya dikirim lewat https; perbaiki alamat sumber ini.",
        "A token is sent by https only; correct the address of this source.",
    ),
    "token-name": (
        "Sumber ini hanya boleh memakai token bernama {name}, atau yang namanya diawali {name}-.",
        "This source may use no token but {name}, or one whose name begins with {name}-.",
    ),
    "token-rejected": (
        "Token {name} ditolak ({reason}); periksa masa berlaku dan izinnya.",
        "The token {name} is not accepted ({reason}); check whether it has expired and what it may do.",
    ),
    "sign-in": (
        "Server ini hanya melayani anggotanya (kode {status}); buat token di sana dan tambahkan pengaturan token=true.",
        "The server answers only to its own people (status {status}); make a token there and add the option token=true.",
    ),
    "quota-used": (
        "Jatah token {name} habis ({reason}); perpanjang jarak kunjungan atau kurangi pengaturan requests.",
        "The quota of the token {name} is used up ({reason}); visit less often, or lower the option requests.",
    ),
    "rate-limited": ("Batas jumlah permintaan tercapai.", "The limit of requests is reached."),
    "rate-limited-until": (
        "Batas jumlah permintaan tercapai; server meminta kami menunggu sampai pukul {until}.",
        "The limit of requests is reached; the server asks us to wait until {until}.",
    ),
    "redirect-refused": (
        "Server mengalihkan ke alamat lain; permintaan kepada API tidak mengikutinya, agar token tidak sampai ke sana.",
        "The server leads to another address; a request to an API does not follow, lest a token arrive there.",
    ),
    "unknown-there": ("{what} tidak dikenal di sana.", "{what} is not known there."),
    "comments-closed": (
        "Komentar di sini tidak dapat dibaca ({reason}).",
        "The comments here cannot be read ({reason}).",
    ),
    "stream-behind": (
        "Pembacaan aliran tertinggal {minutes} menit; tambah pengaturan seconds atau kunjungi lebih sering.",
        "The listening is {minutes} minutes behind; raise the option seconds, or visit more often.",
    ),
    "elsewhere-many": (
        "Sumber ini menunjuk lebih dari {most} halaman {host}, situs milik pihak lain; {count} diminta pada kunjungan "
        "berikutnya.",
        "The source points to more than {most} pages of {host}, which is another's site; {count} are asked for at the next "
        "visit.",
    ),
    "elsewhere-failing": (
        "Halaman {host} yang ditunjuk sumber ini gagal satu demi satu; agar situs pihak lain itu tidak terganggu, {count} "
        "tidak diminta.",
        "The pages of {host} that this source points to fail one after the other; lest another's site be annoyed, {count} are "
        "not asked for.",
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
    "led-away": (
        "Alamat berita ini mengalihkan ke halaman lain yang bukan berita.",
        "The article's address leads to another page, which is no article.",
    ),
    "not-the-article": (
        "Alamat berita ini menjawab dengan halaman lain: tidak satu kata pun dari judulnya ada di sana (mungkin situs dalam "
        "perbaikan, atau meminta masuk).",
        "The article's address answers with another page: not one word of its title stands there (the site may be under "
        "repair, or want a sign-in).",
    ),
    "many-addresses": (
        "Satu naskah dijumpai di lebih dari {most} alamat; alamat selebihnya dilewati beberapa hari.",
        "One text was met at more than {most} addresses; the others are passed over for some days.",
    ),
    "summary-only": (
        "Halaman berita tidak memuat isi; yang disimpan ringkasannya dari daftar.",
        "The page holds no article; the summary from the list was kept instead.",
    ),
    "hearsay": (
        "Naskah ini diambil dari situs lain, bukan dari situs pemilik beritanya; bunyinya dapat berbeda.",
        "The text comes from another site than the article's own; its words may differ.",
    ),
    "headline-only": (
        "Hanya judul yang tersedia; isi beritanya tidak dibaca.",
        "Only the headline is at hand; the article was not read.",
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
    "budget": (
        "Jatah permintaan untuk satu kunjungan habis; {count} permintaan tidak dikirim.",
        "The requests allowed for one visit are used up; {count} more were not sent.",
    ),
    "time-up": (
        "Waktu untuk satu kunjungan habis; {count} permintaan tidak dikirim.",
        "The time allowed for one visit is up; {count} requests were not sent.",
    ),
    "too-costly": (
        "Halaman sumber ini berulang kali terlalu berat untuk dibaca; {count} permintaan tidak dikirim.",
        "Pages of this source were too costly to read again and again; {count} requests were not sent.",
    ),
    "no-answer": (
        "Server berulang kali tidak menjawab pada waktunya; {count} permintaan tidak dikirim.",
        "The server did not answer in time again and again; {count} requests were not sent.",
    ),
    "robots": ("robots.txt situs ini melarang alamat tersebut.", "The site's robots.txt does not allow this address."),
    "robots-unknown": (
        "robots.txt situs ini tidak dapat diperoleh (kode {status}), jadi tidak ada yang diminta.",
        "The site's robots.txt cannot be had (status {status}), so nothing is asked for.",
    ),
    "redirects": (
        "Alamat ini mengalihkan terus-menerus tanpa ujung.",
        "The address leads from one to the next without end.",
    ),
    "redirect-nowhere": (
        "Server mengalihkan (kode {status}), tetapi tidak ke sebuah alamat web.",
        "The server leads on (status {status}), but to no web address.",
    ),
    "too-large": ("Jawaban server melebihi batas ukuran.", "The answer is larger than the limit."),
    "in-pieces": (
        "Jawaban server datang dalam terlalu banyak potongan kecil, lalu dihentikan.",
        "The answer came in too many small pieces and was ended.",
    ),
    "crowded": (
        "Terlalu banyak jawaban besar datang bersamaan; yang terbesar, yaitu yang ini, dihentikan.",
        "Too many large answers came at a time; the largest, which was this one, was ended.",
    ),
    "cut-short": ("Jawaban server terputus sebelum lengkap.", "The answer broke off before it was complete."),
    "encoding-unknown": (
        "Jawaban server dimampatkan dengan cara yang tidak kami kenal.",
        "The answer is packed in a way we do not know.",
    ),
    "too-deep": ("Isi jawaban ini bersarang terlalu dalam.", "What this answer holds is nested too deep."),
    "page-costly": (
        "Jawaban ini terlalu berat: membacanya melampaui {seconds} detik atau {megabytes} MB memori, lalu dihentikan.",
        "This answer is too costly: reading it took more than {seconds} seconds or {megabytes} MB of memory and was ended.",
    ),
    # ways to the host
    "scheme": ("Alamat {scheme}: tidak dikunjungi.", "Addresses of {scheme}: are not visited."),
    "port": ("Pintu {port} pada {host} tidak dikunjungi.", "Port {port} of {host} is not visited."),
    "address-odd": ("Ini bukan alamat web yang sah.", "This is no valid address of the web."),
    "address-too-long": (
        "Alamat yang lebih panjang dari {most} huruf tidak dikunjungi.",
        "Addresses of more than {most} characters are not visited.",
    ),
    "address-with-user": (
        "Alamat dengan nama pengguna di depan {host} tidak dikunjungi.",
        "Addresses with a user name before {host} are not visited.",
    ),
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
    "option-wrong": (
        "Nilai pengaturan {option} tidak dapat dipakai; perbaiki pada konfigurasinya.",
        "The value of the option {option} cannot be used; correct it in its configuration.",
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


_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)  # what would be obeyed


def note(code: str, url: str = "", then: Then = "", *, says: str | None = None, **values: object) -> Note:
    """The note of a code: its sentence (that of `says`, where the code alone does not choose it) and what comes next."""
    words = {name: _UNSEEN.sub("", str(value))[:120] for name, value in values.items()}
    indonesian, english = (
        f"{happened.format(**words)} {after}".strip()
        for happened, after in zip(HAPPENED[says or code], NEXT[then], strict=True)
    )
    return Note(code, indonesian, url, english)


def unexpected(error: Exception, url: str) -> Note:
    """The note of what nobody foresaw: the class of the error, never its words."""
    return note("unexpected", url, "asked-again", error=type(error).__name__)


def doubt(code: str, url: str) -> Note:
    """The note of what was doubtful in a document that is kept all the same."""
    return note(code, url, DATES.get(code, ""))


def english_note(row: Mapping[str, str]) -> str:
    """The English words of a stored note; one that was stored before there were any is shown as it is."""
    return row.get("english") or row["message"]
