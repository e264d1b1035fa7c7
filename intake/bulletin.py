"""How a source is, in words: for the page, for the list on the command line, and for the message to the operator.

Each sentence says what is so, since when, and what to do. Indonesian first, English beside, as in `crawler.notes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from babel.dates import format_datetime
from babel.numbers import format_percent

from crawler.dates import WIB
from crawler.notes import NEXT
from intake.models import SourceState, now
from intake.rhythm import ANSWERED, SLOW_DOWN

Pair = tuple[str, str]
LANGUAGES = ("id", "en")
# Failures in which the site had no say: an address we do not visit, and what we lack to ask anything at all.
NOT_VISITED = ("not-public", "scheme", "port", "address-odd", "address-too-long", "address-with-user")
NOT_ASKED = (
    *("token-missing", "token-odd", "token-file-open", "token-file-unreadable", "token-needs-https", "token-name"),
    *("option-missing", "option-wrong"),
)

WORDS: dict[str, Pair] = {
    "well": ("baik", "well"),
    "moved": ("pindah alamat", "moved"),
    "quiet": ("sepi", "quiet"),
    "broken": ("tidak terbaca", "unreadable"),
    "incomplete": ("tidak lengkap", "incomplete"),
    "blocked": ("menolak kami", "blocks us"),
    "not-visited": ("tidak kami kunjungi", "not visited by us"),
    "not-asked": ("belum siap", "not ready"),
    "slow-down": ("meminta jeda", "asks us to wait"),
    "unreachable": ("tidak terjangkau", "unreachable"),
    "gone": ("hilang", "gone"),
    "new": ("belum dikunjungi", "not visited yet"),
    "guess": ("alamat belum pernah diperiksa", "address never checked"),
    "off": ("tidak didengarkan", "not listened to"),
}
PARTS: dict[str, Pair] = {
    "titles": ("yang berjudul", "have a title"),
    "dates": ("yang bertanggal", "have a date"),
    "bodies": ("yang isinya terbaca", "can be read in full"),
}
SAYS: dict[str, Pair] = {
    "well": ("", ""),
    "unknown": (
        "Menjawab. Pola terbitnya belum diketahui: belum cukup lama didengarkan.",
        "It answers. Its rhythm is not known yet: it has not been listened to for long enough.",
    ),
    "failed-once": (
        "Kunjungan terakhir gagal. {why} Dicoba lagi {due}.",
        "The last visit failed. {why} The next try is {due}.",
    ),
    "moved": (
        "Sejak {since} alamatnya dialihkan untuk seterusnya ke {url}; yang baru tetap terbaca. Bila itu memang situs yang "
        "sama, gunakan alamat barunya.",
        "Since {since} its address leads to {url} for good; what is new is still read. If that is the same site indeed, use "
        "the new address.",
    ),
    "quiet": (
        "Menjawab, tetapi tidak ada yang baru sejak {last}; menurut kebiasaannya mestinya paling lambat {expected}. Buka "
        "situsnya: bila di sana ada berita baru, alamat yang kita dengarkan sudah tidak diisi.",
        "It answers, but nothing new has come since {last}; by its own habit something was due by {expected}. Open the site: "
        "if there is news, the address we listen to is no longer filled.",
    ),
    "broken": (
        "Sejak {since} jawabannya tidak dapat dibaca. {why} Periksa alamat dan pengaturan sumber ini.",
        "Since {since} its answers cannot be read. {why} Check the address and the options of this source.",
    ),
    "incomplete": (
        "Sejak {since} hanya {now} teks baru {part}, biasanya {usual}. Situsnya mungkin dirombak: periksa pengaturan sumber "
        "ini.",
        "Since {since} only {now} of the new texts {part}, usually {usual}. The site may have been rebuilt: check the options "
        "of this source.",
    ),
    "blocked": (
        "Sejak {since} kami ditolak. {why} Mintalah izin kepada pengelolanya, atau berhentilah mendengarkan sumber ini.",
        "Since {since} we are turned away. {why} Ask its owner for leave, or stop listening to this source.",
    ),
    "not-visited": (
        "Sejak {since} alamat ini tidak kami kunjungi. {why} Betulkan alamatnya, atau berhentilah mendengarkan sumber ini.",
        "Since {since} we do not visit this address. {why} Correct the address, or stop listening to this source.",
    ),
    "not-asked": (
        "Sejak {since} tidak ada yang kami tanyakan kepada sumber ini. {why} Setelah itu dibetulkan, ia didengarkan lagi "
        "dengan sendirinya.",
        "Since {since} nothing was asked of this source. {why} Once that is put right, it is listened to again by itself.",
    ),
    "slow-down": (
        "Sejak {since} kami diminta lebih jarang datang. {why} Jarak kunjungan sudah diperpanjang sendiri, berikutnya {due}; "
        "bila tetap begitu, perbesar selangnya.",
        "Since {since} we are asked to come less often. {why} The pause has grown by itself, the next visit is {due}; if it "
        "stays so, raise the interval.",
    ),
    "unreachable": (
        "Tidak terjangkau sejak {since}. {why} Dicoba lagi dengan sendirinya, berikutnya {due}; bila berhari-hari, buka "
        "alamatnya di peramban.",
        "Unreachable since {since}. {why} It is tried again by itself, next {due}; if this goes on for days, open the address "
        "in a browser.",
    ),
    "gone": (
        "Sejak {since} alamat ini menjawab bahwa isinya tidak ada lagi ({visits} kunjungan). Cari alamat barunya di situs "
        "itu, atau berhentilah mendengarkan sumber ini.",
        "Since {since} this address answers that nothing is there any more ({visits} visits). Look for the new address on the "
        "site, or stop listening to this source.",
    ),
    "new": ("Kunjungan pertama segera menyusul.", "The first visit comes soon."),
    "guess": (
        "Alamatnya baru dugaan; ia ditanyai sekali sehari sampai menjawab.",
        "Its address is only a guess; it is asked once a day until it answers.",
    ),
    "off": ("Yang sudah terkumpul tetap ada.", "What was gathered stays."),
    "mended": ("Kembali baik sejak {since}.", "Well again since {since}."),
}
MESSAGE: dict[str, Pair] = {
    "subject": (
        "{bad} sumber terganggu, {mended} pulih",
        "{bad} sources in trouble, {mended} mended",
    ),
    "demo": ("PERAGAAN: sumber-sumber ini rekaan.", "DEMONSTRATION: these sources are invented."),
    "end": (
        "Setiap gangguan diberitahukan sekali saja, dan sekali lagi setelah pulih. Halaman Sumber menunjukkan semuanya.",
        "Each trouble is told once, and once more when it is mended. The page of sources shows them all.",
    ),
}


def word(row: SourceState, language: str) -> str:
    """Its state in a word or two."""
    key = _key(row)
    return _in(WORDS.get(key, WORDS["well"]), language)


def sentence(row: SourceState, language: str, rest: datetime | None = None) -> str:
    """What is so, since when, what to do; nothing where all is well. `rest`: until when its host is left alone."""
    return _say(_key(row), row, language, rest)


def _key(row: SourceState) -> str:
    """What its words are found by: its state, or more exactly."""
    if not row.enabled:
        return "off"
    if row.health is None:
        return "new" if row.probed else "guess"
    if "part" in row.cause:
        return "incomplete"
    for key, reasons in (("slow-down", SLOW_DOWN), ("not-visited", NOT_VISITED), ("not-asked", NOT_ASKED)):
        if row.cause.get("reason") in reasons:
            return key
    if row.health == "well" and row.notes and row.status not in ANSWERED:
        return "failed-once"
    return "unknown" if row.health == "well" and row.expected_at is None else row.health


def _say(key: str, row: SourceState, language: str, rest: datetime | None = None) -> str:
    cause = row.cause
    values = {
        "since": when(row.health_since, language),
        "last": when(row.new_at, language),
        "expected": by_day(row.expected_at, language),
        "due": when(next_visit(row, rest), language),
        "why": why(row, language),
        "url": row.moved_to or "",
        "visits": cause.get("visits", 0),
        "part": _in(PARTS[cause["part"]], language) if "part" in cause else "",
        "now": share(cause.get("now"), language),
        "usual": share(cause.get("usual"), language),
    }
    return _in(SAYS[key], language).format_map(values)


def why(row: SourceState, language: str) -> str:
    """What was noted first by the visit that speaks for its state; by the last one where no visit does."""
    found = row.cause["note"] if "note" in row.cause else next(iter(row.notes), None)
    return happened(found, language) if found else ""


def happened(note: Mapping[str, str], language: str) -> str:
    """What a note says, without what comes next: whoever shows it knows that better."""
    said = note.get("english" if language == "en" else "message") or note["message"]
    for pair in NEXT.values():
        said = said.removesuffix(_in(pair, language)).rstrip()
    return said


def is_ours(notes: Sequence[Mapping[str, str]]) -> bool:
    """Whether a failed visit failed on our side, before the site was asked."""
    return bool(notes) and notes[0].get("code") in (*NOT_VISITED, *NOT_ASKED)


def next_visit(row: SourceState, rest: datetime | None = None) -> datetime | None:
    """When its pause is over and its host need not be left alone any more; None for at once."""
    waits = [at for at in (row.wait_until, rest) if at and at > now()]
    return max([*waits, *([row.due_at] if row.due_at else [])], default=None)


def when(at: datetime | None, language: str) -> str:
    """`Sel, 24 Nov 07.18 WIB`"""
    if at is None:
        return _in(("sekarang", "now"), language)
    clock = "HH.mm" if language == "id" else "HH:mm"
    return f"{format_datetime(at.astimezone(WIB), f'EEE, d MMM {clock}', locale=language)} WIB"


def by_day(at: datetime | None, language: str) -> str:
    """`Rab, 25 Nov`: the day that ends at this moment."""
    if at is None:
        return _in(("pola terbitnya belum diketahui", "its rhythm is not known yet"), language)
    return format_datetime((at - timedelta(seconds=1)).astimezone(WIB), "EEE, d MMM", locale=language)


def share(part: float | None, language: str) -> str:
    return "-" if part is None else format_percent(part, locale=language)


def message(rows: Sequence[SourceState]) -> tuple[str, str]:
    """Subject and text that tell an operator what is news of these sources."""
    bad, mended = [row for row in rows if row.told], [row for row in rows if not row.told]
    subject = " / ".join(_in(MESSAGE["subject"], one).format(bad=len(bad), mended=len(mended)) for one in LANGUAGES)
    return f"[Kentongan] {subject}", "\n\n".join(_told(bad, mended, language) for language in LANGUAGES)


def _told(bad: Sequence[SourceState], mended: Sequence[SourceState], language: str) -> str:
    invented = any(row.options.get("demo") for row in (*bad, *mended))
    lines = [_in(MESSAGE["demo"], language)] if invented else []
    lines += [f"- {row.name}: {sentence(row, language)}" for row in bad]
    lines += [f"- {row.name}: {_say('mended', row, language)}" for row in mended]
    return "\n".join([*lines, _in(MESSAGE["end"], language)])


def _in(pair: Pair, language: str) -> str:
    return pair[LANGUAGES.index(language)]
