"""How codes, probabilities and moments are put into words for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_percent

from intake.cases import WIB
from intake.masking import Piece, pieces
from intake.models import Candidate, Mention, now
from intake.web.i18n import Translate, translator
from nlp.jurisdiction import Jurisdiction, Label, Taxonomy, load_jurisdiction, load_taxonomy


def _(message: str) -> str:
    """Marks a message that is translated where it is shown."""
    return message


STATES = {
    "candidate": _("menunggu"),
    "watched": _("dipantau"),
    "accepted": _("diterima"),
    "rejected": _("ditolak"),
    "duplicate": _("duplikat"),
}
TRACKS = {
    "rco": (_("Respons cepat (RCO)"), _("Nyawa terancam atau hak segera hilang; narahubung dihubungi langsung.")),
    "invite": (_("Undang korban melapor"), _("Korban dapat dikenali; ajak ia membuat laporan resmi.")),
    "refer": (_("Teruskan ke instansi"), _("Instansi diberi tahu dan diminta memeriksa.")),
    "iaps": (_("Usulkan IAPS"), _("Investigasi atas prakarsa sendiri; diusulkan ke Kepala Perwakilan.")),
}
REASONS = {
    "no_failure": _("Tidak ada kegagalan layanan"),
    "not_service": _("Bukan pelayanan publik"),
    "settled": _("Sudah diselesaikan"),
    "too_vague": _("Terlalu kabur untuk ditindaklanjuti"),
    "outside_riau": _("Di luar Riau"),
    "outside_authority": _("Di luar kewenangan Ombudsman"),
    "too_old": _("Lebih dari dua tahun"),
    "hoax": _("Hoaks atau rekaman lama"),
}
ACTIONS = {
    "accept": _("Diterima"),
    "reject": _("Ditolak"),
    "duplicate": _("Ditandai duplikat"),
    "watch": _("Dipantau"),
    "reopen": _("Dikembalikan ke antrean"),
    "undo": _("Diurungkan"),
}
ROLES = {
    "admin": _("administrator"),
    "head": _("kepala perwakilan"),
    "officer": _("petugas"),
    "focal": _("narahubung"),
    "analyst": _("analis"),
    "auditor": _("auditor"),
}
JOINED = {
    "near_copy": _("salinan dekat: kata-katanya hampir sama"),
    "sector": _("layanan yang sama"),
    "district": _("kecamatan yang sama"),
    "region": _("kabupaten/kota yang sama"),
    "time": _("waktu berdekatan"),
    "words": _("kata kunci yang sama"),
    "body": _("instansi yang sama"),
}
EVIDENCE = {
    "failure": _("kegagalan"),
    "agency": _("instansi"),
    "place": _("tempat"),
    "urgency": _("kegentingan"),
}
STATUSES = {
    "ok": _("menjawab"),
    "unchanged": _("menjawab, tidak ada yang baru"),
    "empty": _("menjawab, tetapi kosong"),
    "blocked": _("menolak kami"),
    "unreachable": _("tidak terjangkau"),
    "broken": _("jawabannya tidak dapat dibaca"),
}
ERRORS = {
    "not_allowed": _("Peran Anda tidak boleh memutuskan. Tidak ada yang diubah."),
    "changed": _("Kandidat ini sudah diputuskan oleh {by} sejak Anda membukanya. Putusan Anda tidak disimpan."),
    "not_the_last": _("Sudah ada putusan lain sesudahnya; urungkan yang terakhir lebih dahulu."),
    "needs_track": _("Pilih jalur untuk menerima kandidat ini. Tidak ada yang diubah."),
    "needs_reason": _("Pilih alasan penolakan. Tidak ada yang diubah."),
    "needs_original": _("Sebutkan nomor kandidat asli yang masih ada. Tidak ada yang diubah."),
    "not_from_here": _("Kandidat ini tidak lagi menunggu putusan. Tidak ada yang diubah."),
    "no_candidate": _("Kandidat itu tidak ada."),
    "no_decision": _("Putusan itu tidak ada."),
    "no_action": _("Tindakan itu tidak dikenal."),
}


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
        """District and regency, as far as known."""
        if candidate.district and candidate.district in self.tables.districts:
            return f"{self.tables.districts[candidate.district].name}, {self.region(candidate.region)}"
        return self.region(candidate.region)

    def agency(self, candidate: Candidate) -> str:
        """The body's name; its kind where the office is not known."""
        if candidate.agency is not None:
            return candidate.agency.name
        return self.kind(candidate.kind) or self._("instansi belum diketahui")

    def certainty(self, p: float) -> str:
        word = _("hampir pasti") if p >= 0.9 else _("cukup yakin") if p >= 0.7 else _("perlu diperiksa")
        return f"{self._(word)} ({format_percent(min(p, 0.99), locale=self.language)})"  # nobody is ever certain

    def moment(self, at: datetime | None) -> str:
        """`24 Nov 2026 07.18 WIB`"""
        if at is None:
            return self._("belum pernah")
        return f"{format_datetime(at.astimezone(WIB), 'd MMM y HH.mm', locale=self.language)} WIB"

    def ago(self, at: datetime | None) -> str:
        """`3 jam yang lalu`"""
        if at is None:
            return self._("belum pernah")
        return format_timedelta(min(at - now(), timedelta(seconds=-1)), locale=self.language, add_direction=True)

    def iso(self, at: datetime) -> str:
        return at.isoformat(timespec="seconds")

    def told(self, candidate: Candidate) -> str:
        """`4 suara mandiri dari 5 sebutan, 3 sumber`"""
        return self._(
            "{voices} suara mandiri · {mentions} sebutan · {sources} sumber",
            voices=candidate.voice_count,
            mentions=candidate.mention_count,
            sources=candidate.source_count,
        )

    def body(self, mention: Mention) -> list[Piece]:
        """The mention's text: masked, evidence marked."""
        analysis = mention.analysis or {}
        return pieces(mention.text, analysis.get("pii", ()), analysis.get("evidence", ()))

    def joined(self, mention: Mention) -> str:
        """Why the mention stands under its candidate; empty for the first one."""
        codes = json.loads(mention.join_reason) if mention.join_reason else []
        return ", ".join(self._(JOINED[code]) for code in codes if code in JOINED)

    def link(self, url: str) -> str | None:
        """An address that may stand in a link."""
        return url if urlsplit(url).scheme in ("http", "https") else None

    def error(self, key: str, values: Mapping[str, Any]) -> str:
        known = {"by": "?"} | {name: str(value) for name, value in values.items()}
        return self._(ERRORS.get(key, key), **known)
