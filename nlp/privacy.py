"""What must be masked: identity numbers, phones, addresses of e-mail, plates, accounts, handles, names of minors and victims.

Names are found by what stands beside them: an age below 18 ("Rafi (9)", "Putri, 15 tahun") or a word that makes a person a
child, a pupil or a victim ("korban", "siswi", "anaknya"). A name with neither is not found: the press prints it, and a list
of names would cover half the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nlp.analysis import Span

_SIXTEEN = re.compile(r"(?<!\d)\d(?:[ .-]?\d){15}(?!\d)")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
_PLATE = re.compile(r"\b(?:BM|BA|BB|BK|BP|BH|BG|BE|B|D|F|H|L|N)[ .-]?\d{3,4}[ .-]?[A-Z]{1,3}\b")
_ACCOUNT = re.compile(r"\b(?:no\.?\s?rek(?:ening)?|norek|rekening|rek)\b\D{0,25}(\d[\d .-]{6,22}\d)", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w.@/])@\w(?:[\w.]{0,38}\w)?")
_PHONE_HINT = re.compile(r"(?:\+?62|\b0)[\d\s().-]{7,18}")
_NIK_HINT = re.compile(r"\b(?:nik|ktp)\b\D{0,20}$", re.IGNORECASE)
_KK_HINT = re.compile(r"\b(?:no(?:mor|\.)?\s?kk|kartu keluarga)\D{0,20}$", re.IGNORECASE)
_NAME = r"[A-Z][a-z']{1,20}(?: (?:[A-Z][a-z']{1,20}|[A-Z]\.|bin|binti)){0,3}"
_AGED = re.compile(rf"\b({_NAME})(?: ?\((\d{{1,2}})(?: ?(?:tahun|thn|th))?\)|,? (\d{{1,2}}) ?(?:tahun|thn|th)\b)")
_PERSON = (
    r"\b(?:korban|almarhum|almarhumah|bayi|balita|bocah|anak|putr[ai]|siswa|siswi|murid|santri|santriwati|pelajar|remaja)"
    r"(?:nya|ku)?\b"
)
_WHICH = r"(?: (?:yang|saya|kami|itu|ini|pertama|kedua|bungsu|sulung|tersebut)){0,2}"
_CALLED = re.compile(rf"{_PERSON},?{_WHICH},? (?:bernama |atas nama )?({_NAME})")
_NAMED = re.compile(
    rf"(?i:{_PERSON}[^.!?\n]{{0,40}}? (?:bernama|namanya|atas nama|(?:ber)?inisial)) (\w{{2,20}}(?: [A-Z]\w{{1,20}}){{0,3}})"
)
_NO_NAME = re.compile(
    r"(?:SD|SMP|SMA|SMK|MI|MTs|MA|TK|Kelas|Kecamatan|Kabupaten|Kota|Desa|Kelurahan|Kampung|Dusun|Provinsi|Sekolah|Madrasah|"
    r"Pondok|Polres|Polsek|Polda|Dinas|Senin|Selasa|Rabu|Kamis|Jumat|Sabtu|Minggu|Indonesia|Riau|Jalan|Rumah|Puskesmas|Tuhan|"
    r"Allah|Program|Makan|Undang|Sementara|Kini|Saat|Pada|Di|Itu|Hal|Sudah|Belum|Dr|Bapak|Ibu|Pak|Bu)\b"
)
_NO_WORD = re.compile(  # after "namanya": meminta namanya tidak ditulis
    r"(?:tidak|tak|nggak|gak?|enggan|jangan|belum|sudah|masih|juga|saja|ada|dan|karena|yang|di\w{4,}|ter\w{4,})\b"
)
_ADULT = 18
# Accounts of agencies and of the public complaint channels are nobody's personal data.
PUBLIC_HANDLES = re.compile(
    r"@(?:pln|lapor|ombudsman|pemko|pemkab|pemprov|pemda|disduk|dukcapil|dishub|dinas|diskominfo|polda|polres|polsek|polri|"
    r"divhumas|bpjs|telkom|indihome|kem|bpn|kantah|samsat|rsud|pdam|perumdam|tirta|bmkg|bnpb|bpbd|basarnas|pertamina|"
    r"ditjen|ojk|kpk|dprd|gubernur|bupati|walikota|humas)",
    re.IGNORECASE,
)


def personal_data(text: str, known: Iterable[Span] = ()) -> tuple[Span, ...]:
    """Spans of personal data, from left to right, apart from each other; labels as `analysis.Span` lists them.

    `known`: spans of places and agencies, which are no names of persons.
    """
    spans: list[Span] = []
    taken = [False] * (len(text) + 1)

    def take(found: Iterable[Span]) -> Iterator[Span]:
        for span in found:
            if not any(taken[span.start : span.end]):
                taken[span.start : span.end] = [True] * (span.end - span.start)
                yield span

    for finder in (_emails, _sixteen_digits, _accounts, _phones, _plates, _handles):
        spans += take(finder(text))
    for span in known:
        taken[span.start : span.end] = [True] * (span.end - span.start)
    spans += take(_names(text))
    return tuple(sorted(spans, key=lambda span: span.start))


def _emails(text: str) -> Iterator[Span]:
    if "@" in text:
        yield from (Span(*found.span(), "email") for found in _EMAIL.finditer(text))


def _sixteen_digits(text: str) -> Iterator[Span]:
    """A NIK holds a province, and a date of birth (40 added to the day of women), or is called one; a KK number by its word."""
    for found in _SIXTEEN.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if _KK_HINT.search(text[max(0, found.start() - 40) : found.start()]):
            yield Span(*found.span(), "kk")
        elif is_nik(digits) or _NIK_HINT.search(text[max(0, found.start() - 30) : found.start()]):
            yield Span(*found.span(), "nik")
        else:
            yield Span(*found.span(), "account")


def is_nik(digits: str) -> bool:
    """16 digits: province 11-97, day of birth 1-31 or 41-71, month 1-12."""
    day, month = int(digits[6:8]) % 40, int(digits[8:10])
    return 11 <= int(digits[:2]) <= 97 and 1 <= day <= 31 and 1 <= month <= 12 and int(digits[6:8]) <= 71


def _accounts(text: str) -> Iterator[Span]:
    yield from (Span(*found.span(1), "account") for found in _ACCOUNT.finditer(text))


def _phones(text: str) -> Iterator[Span]:
    """By the plan of numbers of Indonesia; half-hidden ones (0812-xxxx) are hidden already."""
    if not _PHONE_HINT.search(text):
        return
    import phonenumbers

    for match in phonenumbers.PhoneNumberMatcher(text, "ID", leniency=phonenumbers.Leniency.POSSIBLE):
        if _PHONE_HINT.match(match.raw_string):
            yield Span(match.start, match.end, "phone")


def _plates(text: str) -> Iterator[Span]:
    yield from (Span(*found.span(), "plate") for found in _PLATE.finditer(text))


def _handles(text: str) -> Iterator[Span]:
    for found in _HANDLE.finditer(text):
        if not PUBLIC_HANDLES.match(found[0]):
            yield Span(*found.span(), "handle")


def _names(text: str) -> Iterator[Span]:
    for found in _AGED.finditer(text):
        if int(found[2] or found[3]) < _ADULT and not _NO_NAME.match(found[1]):
            yield Span(*found.span(1), "name")
    for pattern in (_CALLED, _NAMED):
        for found in pattern.finditer(text):
            if not (_NO_NAME.match(found[1]) or _NO_WORD.match(found[1])):
                yield Span(*found.span(1), "name")
