"""How cases, clocks and referrals are put into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel.dates import format_date
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.dates import WIB
from intake.casework import brief, referrals
from intake.casework.cases import Standing
from intake.casework.clocks import Clock, Limit, Receipt, Rules
from intake.casework.sheet import Letter, Sheet
from intake.masking import covered
from intake.models import Agency, Case, CaseEvent, Decision, Mention, Referral, now
from intake.web.present import Presenter
from nlp.urgency import words_of_age


def _(message: str) -> str:
    """Marks a message that is translated where it is shown."""
    return message


STATES = {
    "open": _("terbuka"),
    "overdue": _("terlambat"),
    "paused": _("dihentikan sementara"),
    "closed": _("ditutup"),
    "withdrawn": _("ditarik kembali"),
}
KINDS = {
    "opened": _("Kasus dibuka"),
    "track": _("Jalur diganti"),
    "referred": _("Dikirim ke narahubung"),
    "acknowledged": _("Diterima oleh instansi"),
    "answered": _("Dijawab oleh instansi"),
    "not_ours": _("Menurut instansi bukan wewenangnya"),
    "asked": _("Perkembangan ditanyakan"),
    "progress": _("Perkembangan disampaikan"),
    "paused": _("Batas waktu dihentikan sementara"),
    "resumed": _("Batas waktu berjalan lagi"),
    "note": _("Catatan"),
    "corrected": _("Kasus dibetulkan"),
    "revoked": _("Tautan instansi dicabut"),
    "closed": _("Kasus ditutup"),
    "reopened": _("Kasus dibuka kembali"),
    "withdrawn": _("Kasus ditarik kembali karena putusannya diurungkan"),
}
WAYS = {  # of a referral that an officer made
    "letter": _("Disampaikan kepada instansi lewat surat"),
    "phone": _("Disampaikan kepada instansi lewat telepon"),
}
FIELDS = {  # of a correction
    "agency_id": _("Instansi"),
    "kind": _("Jenis instansi"),
    "region": _("Daerah"),
    "district": _("Kecamatan"),
    "sector": _("Layanan"),
    "form": _("Dugaan maladministrasi"),
    "urgency": _("Tingkat urgensi"),
}
MILESTONES = {
    "incomplete": _("Pelapor diberi tahu bahwa datanya belum lengkap"),
    "completed": _("Pelapor melengkapi data"),
    "formal": _("Verifikasi formil selesai"),
    "material": _("Verifikasi materiil selesai"),
    "lhp": _("LHP disampaikan kepada Terlapor"),
    "carried_out": _("Terlapor menindaklanjuti LHP"),
}
OUTCOMES = {
    "handled": _("Selesai: instansi sudah menindaklanjuti"),
    "no_maladministration": _("Tidak ditemukan maladministrasi"),
    "outside": _("Bukan kewenangan Ombudsman"),
    "incomplete": _("Data tidak dilengkapi"),
    "taken_back": _("Dicabut pelapor"),
    "passed_on": _("Diteruskan atau dilimpahkan"),
}
# The track a case is on; present.TRACKS says what a decision does.
TRACKS = {
    "rco": _("Respons Cepat Ombudsman (RCO)"),
    "invite": _("Undangan melapor kepada korban"),
    "refer": _("Penyampaian kepada instansi"),
    "iaps": _("Investigasi atas prakarsa sendiri (IAPS)"),
    "watch": _("Pemantauan"),
    "laporan": _("Laporan masyarakat"),
}
# Legal basis of a track, as the sheet and the case page name it.
BASES = {
    "iaps": "UU 37/2008 pasal 7 huruf d; Peraturan ORI 38/2019",
    "rco": "Peraturan ORI tentang respons cepat (pasal dalam Peraturan ORI 58/2023 perlu dikonfirmasi)",
    "invite": "UU 37/2008 pasal 1 angka 4 dan pasal 24",
    "refer": "UU 25/2009; penyampaian informasi kepada penyelenggara",
    "watch": "pemantauan, belum ada tindakan",
    "laporan": "UU 37/2008 pasal 1 angka 4 dan pasal 24; Peraturan ORI 58/2023",
}
# What a refused act says; nothing was changed.
ERRORS = {
    "not_allowed": _("Peran Anda tidak boleh melakukan ini. Tidak ada yang diubah."),
    "case_changed": _(
        "Kasus ini sudah berubah sejak Anda membukanya; lihat riwayatnya. Isian Anda masih di bawah, belum disimpan."
    ),
    "no_case": _("Kasus itu tidak ada, atau bukan untuk Anda."),
    "case_not_open": _("Ini tidak dapat dilakukan selama kasus {state}. Tidak ada yang diubah."),
    "no_contact": _(
        "Instansi itu belum mempunyai narahubung yang aktif; minta administrator menambahkannya. Tidak ada yang dikirim."
    ),
    "wrong_day": _(
        "Tanggalnya tidak cocok: paling awal hari kejadiannya pertama terdengar, paling akhir hari ini. Belum ada yang "
        "disimpan."
    ),
    "referred_already": _("Instansi itu sudah menerima kasus ini; tanyakan perkembangannya. Tidak ada yang dikirim."),
    "no_referral": _("Kiriman itu tidak ada, atau tautannya sudah dicabut. Tidak ada yang diubah."),
    "no_act": _("Tindakan itu tidak dikenal. Tidak ada yang diubah."),
    "needs_note": _("Tulis sekurangnya {least} huruf. Tidak ada yang diubah."),
    "is_paused": _("Batas waktunya sudah dihentikan. Tidak ada yang diubah."),
    "is_not_paused": _("Batas waktunya sedang berjalan. Tidak ada yang diubah."),
    "needs_other_track": _("Pilih jalur lain. Tidak ada yang diubah."),
    "needs_reporter": _("Jalur laporan memerlukan pelapor yang identitasnya sudah dicatat. Tidak ada yang diubah."),
    "needs_outcome": _("Pilih bagaimana kasus ini berakhir. Tidak ada yang diubah."),
    "referral_changed": _(
        "Ada kabar lain sejak halaman ini dibuka; lihat di bawah. Isian Anda belum disimpan, periksa lalu kirim lagi."
    ),
    "no_reply_now": _("Tanggapan itu tidak dapat disampaikan sekarang. Tidak ada yang diubah."),
    "needs_words": _("Tulis sekurangnya {least} huruf. Belum ada yang disimpan."),
    "needs_whose": _("Pilih atau tulis instansi yang menurut Saudara berwenang. Belum ada yang disimpan."),
    "too_many_replies": _(
        "Paling banyak {most} tanggapan dalam 10 menit. Coba lagi sebentar lagi; belum ada yang disimpan."
    ),
}
# Why a link opens nothing.
OVER = {
    "forged": _("Tautan ini tidak lengkap atau tidak kami kenal. Salin seluruh tautan dari pesan yang Saudara terima."),
    "expired": _("Tautan ini sudah berakhir. Mintalah tautan baru kepada petugas Ombudsman yang mengirimnya."),
    "revoked": _("Tautan ini sudah dicabut oleh petugas Ombudsman. Tidak ada lagi yang perlu Saudara jawab di sini."),
    "withdrawn": _("Kasus ini sudah ditarik kembali. Tidak ada lagi yang perlu Saudara jawab."),
}
DONE = {f"case_{kind}": words for kind, words in KINDS.items()} | {
    "case_sent": _("Dicatat: instansi sudah diberi tahu; batas waktunya berjalan sejak hari itu")
}
SHOWN = 40  # mentions of one case on its page


def error(say: Presenter, key: str, values: Mapping[str, Any]) -> str:
    """Why nothing was done."""
    told = {
        name: say._(STATES[value]) if name == "state" and value in STATES else value for name, value in values.items()
    }
    return say._(ERRORS[key], **told) if key in ERRORS else say.error(key, values)


def day(say: Presenter, one: date) -> str:
    """`Kamis 3 Desember`, with the year if it is another one."""
    pattern = "EEEE d MMMM" if one.year == now().astimezone(WIB).year else "EEEE d MMMM y"
    return format_date(one, pattern, locale=say.language)


def due(say: Presenter, clock: Clock) -> str:
    """`jatuh tempo 3 hari kerja lagi, Kamis 3 Desember`"""
    working, told = clock.limit.count == "working", {"n": clock.days, "day": day(say, clock.due) if clock.due else ""}
    if clock.state == "paused":
        left = (
            _("dihentikan sementara, tersisa {n} hari kerja")
            if working
            else _("dihentikan sementara, tersisa {n} hari")
        )
        return say._(left, n=clock.days)
    if clock.state == "met":
        return say._("tepat waktu")
    if clock.state == "late":
        return say._(_("terlambat {n} hari kerja") if working else _("terlambat {n} hari"), n=clock.days)
    if clock.state == "overdue" and clock.days:
        late = (
            _("terlambat {n} hari kerja, jatuh tempo {day}") if working else _("terlambat {n} hari, jatuh tempo {day}")
        )
        return say._(late, **told)
    if clock.state == "overdue":
        return say._("lewat jatuh tempo {day}", day=told["day"])
    if clock.days == 0:
        return say._("jatuh tempo hari ini, {day}", day=told["day"])
    left = _("jatuh tempo {n} hari kerja lagi, {day}") if working else _("jatuh tempo {n} hari lagi, {day}")
    return say._(left, **told)


def what(say: Presenter, clock: Clock) -> str:
    return clock.limit.what if say.language == "id" else clock.limit.english


def law(say: Presenter, clock: Clock) -> str:
    """Who says how long, and that this still has to be looked up, where it has."""
    told = _source(say, clock.limit)
    if clock.receipt is None:
        return told
    counts = _("dianggap diterima {n} hari kerja sesudah dikirim: {law}")
    if clock.receipt.count == "calendar":
        counts = _("dianggap diterima {n} hari sesudah dikirim: {law}")
    return f"{told}; {say._(counts, n=clock.receipt.days, law=_source(say, clock.receipt))}"


def _source(say: Presenter, rule: Limit | Receipt) -> str:
    return rule.law if rule.confirmed else f"{rule.law} ({say._('perlu dikonfirmasi')})"


@dataclass(frozen=True, slots=True)
class Names:
    """Names of the agencies a history speaks of."""

    asked: Mapping[int, str]  # referral -> its agency; none where all is of one
    pointed_to: Mapping[str, str]  # id of an agency that is to be asked instead
    internal: bool = True  # false: for a focal point, who is not told how the office decides


def names_of(session: Session, events: Iterable[CaseEvent], referrals: Iterable[Referral] | None = None) -> Names:
    """`referrals`: None for a focal point."""
    ids = {event.detail["agency"] for event in events if event.kind == "not_ours" and "agency" in event.detail}
    rows = session.execute(select(Agency.id, Agency.name).where(Agency.id.in_(ids)))
    asked = {one.id: one.agency.name for one in referrals or ()}
    return Names(asked, {row.id: row.name for row in rows}, referrals is not None)


def said(say: Presenter, event: CaseEvent, names: Names) -> str:
    """An event in words: what happened, to whom, and how it was decided."""
    detail = event.detail
    whose = names.pointed_to.get(detail.get("agency", ""), "") or covered(detail.get("whose", ""))
    kind = MILESTONES.get(detail.get("milestone", "")) or WAYS.get(detail.get("way", "")) or KINDS[event.kind]
    about = [say._(kind), names.asked.get(event.referral_id or 0)]
    if "day" in detail:
        about.append(day(say, date.fromisoformat(detail["day"])))
    if "fields" in detail:
        about.append(", ".join(say._(FIELDS[name]) for name in detail["fields"]))
        about.append(say._("diurungkan") if detail.get("undone") else None)
    if names.internal and event.kind in ("opened", "track"):
        about.append(say._(TRACKS[detail["track"]]))
    if names.internal and "outcome" in detail:
        about.append(say._(OUTCOMES[detail["outcome"]]))
    if event.kind == "not_ours" and whose:
        about.append(say._("yang berwenang: {whose}", whose=whose))
    return " · ".join(filter(None, about))


def by(say: Presenter, event: CaseEvent) -> str:
    """Who wrote an event."""
    if event.person is not None:
        return event.person.name
    return say._("narahubung, lewat tautan") if event.referral_id and event.kind != "referred" else say._("program")


# ---- what it was made of ---------------------------------------------------------------------------------------------


def note_of(session: Session, case: Case) -> str:
    """What was noted when the candidate was accepted."""
    accepted = select(Decision.note).where(Decision.candidate_id == case.candidate_id, Decision.action == "accept")
    return session.scalar(accepted.order_by(Decision.id.desc()).limit(1)) or ""


def mentions_of(session: Session, case: Case) -> Sequence[Mention]:
    """What was heard, newest first."""
    told = select(Mention).where(Mention.candidate_id == case.candidate_id)
    return session.scalars(told.order_by(Mention.told_at.desc(), Mention.id).limit(SHOWN)).all()


def long_ago(mentions: Iterable[Mention]) -> list[str]:
    """Words of the texts by which the event is older than the first mention of it: `setahun`, `sejak 2023`."""
    told = [words_of_age(f"{one.title} {one.text}", one.told_at.astimezone(WIB).year) for one in mentions]
    return list(dict.fromkeys(words for found in told for words in found))[:3]


# ---- the sheet -------------------------------------------------------------------------------------------------------


def sheet_of(session: Session, standing: Standing, office: str, province: str) -> Sheet:
    """The case sheet: always in formal Indonesian, without a name of anybody."""
    say, case = Presenter("id", province), standing.case
    about = brief.of(session, case)
    names = names_of(session, case.events, case.referrals)
    facts = [
        ("Jalur", f"{TRACKS[case.track]}. Dasar: {BASES[case.track]}"),
        ("Keadaan", f"{STATES[case.state]}, dibuka {brief.day_in_words(case.opened_at)}"),
        ("Perihal", about.subject),
        ("Ringkasan peristiwa", about.extract or f"{about.subject.capitalize()}, terdengar dari unggahan publik."),
        ("Tempat", about.place),
        ("Pertama terdengar", about.day),
        ("Instansi (Terlapor)", about.agency),
        ("Layanan", about.service),
        ("Dugaan maladministrasi", about.form),
        ("Sumber yang berbeda", str(about.voices)),
    ]
    return Sheet(
        office=office,
        number=case.number,
        facts=facts,
        clocks=[f"{clock.limit.what}: {due(say, clock)}. Sumber: {law(say, clock)}" for clock in standing.clocks],
        voices=voices(session, case.candidate_id),
        history=[_line(say, event, names) for event in reversed(case.events) if event.kind != "note" or event.detail],
        made_at=now(),
        made=say.moment(now()),
    )


def letter_of(session: Session, case: Case, agency: Agency | None, office: str, rules: Rules) -> Letter:
    """What an agency without a focal point is written: the brief, and the usual question, in formal Indonesian."""
    about = brief.of(session, case)
    question = referrals.QUESTIONS.get(case.track, referrals.QUESTIONS[""])
    facts = [
        ("Perihal", about.subject),
        ("Tempat", about.place),
        ("Pertama terdengar", about.day),
        ("Layanan", about.service),
        ("Dugaan maladministrasi", about.form),
        ("Sumber yang berbeda", str(about.voices)),
        *(("Diberitakan", f"{one.outlet}, {brief.day_in_words(one.at)}") for one in about.articles),
    ]
    before = [
        "Dengan hormat,",
        f"Ombudsman Republik Indonesia {office} menyampaikan informasi berikut, yang diketahui dari pemberitaan atau "
        "unggahan publik. Informasi ini bukan laporan resmi dan belum diperiksa kebenarannya.",
    ]
    after = [
        *([f"Ringkasan pemberitaan: {about.extract}"] if about.extract else []),
        question,
        _answer_within(case, rules),
        f"Mohon nomor kasus {case.number} disebut dalam jawaban Saudara.",
        "Atas perhatian dan kerja sama Saudara, kami sampaikan terima kasih.",
    ]
    return Letter(
        office=office,
        day=brief.day_in_words(now()),
        subject=f"Permintaan penjelasan, kasus nomor {case.number}",
        agency=agency.name if agency else "",
        before=before,
        facts=facts,
        after=[one for one in after if one],
        made_at=now(),
    )


def _answer_within(case: Case, rules: Rules) -> str:
    """How long the agency has; the law is named only where its wording was seen."""
    today = now().astimezone(WIB).date()
    for limit in rules.limits:
        in_force = limit.valid_from <= today and (limit.valid_until is None or today <= limit.valid_until)
        if in_force and case.track in limit.tracks and "received" in limit.starts and "answered" in limit.ends:
            days = "hari kerja" if limit.count == "working" else "hari"
            law = f" ({limit.law})" if limit.confirmed else ""
            return f"Jawaban tertulis kami harapkan dalam {limit.days} {days} sejak surat ini diterima{law}."
    return ""


def voices(session: Session, candidate_id: int) -> list[str]:
    """Who told of the event independently: outlet and day; of a post, that it was one."""
    told = select(Mention).where(Mention.candidate_id == candidate_id, Mention.voice == Mention.id)
    return [
        f"{brief.day_in_words(one.told_at)}: {one.source if one.kind == 'article' else 'unggahan publik'}"
        for one in session.scalars(told.order_by(Mention.told_at).limit(50))
    ]


def _line(say: Presenter, event: CaseEvent, names: Names) -> str:
    text = covered(" ".join(event.text.split())) if event.kind in ("answered", "progress", "closed") else ""
    short = f": {text[:160]}{' ...' if len(text) > 160 else ''}" if text else ""
    return f"{brief.day_in_words(event.at)}: {said(say, event, names)}{short}"


def texts(events: Sequence[CaseEvent], *, plain: bool = False) -> dict[int, str]:
    """Event -> what it says, personal data covered unless somebody gave a reason to look."""
    return {event.id: event.text if plain else covered(event.text) for event in events}
