"""Who did what: the audit log, for those who watch over it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from crawler.dates import WIB
from intake.models import AuditRow, Person
from intake.people import access, audit
from intake.review import queue
from intake.web import present
from intake.web.present import Presenter, _
from intake.web.visitor import Visitor, Who, needs

router = APIRouter(include_in_schema=False)
# What each action is called; a test looks for every one that is written anywhere.
WORDS = {
    "access.refused": _("permintaan ditolak"),
    "alert.again": _("pesan dikirim lagi"),
    "alert.barred": _("pesan ditahan: alamatnya tidak diizinkan"),
    "alert.failed": _("pesan gagal terkirim"),
    "alert.sent": _("pesan terkirim"),
    "case.acknowledged": _("rujukan diterima instansi"),
    "case.answered": _("rujukan dijawab instansi"),
    "case.asked": _("perkembangan diminta"),
    "case.letter": _("surat kepada instansi dicetak"),
    "case.closed": _("kasus ditutup"),
    "case.not_ours": _("rujukan dikembalikan: bukan urusan instansi itu"),
    "case.note": _("catatan kasus ditulis"),
    "case.opened": _("kasus dibuka"),
    "case.paused": _("hitungan hari kasus dihentikan sementara"),
    "case.progress": _("perkembangan kasus dicatat"),
    "case.referred": _("kasus dirujuk ke instansi"),
    "case.reopened": _("kasus dibuka kembali"),
    "case.resumed": _("hitungan hari kasus dilanjutkan"),
    "case.revoked": _("tautan rujukan dicabut"),
    "case.sheet": _("lembar kasus diambil"),
    "case.track": _("jalur kasus diganti"),
    "case.withdrawn": _("kasus ditarik karena putusannya diurungkan"),
    "contact.add": _("narahubung ditambahkan"),
    "contact.disable": _("narahubung dinonaktifkan"),
    "contact.enable": _("narahubung diaktifkan"),
    "decision.accept": _("kandidat diterima"),
    "decision.bring": _("teks dijadikan kandidat"),
    "decision.correct": _("kandidat dibetulkan"),
    "decision.duplicate": _("kandidat ditandai duplikat"),
    "decision.insufficient": _("kandidat ditutup: bahan kurang"),
    "decision.not_relevant": _("kandidat ditutup: tidak relevan"),
    "decision.outside": _("kandidat ditutup: di luar wilayah atau kewenangan"),
    "decision.reopen": _("kandidat dikembalikan ke antrean"),
    "decision.snooze": _("kandidat ditunda"),
    "decision.split": _("kandidat dipisah"),
    "decision.undo": _("putusan diurungkan"),
    "export": _("data diekspor"),
    "export.evidence": _("bukti diekspor"),
    "lease.take_over": _("kandidat diambil alih dari petugas lain"),
    "handled.import": _("daftar aduan yang sudah ditangani dimasukkan"),
    "leave.add": _("cuti dicatat"),
    "leave.end": _("cuti dihapus"),
    "link.ask": _("tautan diminta dibaca"),
    "link.read": _("tautan dibaca"),
    "mute.end": _("pembisuan diakhiri"),
    "mute.set": _("pembisuan dipasang"),
    "person.address": _("alamat pesan diganti"),
    "pii.unmask": _("data yang ditutup dibuka"),
    "remit.add": _("tugas diberikan"),
    "remit.remove": _("tugas dicabut"),
    "reporter.attach": _("pelapor dicatat"),
    "retention.run": _("data lama dihapus"),
    "retention.sweep": _("bukti lama dihapus"),
    "second_factor.enrol": _("kode tambahan dipasang"),
    "second_factor.recovered": _("masuk dengan kode pemulihan"),
    "second_factor.recovery": _("kode pemulihan dibuat"),
    "second_factor.remove": _("kode tambahan dilepas"),
    "session.end": _("sesi diakhiri"),
    "session.end_all": _("semua sesi lain diakhiri"),
    "sign_in": _("masuk"),
    "sign_in.code_refused": _("kode tambahan ditolak"),
    "sign_in.code_unreadable": _("kode tambahan tidak terbaca: kunci program hilang atau diganti"),
    "sign_in.half": _("kata sandi benar, kode tambahan belum diberikan"),
    "sign_in.refused": _("gagal masuk"),
    "sign_in.too_many": _("terlalu banyak percobaan masuk"),
    "sign_out": _("keluar"),
    "source.add": _("sumber ditambahkan"),
    "source.disable": _("sumber dinonaktifkan"),
    "source.enable": _("sumber diaktifkan"),
    "source.move": _("alamat sumber diganti"),
    "source.remove": _("sumber dihapus"),
    "suggestion.apart": _("saran gabung ditolak"),
    "suggestion.open": _("penolakan saran gabung ditarik kembali"),
    "suggestion.joined": _("saran gabung diterima"),
    "token.end": _("token diakhiri"),
    "user.accept": _("undangan diterima"),
    "user.add": _("pengguna ditambahkan"),
    "user.disable": _("akun dinonaktifkan"),
    "user.enable": _("akun diaktifkan"),
    "user.invite": _("undangan dibuat"),
    "user.password": _("kata sandi diganti"),
    "user.role": _("peran diganti"),
    "user.token": _("token dibuat"),
    "view.alert": _("pemberitahuan tampilan dinyalakan"),
    "view.alert_end": _("pemberitahuan tampilan dimatikan"),
    "view.delete": _("tampilan dihapus"),
    "view.feed": _("langganan tampilan dibuat"),
    "view.feed_end": _("langganan tampilan dicabut"),
    "view.rename": _("tampilan diberi nama lain"),
    "view.save": _("tampilan disimpan"),
    "view.share": _("tampilan dibagikan"),
    "view.unshare": _("tampilan tidak dibagikan lagi"),
}
SUBJECTS = {
    "alert": _("pesan {number}"),
    "candidate": _("kandidat {number}"),
    "case": _("kasus {number}"),
    "contact": _("narahubung {number}"),
    "mention": _("penyebutan {number}"),
    "mute": _("pembisuan {number}"),
    "source": _("sumber {number}"),
    "view": _("tampilan {number}"),
}


DETAILS = {  # what a row tells besides; a name that is not here is shown as it is
    "agency": _("instansi"),
    "bounds": _("hanya ini"),
    "count": _("banyaknya"),
    "cover": _("pengganti"),
    "days": _("hari"),
    "decision": _("putusan"),
    "deleted": _("dihapus"),
    "error": _("sebab"),
    "first": _("sejak"),
    "format": _("bentuk"),
    "from": _("dari"),
    "host": _("situs"),
    "label": _("nama"),
    "last": _("sampai"),
    "left": _("sisa"),
    "name": _("nama"),
    "note": _("catatan"),
    "path": _("halaman"),
    "reason": _("alasan"),
    "region": _("daerah"),
    "role": _("peran"),
    "rows": _("baris"),
    "scopes": _("kegunaan"),
    "to": _("menjadi"),
    "track": _("jalur"),
    "what": _("isi"),
    "why": _("alasan"),
}
VALUES: dict[str, str] = {
    **present.ROLES,
    **present.SCOPES,
    **{code: words[0] for code, words in present.TRACKS.items()},
    **present.REASONS,
}


@router.get("/jejak")
def audit_page(
    who: Who,
    person: Annotated[str, Query(max_length=9)] = "",
    action: Annotated[str, Query(max_length=40)] = "",
    subject: Annotated[str, Query(max_length=80)] = "",
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
    before: Annotated[int | None, Query(ge=1, le=queue.MOST_ID)] = None,
) -> HTMLResponse:
    needs(who, "audit.read")
    names = {one.id: one.name for one in who.session.execute(select(Person.id, Person.name).order_by(Person.name))}
    number = int(person) if person.isascii() and person.isdigit() else None
    days = _midnight(since), _midnight(until, days=1)
    sought = _sought(who.say, subject.strip(), names)
    rows, following = audit.page(who.session, audit.Filters(number, action or None, sought or None, *days), before)
    chosen = {"person": person, "action": action, "subject": subject, "since": since, "until": until}
    narrowed = {name: value for name, value in chosen.items() if value}
    return who.page(
        "audit.html",
        rows=[(row, about(who, row, names)) for row in rows],
        names=names,
        words=dict(sorted(((code, who.say._(word)) for code, word in WORDS.items()), key=lambda pair: pair[1])),
        chosen=chosen,
        is_narrowed=bool(narrowed),
        next_link=f"/jejak?{urlencode(narrowed | {'before': following})}" if following else None,
    )


def _sought(say: Presenter, typed: str, names: dict[int, str]) -> str:
    """The subject that is meant by `kandidat 12`, or by somebody's name."""
    number = typed.rpartition(" ")[2]
    told = {say._(word, number=number).lower(): f"{kind}:{number}" for kind, word in SUBJECTS.items()}
    told |= {name.lower(): f"person:{id}" for id, name in names.items()}
    return told.get(typed.lower(), typed)


def _midnight(day: str, days: int = 0) -> datetime | None:
    """The beginning of a day in WIB, or of a later one; None if it is no day."""
    try:
        begun = datetime.combine(date.fromisoformat(day), time(), WIB)
        return (begun + timedelta(days=days)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def about(who: Visitor, row: AuditRow, names: dict[int, str]) -> dict[str, Any]:
    """A row of the log in words: by whom, what, about what (and where that is looked at), the rest."""
    kind, _colon, number = row.subject.partition(":")
    return {
        "by": names.get(row.person_id, "?") if row.person_id else who.say._("program"),
        "word": who.say._(WORDS.get(row.action, row.action)),
        "subject": _subject(who.say, kind, number, names),
        "link": f"/kandidat/{number}" if kind == "candidate" and access.may(who.person, "queue.read") else "",
        "detail": "; ".join(_detail(who.say, *pair) for pair in row.detail.items() if pair[1] not in (None, "", [])),
    }


def _subject(say: Presenter, kind: str, number: str, names: dict[int, str]) -> str:
    if kind == "person" and number.isdigit():
        return names.get(int(number), number)
    return say._(SUBJECTS[kind], number=number) if kind in SUBJECTS else f"{kind} {number}".strip()


def _detail(say: Presenter, key: str, value: Any) -> str:
    return f"{say._(DETAILS.get(key, key))}: {_told(say, value)}"


def _told(say: Presenter, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_told(say, one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_told(say, one)}" for key, one in value.items())
    if isinstance(value, bool):
        return say._("ya") if value else say._("tidak")
    return say._(VALUES.get(value, value)) if isinstance(value, str) else str(value)
