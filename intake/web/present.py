"""How codes, probabilities and moments are put into words for a person."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent

from crawler.dates import WIB
from intake import bulletin, rhythm
from intake.courier import SCHEMES
from intake.masking import Piece, personal, pieces
from intake.models import Alert, Candidate, Decision, Mention, Remit, SourceState, now
from intake.review.decisions import LONGEST_SNOOZE, MOST
from intake.revisions import Edit, edits
from intake.web.i18n import Translate, translator
from nlp.jurisdiction import Jurisdiction, Label, Taxonomy, load_jurisdiction, load_taxonomy


def _(message: str) -> str:
    """Marks a message that is translated where it is shown."""
    return message


STATES = {
    "candidate": _("menunggu"),
    "accepted": _("diterima"),
    "not_relevant": _("tidak relevan"),
    "outside": _("di luar wilayah atau kewenangan"),
    "insufficient": _("keterangan kurang"),
    "duplicate": _("duplikat"),
}
ASIDE = {  # of queue.ASIDE
    "snoozed": _("ditunda"),
    "muted": _("dibisukan"),
}
TRACKS = {
    "rco": (_("Respons cepat (RCO)"), _("Nyawa terancam, atau hak segera hilang.")),
    "invite": (_("Undang korban melapor"), _("Korban dapat dikenali; ajak melapor resmi.")),
    "refer": (_("Teruskan ke instansi"), _("Instansi diberi tahu dan diminta memeriksa.")),
    "iaps": (_("Usulkan IAPS"), _("Investigasi atas prakarsa sendiri.")),
    "watch": (_("Pantau dulu"), _("Belum ada tindakan; perkembangannya diikuti.")),
    "laporan": (_("Jadikan laporan"), _("Hanya bila identitas pelapor sudah dicatat.")),
}
REASONS = {
    "no_failure": _("Tidak ada kegagalan layanan"),
    "not_service": _("Bukan pelayanan publik"),
    "settled": _("Sudah diselesaikan"),
    "too_old": _("Lebih dari dua tahun"),
    "hoax": _("Hoaks atau rekaman lama"),
    "outside_riau": _("Di luar Riau"),
    "outside_authority": _("Di luar kewenangan Ombudsman"),
    "private_matter": _("Urusan pribadi"),
    "too_vague": _("Terlalu kabur untuk ditindaklanjuti"),
    "no_place": _("Tempatnya tidak diketahui"),
    "no_agency": _("Instansinya tidak diketahui"),
}
CLOSING = {  # what the reasons of a closing action stand under
    "not_relevant": _("Tutup: tidak relevan"),
    "outside": _("Tutup: di luar wilayah atau kewenangan"),
    "insufficient": _("Tutup: keterangan kurang"),
}
ACTIONS = {
    "accept": _("Diterima"),
    "not_relevant": _("Ditutup karena tidak relevan"),
    "outside": _("Ditutup karena di luar wilayah atau kewenangan"),
    "insufficient": _("Ditutup karena keterangan kurang"),
    "duplicate": _("Digabung sebagai duplikat"),
    "split": _("Dipisahkan menjadi kandidat baru"),
    "correct": _("Dibetulkan"),
    "snooze": _("Ditunda"),
    "reopen": _("Dikembalikan ke antrean"),
    "undo": _("Diurungkan"),
    "bring": _("Dijadikan kandidat oleh petugas"),
}
FAILURES = {
    "yes": _("diceritakan"),
    "vague": _("hanya kritik, tidak jelas apa yang gagal"),
    "no": _("tidak diceritakan"),
}
ROLES = {
    "admin": _("administrator"),
    "head": _("kepala perwakilan"),
    "officer": _("petugas"),
    "focal": _("narahubung"),
    "analyst": _("analis"),
    "auditor": _("auditor"),
}
SCOPES = {  # of access.SCOPES
    "read:queue": _("membaca antrean dan kandidat"),
    "write:decisions": _("memutuskan kandidat"),
    "write:views": _("menyimpan tampilan"),
    "read:cases": _("membaca kasus"),
    "write:cases": _("mengerjakan kasus"),
    "read:trends": _("membaca tren"),
    "read:sources": _("membaca keadaan sumber"),
    "read:audit": _("membaca jejak"),
    "make:exports": _("mengunduh data sebagai berkas"),
    "read:personal": _("membuka data pribadi yang ditutup, dengan alasan yang dicatat"),
    "admin": _("mengatur pengguna, sumber, dan narahubung"),
}
JOINED = {
    "near_copy": _("salinan: kata-katanya hampir sama"),
    "sector": _("layanan yang sama"),
    "road": _("jalan yang sama"),
    "district": _("kecamatan yang sama"),
    "spot": _("tempat yang sama"),
    "region": _("kabupaten/kota yang sama"),
    "night": _("padam pada malam yang sama"),
    "time": _("waktu berdekatan"),
    "later": _("diceritakan lagi kemudian"),
    "words": _("kata kunci yang sama"),
    "body": _("instansi yang sama"),
    "person": _("putusan petugas"),
}
EVIDENCE = {
    "failure": _("kegagalan"),
    "agency": _("instansi"),
    "place": _("tempat"),
    "urgency": _("urgensi"),
}
STATUSES = {
    "ok": _("menjawab"),
    "unchanged": _("menjawab, tidak ada yang baru"),
    "empty": _("menjawab, tetapi kosong"),
    "blocked": _("menolak kami"),
    "unreachable": _("tidak terjangkau"),
    "broken": _("jawabannya tidak dapat dibaca"),
}
ADAPTERS = {
    "feed": _("langganan berita (RSS)"),
    "wordpress": _("situs berita WordPress"),
    "listing": _("halaman daftar berita"),
    "mastodon": _("media sosial (Mastodon)"),
    "sitemap": _("peta situs berita"),
    "jsonfeed": _("langganan berita (JSON Feed)"),
    "googlenews": _("pencarian Google News"),
    "page": _("halaman tunggal"),
    "bluesky": _("media sosial (Bluesky)"),
    "jetstream": _("media sosial (aliran Bluesky)"),
    "meta": _("media sosial (Facebook, Instagram)"),
    "telegram": _("saluran Telegram"),
    "x": _("media sosial (X)"),
    "youtube": _("saluran YouTube"),
}
SOURCE_GROUPS = {
    "bad": _("perlu perhatian"),
    "well": _("baik"),
    "new": _("belum dikunjungi"),
    "off": _("tidak didengarkan"),
}
YIELDS = {
    "titles": _("judul"),
    "dates": _("tanggal terbit"),
    "bodies": _("isi lengkap"),
}
ALERTS = {
    "waiting": _("menunggu dikirim"),
    "sent": _("terkirim"),
    "failed": _("gagal terkirim"),
    "withdrawn": _("dibatalkan"),
}
WAYS = {
    "json": _("web hook di {host}"),
    "jsons": _("web hook di {host}"),
    "ntfys": _("ntfy di {host}"),
    "slack": _("Slack"),
    "tgram": _("Telegram"),
    "msteams": _("Microsoft Teams"),
    "console": _("catatan layanan ini saja (percobaan)"),
}
ERRORS = {
    "not_allowed": _("Peran Anda tidak boleh memutuskan. Tidak ada yang diubah."),
    "changed": _(
        "Kandidat ini sudah diputuskan oleh {by} ({action}) sejak Anda membukanya. Putusan Anda tidak disimpan."
    ),
    "not_as_seen": _(
        "Kandidat ini sudah berubah sejak Anda membukanya. Putusan Anda tidak disimpan; periksa sekali lagi."
    ),
    "held": _("Kandidat ini sedang dibuka oleh {by}. Tidak ada yang diubah."),
    "lease_lost": _(
        "Kandidat ini tidak lagi Anda pegang: waktunya habis, atau sudah diambil orang lain. Putusan Anda tidak disimpan; "
        "periksa sekali lagi."
    ),
    "already_undone": _("Putusan itu sudah diurungkan oleh {by}. Tidak ada yang diubah."),
    "not_the_last": _("Sesudahnya sudah ada putusan lain oleh {by} ({action}); urungkan yang terakhir lebih dahulu."),
    "lasting": _("Hanya putusan yang dapat diurungkan; ini sebuah pengurungan. Tidak ada yang diubah."),
    "needs_track": _("Pilih jalur untuk menerima kandidat ini. Tidak ada yang diubah."),
    "needs_reason": _("Pilih alasan menutup kandidat ini. Tidak ada yang diubah."),
    "needs_reporter": _("Catat dahulu identitas pelapor; tanpa pelapor tidak ada laporan. Tidak ada yang diubah."),
    "reporter_incomplete": _("Isi nama, kontak, dan pengaduan sebelumnya kepada instansi. Tidak ada yang disimpan."),
    "has_reporter": _("Pelapor kandidat ini sudah dicatat. Tidak ada yang diubah."),
    "needs_original": _("Sebutkan nomor kandidat lain yang masih ada. Tidak ada yang diubah."),
    "original_closed": _("Kandidat asli itu sudah ditutup; buka kembali lebih dahulu. Tidak ada yang diubah."),
    "needs_mentions": _("Pilih penyebutan yang dipisahkan; sekurangnya satu harus tinggal. Tidak ada yang diubah."),
    "needs_until": _("Pilih waktu dalam {days} hari mendatang. Tidak ada yang diubah."),
    "not_snoozed": _("Kandidat ini tidak sedang ditunda. Tidak ada yang diubah."),
    "wrong_value": _("Pembetulan itu tidak dikenal, atau tempatnya tidak saling cocok. Tidak ada yang diubah."),
    "needs_lower_reason": _("Tulis dengan beberapa kata mengapa ini tidak kritis. Tidak ada yang diubah."),
    "nothing_corrected": _("Isinya sudah demikian; tidak ada yang perlu dibetulkan."),
    "wrong_number": _("Pilih 1 sampai {most} kandidat. Tidak ada yang diubah."),
    "not_alone": _("Dibiarkan, karena kandidat lain dari pilihan ini tidak dapat diputuskan."),
    "not_from_here": _("Dalam keadaannya sekarang kandidat ini tidak dapat diputuskan begitu. Tidak ada yang diubah."),
    "no_candidate": _("Kandidat itu tidak ada."),
    "no_decision": _("Putusan itu tidak ada."),
    "no_action": _("Tindakan itu tidak dikenal."),
    "no_mention": _("Teks itu tidak ada, atau belum dianalisis. Tidak ada yang diubah."),
    "no_suggestion": _("Usulan itu tidak ada. Tidak ada yang diubah."),
    "suggestion_answered": _("Usulan itu sudah dijawab. Tidak ada yang diubah."),
    "not_apart": _(
        "Usulan itu tidak dijawab sebagai kejadian lain, maka tidak ada yang diurungkan. Penggabungan diurungkan sebagai "
        "putusan."
    ),
    "has_candidate": _("Teks itu sudah termasuk sebuah kandidat. Tidak ada yang diubah."),
    "needs_why": _("Tulis dengan beberapa kata apa yang gagal. Tidak ada yang diubah."),
    "may_not_unmask": _("Peran Anda tidak boleh membuka data yang ditutup. Tidak ada yang dibuka."),
    "needs_unmask_reason": _("Tulis dengan beberapa kata untuk apa data itu perlu dibuka. Tidak ada yang dibuka."),
    "export_busy": _("Berkas lain sedang ditulis. Coba lagi sebentar; tidak ada yang diunduh."),
    "export_too_large": _(
        "Barisnya terlalu banyak untuk satu berkas; minta pengelola program mengekspornya. Tidak ada yang diunduh."
    ),
    "view_filter": _("Saringan “{what}” tidak dikenal. Tidak ada yang disimpan."),
    "view_value": _("“{what}” tidak dikenal sebagai isi saringan. Tidak ada yang disimpan."),
    "needs_view_name": _("Beri tampilan ini nama, 2 sampai 80 huruf. Tidak ada yang disimpan."),
    "too_many_views": _("Anda sudah menyimpan 50 tampilan; hapus yang tidak dipakai lagi. Tidak ada yang disimpan."),
    "no_view": _("Tampilan itu tidak ada, atau bukan milik Anda. Tidak ada yang diubah."),
    "may_not_share": _("Peran Anda tidak dapat membagikan tampilan. Tidak ada yang diubah."),
    "needs_mute_what": _("Pilih layanan, daerah, atau instansi yang dibisukan. Tidak ada yang dibisukan."),
    "needs_mute_reason": _("Tulis dengan beberapa kata mengapa ini dibisukan. Tidak ada yang dibisukan."),
    "needs_mute_end": _("Pilih hari terakhir, paling lama {days} hari dari sekarang. Tidak ada yang dibisukan."),
    "mute_beyond": _(
        "Itu melampaui tugas Anda: sebutkan daerah atau instansi yang Anda tangani. Tidak ada yang diubah."
    ),
    "no_mute": _("Pembisuan itu tidak ada, atau sudah berakhir."),
    "not_moved": _(
        "Alamat barunya tidak dapat digunakan: sudah menjadi milik sumber lain, atau pengalihannya sudah berakhir."
    ),
}
LOST = {  # how a lease was lost
    "decided": _("Kandidat ini sudah diputuskan oleh {by} pukul {at} ({action}). Putusan Anda tidak disimpan."),
    "taken_over": _("Kandidat ini diambil alih oleh {by} pukul {at}. Putusan Anda tidak disimpan."),
    "taken": _("Waktu Anda habis, dan {by} mengerjakan kandidat ini sejak pukul {at}. Putusan Anda tidak disimpan."),
    "expired": _(
        "Waktu Anda memegang kandidat ini habis. Pilih Kerjakan, lalu putuskan lagi; belum ada yang disimpan."
    ),
}
# What a form says when something typed into it cannot be kept.
WRONG = {
    "name_length": _("Nama harus 2 sampai {most} huruf, tanpa tanda yang tidak terlihat. Tidak ada yang disimpan."),
    "name_taken": _("Sudah ada akun bernama {name}; pilih nama lain. Tidak ada yang disimpan."),
    "region_unknown": _("Daerah itu tidak dikenal. Tidak ada yang disimpan."),
    "role_unknown": _("Peran itu tidak dikenal. Tidak ada yang disimpan."),
    "agency_needed": _("Seorang narahubung mewakili instansi: pilih instansinya. Tidak ada yang disimpan."),
    "agency_unknown": _("Tidak ada instansi bernama {given}; pilih dari daftar yang muncul saat mengetik."),
    "remit_empty": _("Pilih instansi, daerah, atau keduanya. Tidak ada yang disimpan."),
    "remit_unbound": _("Administrator dan kepala perwakilan melihat semuanya; tugasnya hanya dapat didahulukan."),
    "remit_known": _("Tugas itu sudah ada pada orang ini. Tidak ada yang disimpan."),
    "leave_days": _("Hari pertama dan terakhir tidak cocok: periksa urutannya; cuti yang sudah lewat tidak dicatat."),
    "leave_cover": _("Pengganti harus orang lain dengan peran yang sama, yang akunnya aktif. Tidak ada yang disimpan."),
    "password_wrong": _("Kata sandi Anda tidak cocok. Tidak ada yang diubah."),
    "code_wrong": _("Kode itu tidak cocok, atau sudah dipakai. Tunggu kode berikutnya, lalu coba lagi."),
    "code_unreadable": _(
        "Kode tambahan Anda tidak dapat diperiksa: kunci program (pseudonym_key atau berkas kentongan.secret) hilang atau "
        "diganti. Pakai kode pemulihan, atau minta pengelola program mengembalikan kunci itu, atau menjalankan: "
        "kentongan user reset-code {name}"
    ),
    "scope_none": _("Pilih sekurangnya satu kegunaan token. Tidak ada yang dibuat."),
    "last_admin": _("{name} administrator terakhir; angkat yang lain lebih dahulu. Tidak ada yang diubah."),
    "correct_nothing": _("Pilih sekurangnya satu hal yang dibetulkan. Tidak ada yang diubah."),
    "address_way": _(
        "Pesan tidak dapat dikirim ke alamat “{given}”. Tulis alamat surel (nama@kantor.go.id), atau alamat yang berawalan "
        "{ways}."
    ),
    "address_incomplete": _("Alamat “{given}” belum lengkap; periksa lagi tulisannya."),
    "address_inside": _(
        "{host} berada di jaringan dalam ({address}), bukan di internet umum. Web hook hanya boleh ke alamat umum."
    ),
    "address_port": _(
        "{host} memakai pintu yang tidak diizinkan untuk pesan keluar; pengelola program dapat menambahkannya pada pengaturan "
        "message_ports."
    ),
    "mail_plain": _("Tulis alamat surelnya saja, tanpa server atau kata sandi, misalnya nama@kantor.go.id."),
    "mail_not_set": _(
        "Surel belum dapat dikirim karena server surel kantor belum diatur. Minta pengelola program mengisi pengaturan "
        "mail_host dan mail_sender (lihat docs/configuration.md), lalu ulangi."
    ),
    "no_answer": _("Layanan di alamat itu tidak selesai menjawab pada waktunya."),
    "not_taken": _("Layanan di alamat itu tidak menerima pesannya."),
}
# Why a pasted link is not read.
LINKS = {
    "link_none": _(
        "Tidak ada alamat web di situ. Tempel alamat lengkap halamannya, misalnya https://koran.example/berita."
    ),
    "link_with_user": _(
        "Alamat itu memuat nama pengguna atau kata sandi; hanya alamat yang terbuka bagi umum yang dibaca."
    ),
    "link_port": _("Alamat itu menunjuk pintu khusus pada {host}; hanya halaman web biasa yang dibaca."),
    "link_demo": _("Ini peragaan: hanya tautan ke koran peragaan yang dibaca."),
    "link_waits": _("{host} meminta kami menunggu sampai {until}. Coba lagi sesudahnya."),
    "link_many": _("Paling banyak {most} tautan dalam 10 menit. Coba lagi setelah {until}."),
    "link_busy": _("Tautan petugas lain sedang dibaca. Coba lagi sebentar."),
    "link_slow": _(
        "Halaman itu tidak selesai dibaca dalam {seconds} detik. Coba lagi nanti; bila masih sempat terbaca, hasilnya langsung "
        "tampil."
    ),
}
# The fixed words in the reasons that come with an agency.
NAMED_BY, SURE, BY_ORIGIN = "disebut: ", " (perlu dipastikan)", "; tempat menurut asal sumber, belum pasti"
FIELD = "substansi "  # what the Ombudsman calls a field of service; nobody else does
EDITS_SHOWN = 3  # newest ones of a mention
BAR_STEP, BAR_HEIGHT = 4, 24  # of the drawing of new texts
_ROAD = re.compile(r"(.+) \(([^()]+)\)")


class Wrong(ValueError):
    """Something typed into a form cannot be kept; `key` is one of WRONG."""

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(key)
        self.key, self.values = key, values


@dataclass(frozen=True, slots=True)
class Bars:
    """A small drawing: x, y and height of each bar, and what it shows in words."""

    bars: Sequence[tuple[int, int, int]]
    label: str


class Presenter:
    """Everything a template needs to say in one language."""

    def __init__(self, language: str, province: str) -> None:
        self.language = language
        self._: Translate = translator(language)
        self.tables: Jurisdiction = load_jurisdiction(province)
        self.taxonomy: Taxonomy = load_taxonomy()

    def sector(self, code: str | None, *, short: bool = False) -> str:
        """The service; `short` leaves out what stands behind a colon."""
        label = self._label(self.taxonomy.sectors, code, self._("layanan belum jelas"))
        return label.partition(":")[0] if short else label

    def form(self, code: str | None) -> str:
        return self._label(self.taxonomy.forms, code, self._("bentuk belum jelas"))

    def kind(self, code: str | None) -> str:
        return self._label(self.taxonomy.kinds, code, "")

    def urgency(self, code: str | None) -> str:
        return self._label(self.taxonomy.urgencies, code, self._("belum dinilai"))

    def _label(self, labels: Mapping[str, Label], code: str | None, unknown: str) -> str:
        return labels[code].name(self.language) if code and code in labels else unknown

    def region(self, code: str | None) -> str:
        return (
            self.tables.regions[code].name if code and code in self.tables.regions else self._("tempat belum diketahui")
        )

    def place(self, candidate: Candidate) -> str:
        """District and regency, as far as known; else where the source is at home, if the agency was sought there."""
        if candidate.district and candidate.district in self.tables.districts:
            return f"{self.tables.districts[candidate.district].name}, {self.region(candidate.region)}"
        if candidate.region is None and BY_ORIGIN in candidate.agency_reason and candidate.agency is not None:
            return self._("mungkin {place} (menurut asal sumber)", place=self.region(candidate.agency.region))
        return self.region(candidate.region)

    def agency(self, candidate: Candidate) -> str:
        """The body's name; its kind where the office is not known."""
        if candidate.agency is not None:
            return candidate.agency.name
        return self.kind(candidate.kind) or self._("instansi belum diketahui")

    def why_agency(self, reason: str) -> str:
        """Why this agency. The rules speak Indonesian; their fixed words and their subjects are translated here."""
        reason = reason.replace(BY_ORIGIN, "")
        if reason.startswith(NAMED_BY):
            return self._("disebut: {name}", name=reason.removeprefix(NAMED_BY))
        subject, arrow, body = reason.partition(" → ")  # the body stands beside it already
        if not arrow:
            return self._subject(reason)
        unsure = f" {self._('(perlu dipastikan)')}" if body.endswith(SURE) else ""
        return self._("karena {subject}", subject=self._subject(subject)) + unsure

    def _subject(self, subject: str) -> str:
        """`jalan nasional`, or with the road it was recognised by: `jalan nasional (Jalan Sudirman)`."""
        words = self._(subject)
        if words == subject and (found := _ROAD.fullmatch(subject)):
            return f"{self._(found[1])} ({found[2]})"
        return f"bidang {words.removeprefix(FIELD)}" if words.startswith(FIELD) else words

    def certainty(self, p: float) -> str:
        word = _("hampir pasti") if p >= 0.9 else _("cukup yakin") if p >= 0.7 else _("perlu diperiksa")
        return f"{self._(word)} ({format_percent(min(p, 0.99), locale=self.language)})"  # nobody is ever certain

    def moment(self, at: datetime | None) -> str:
        """`24 Nov 2026 07.18 WIB`"""
        if at is None:
            return self._("belum pernah")
        return f"{format_datetime(at.astimezone(WIB), 'd MMM y HH.mm', locale=self.language)} WIB"

    def clock(self, at: datetime) -> str:
        """`07.18`, with the day unless it is today."""
        local = at.astimezone(WIB)
        today = local.date() == now().astimezone(WIB).date()
        return format_datetime(local, "HH.mm" if today else "d MMM HH.mm", locale=self.language)

    def ago(self, at: datetime | None) -> str:
        """`3 jam yang lalu`; in days until two weeks are full"""
        if at is None:
            return self._("belum pernah")
        gone = max(now() - at, timedelta(seconds=1))
        full = 2 if timedelta(weeks=1) <= gone < timedelta(weeks=2) else 1  # units, before a larger one is spoken of
        return format_timedelta(-gone, threshold=full, locale=self.language, add_direction=True)

    def day(self, day: date) -> str:
        """`24 Nov 2026`"""
        return format_date(day, "d MMM y", locale=self.language)

    def last_day(self, end: datetime) -> str:
        """Of something that ends at midnight: `3 Des 2026`, not the day after."""
        return self.day((end.astimezone(WIB) - timedelta(microseconds=1)).date())

    def remit(self, remit: Remit, agencies: Mapping[str, str]) -> str:
        """`Dinas Perhubungan, Kota Dumai (hanya ini)`"""
        named = [agencies.get(remit.agency_id, remit.agency_id)] if remit.agency_id else []
        named += [self.region(remit.region)] if remit.region else []
        only = f" ({self._('hanya ini')})" if remit.bounds else ""
        return ", ".join(named) + only

    def iso(self, at: datetime) -> str:
        return at.isoformat(timespec="seconds")

    def told(self, candidate: Candidate) -> str:
        """`4 sumber berbeda · 5 penyebutan · 3 media`; of a duplicate, where they went"""
        if candidate.duplicate_of and not candidate.mention_count:
            return self._("penyebutannya ada pada #{number}", number=candidate.duplicate_of)
        counts = (
            self._("{n} sumber berbeda", n=candidate.voice_count),
            self._("{n} penyebutan", n=candidate.mention_count),
            self._("{n} media", n=candidate.source_count),
        )
        return " · ".join(counts)

    def body(self, mention: Mention) -> list[Piece]:
        """The mention's text, evidence marked: masked as it was understood, and once more by what is known of it now."""
        analysis = mention.analysis or {}
        return pieces(mention.text, [*analysis.get("pii", ()), *personal(mention.text)], analysis.get("evidence", ()))

    def edits(self, mention: Mention) -> list[Edit]:
        """The newest edits of the mention, newest first."""
        return edits(mention, EDITS_SHOWN)

    def joined(self, mention: Mention) -> str:
        """Why the mention stands under its candidate; empty for the first one."""
        codes = json.loads(mention.join_reason) if mention.join_reason else []
        return ", ".join(self._(JOINED[code]) for code in codes if code in JOINED)

    def link(self, url: str) -> str | None:
        """An address that may stand in a link."""
        return url if urlsplit(url).scheme in ("http", "https") else None

    def address(self, address: str) -> str:
        """How somebody is told, without passwords and keys: the e-mail address, else the service in words."""
        parts = urlsplit(address)
        if parts.scheme in ("mailto", "mailtos"):
            receivers = parse_qs(parts.query).get("to", [])
            return ", ".join(receivers) or unquote(f"{parts.username or ''}@{parts.hostname or ''}").lstrip("@")
        return self._(WAYS.get(parts.scheme, parts.scheme), host=parts.hostname or "ntfy.sh")

    def alert_error(self, alert: Alert) -> str:
        """Why a message did not arrive; what a service itself says is shown as it is."""
        told = alert.contact or alert.person
        address = (told.address if told else None) or ""
        host = urlsplit(address).hostname or "?"
        known = {"given": self.address(address), "host": host, "address": self._("alamat dalam")}
        return self.wrong(alert.error, known) if alert.error in WRONG else alert.error

    def wrong(self, key: str, values: Mapping[str, Any]) -> str:
        return self._(WRONG[key], **({"ways": ", ".join(f"{way}://" for way in SCHEMES)} | dict(values)))

    def pace(self, row: SourceState) -> str:
        """`setiap 20 menit, disesuaikan`: the interval in force, and what it comes from."""
        pace = row.pace or row.interval
        if row.strain:
            minutes = rhythm.pause(pace, row.strain) / timedelta(minutes=1)
            return self._("{every}, karena gagal", every=self._every(minutes))
        adjusted = round(pace) != row.interval
        return self._("{every}, disesuaikan", every=self._every(pace)) if adjusted else self._every(pace)

    def _every(self, minutes: float) -> str:
        if minutes < 120:
            return self._("setiap {n} menit", n=round(minutes))
        return self._("setiap {hours} jam", hours=format_decimal(round(minutes / 60, 1), locale=self.language))

    def health(self, row: SourceState) -> str:
        return bulletin.word(row, self.language)

    def about_health(self, row: SourceState, rest: datetime | None) -> str:
        """What is so, since when, what to do."""
        return bulletin.sentence(row, self.language, rest)

    def status(self, row: SourceState) -> str:
        """How the last visit ended; nothing where the site had no say in that."""
        if not row.status or (row.status not in rhythm.ANSWERED and bulletin.is_ours(row.notes)):
            return ""
        return self._(STATUSES[row.status])

    def next_visit(self, row: SourceState, rest: datetime | None) -> datetime | None:
        return bulletin.next_visit(row, rest)

    def by_day(self, at: datetime | None) -> str:
        return bulletin.by_day(at, self.language)

    def share(self, part: float | None) -> str:
        return bulletin.share(part, self.language)

    def unchanged(self, row: SourceState) -> str:
        """The share of answers that were `304`: nothing sent, because nothing had changed."""
        answered = row.figures.get("answered")
        return self.share(row.figures["unchanged"] / answered if answered else None)

    def bars(self, row: SourceState) -> Bars:
        """The new texts of the last 28 days, drawn so that the busiest day is as high as the picture."""
        new = list(row.figures.get("new", ()))
        if new:  # days since the last visit have brought nothing
            behind = (now().astimezone(WIB).date() - date.fromisoformat(row.figures["until"])).days
            new = (new + [0] * max(behind, 0))[-len(new) :]
        most = max(new, default=0)
        heights = [max(round(one / most * BAR_HEIGHT), 2) if one else 0 for one in new]
        return Bars(
            [(day * BAR_STEP, BAR_HEIGHT - height, height) for day, height in enumerate(heights) if height],
            self._("{n} teks baru dalam 28 hari terakhir, paling banyak {most} sehari", n=sum(new), most=most),
        )

    def note(self, note: Mapping[str, str], row: SourceState) -> str:
        """What a visit noted, in the person's language if it was noted in it; a visit is promised only where one comes."""
        if not row.enabled:
            return bulletin.happened(note, self.language)
        return (note.get("english") if self.language == "en" else "") or note["message"]

    def refused_link(self, key: str, values: Mapping[str, Any]) -> str:
        told = {name: self.moment(value) if isinstance(value, datetime) else value for name, value in values.items()}
        return self._(LINKS[key], **told)

    def understood_place(self, analysis: Mapping[str, Any]) -> str:
        """District and regency, as far as they were understood; or that it is elsewhere."""
        if analysis["place"] == "other":
            return self._("di luar wilayah kerja")
        district = next((code for code in analysis["districts"] if code in self.tables.districts), None)
        region = self.region(next(iter(analysis["regions"]), None))
        return f"{self.tables.districts[district].name}, {region}" if district else region

    def action(self, decision: Decision) -> str:
        """What was decided; to be put off until no time at all is to come back."""
        woken = decision.action == "snooze" and not decision.changes.get("until")
        return self._(ACTIONS["reopen" if woken else decision.action])

    def done(self, decision: Decision) -> str:
        """What was decided, with its track, until when, or with the reason that was chosen."""
        if decision.track:
            return f"{self.action(decision)}: {self._(TRACKS[decision.track][0])}"
        if decision.reason:
            return self._("Ditutup: {reason}", reason=self._(REASONS[decision.reason]))
        if until := decision.changes.get("until"):
            return self._("Ditunda sampai {when}", when=self.moment(datetime.fromisoformat(until)))
        return self.action(decision)

    def error(self, key: str, values: Mapping[str, Any]) -> str:
        return refusal(self._, key, values)


def refusal(translate: Translate, key: str, values: Mapping[str, Any]) -> str:
    """Why something was not decided. What a short-lived cookie does not carry is told in general words."""
    known = {"by": "?", "what": "?", "most": MOST, "days": LONGEST_SNOOZE.days}
    known |= {name: _told(value) for name, value in values.items() if value}
    known["action"] = translate(ACTIONS.get(str(values.get("action")), _("putusan lain")))
    lost = LOST.get(str(values.get("how"))) if key == "lease_lost" else None
    return translate(lost or ERRORS.get(key, key), **known)


def _told(value: Any) -> str:
    return f"{value.astimezone(WIB):%H.%M}" if isinstance(value, datetime) else str(value)
