"""The desk: a day's part, a candidate in hand, late writes, several at once; and whether its colours can be read."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from intake.database import Sessions
from intake.models import AuditRow, Candidate, Decision, Lease, Mention, Person, Remit, Reporter, Suggestion, now
from intake.people import accounts
from intake.review import leases
from intake.settings import Settings
from intake.web.app import create_app
from tests.intake.made import OUTAGE, document, told
from tests.intake.web.test_console import PASSWORD, WEB, candidates, client, factory, sign_in, token

__all__ = ["candidates", "client", "factory"]  # fixtures


@pytest.fixture
def sari(factory: Sessions, settings: Settings) -> TestClient:
    """A second officer, signed in in a browser of her own."""
    with factory.begin() as session:
        accounts.add_person(session, "sari", "officer", PASSWORD)
    other = TestClient(create_app(factory, settings), base_url="http://127.0.0.1")
    sign_in(other, "sari")
    return other


def post(client: TestClient, path: str, **data: Any) -> Any:
    page = client.get("/").text
    return client.post(path, data={"csrf": token(page), **data})


def held(html: str) -> str:
    return re.findall(r'name="lease" value="(\d*)"', html)[0]


def decided(factory: Sessions) -> list[tuple[str, int]]:
    with factory.begin() as session:
        return [(one.action, one.candidate_id) for one in session.scalars(select(Decision).order_by(Decision.id))]


# ---- in hand


def test_looking_takes_nothing_working_does(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    sign_in(client)
    assert held(client.get(f"/kandidat/{candidates[0]}").text) == ""
    with factory.begin() as session:
        assert leases.holder(session, candidates[0]) is None
    page = post(client, f"/kandidat/{candidates[0]}/sewa").text
    assert held(page) == "1" and "Anda pegang sampai" in page
    assert held(client.get(f"/kandidat/{candidates[0]}").text) == "1"


def test_starting_opens_the_first_and_deciding_the_next(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    first = post(client, "/antrean/berikutnya")
    assert str(first.url).endswith(f"/kandidat/{candidates[0]}") and held(first.text) == "1"
    form = {"version": 1, "action": "decide", "reason": "settled", "lease": held(first.text)}
    second = post(client, f"/kandidat/{candidates[0]}/putusan", **form)
    assert str(second.url).endswith(f"/kandidat/{candidates[1]}") and held(second.text) == "1"
    done = post(
        client, f"/kandidat/{candidates[1]}/putusan", version=1, action="decide", days=3, lease=held(second.text)
    )
    assert str(done.url).endswith("/") and "1 ditunda" in done.text


def test_what_is_passed_over_is_not_offered_again(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    sign_in(client)
    post(client, "/antrean/berikutnya")
    passed = post(client, "/antrean/berikutnya", after=candidates[0])
    assert str(passed.url.path) == f"/kandidat/{candidates[1]}"
    with factory.begin() as session:
        assert leases.holder(session, candidates[0]) is None
    way = re.findall(r'name="way" value="([^"]+)"', passed.text)[0]
    form = {"version": 1, "action": "decide", "track": "watch", "way": unescape(way)}
    assert post(client, f"/kandidat/{candidates[1]}/putusan", **form).url.path == "/"


def test_another_ones_candidate_is_read_and_taken_over(
    client: TestClient, sari: TestClient, candidates: list[int], factory: Sessions
) -> None:
    sign_in(client)
    path = f"/kandidat/{candidates[0]}"
    mine = held(post(client, f"{path}/sewa").text)
    assert "sedang dibuka rina" in sari.get("/").text
    page = sari.get(path).text
    assert re.search(r"Sedang dibuka rina sejak \d\d\.\d\d, sampai \d\d\.\d\d\.", page)
    assert "/putusan" not in page
    refused = post(sari, f"{path}/putusan", version=1, action="decide", track="watch", note="tulisan sari")
    assert refused.status_code == 409 and "sedang dibuka oleh rina" in refused.text
    assert "tulisan sari" in refused.text, "what was typed is kept"
    taken = post(sari, f"{path}/ambil-alih", note="tulisan sari")
    assert held(taken.text) == "2" and ">tulisan sari</textarea>" in taken.text
    with factory.begin() as session:
        assert session.scalars(select(AuditRow.action).where(AuditRow.action == "lease.take_over")).all()
    late = post(client, f"{path}/putusan", version=1, action="decide", track="rco", lease=mine, note="tulisan rina")
    assert late.status_code == 409
    assert re.search(r"diambil alih oleh sari pukul \d\d\.\d\d\. Putusan Anda tidak disimpan", late.text)
    assert "tulisan rina" in late.text
    assert decided(factory) == []


def test_a_late_write_is_told_what_was_decided(
    client: TestClient, sari: TestClient, candidates: list[int], factory: Sessions
) -> None:
    sign_in(client)
    path = f"/kandidat/{candidates[0]}"
    mine = held(post(client, f"{path}/sewa").text)
    theirs = held(post(sari, f"{path}/ambil-alih").text)
    post(sari, f"{path}/putusan", version=1, action="decide", reason="hoax", lease=theirs)
    late = post(client, f"{path}/putusan", version=1, action="decide", track="rco", lease=mine, note="saya kira")
    assert "sudah diputuskan oleh sari" in late.text and "Ditutup karena tidak relevan" in late.text
    assert "saya kira" in late.text


def test_the_script_is_answered_in_json(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    csrf = token(sign_in(client))
    path, headers = f"/kandidat/{candidates[0]}/sewa", {"accept": "application/json"}
    took = client.post(path, data={"csrf": csrf}, headers=headers).json()
    assert took["token"] == 1 and took["words"].startswith("Anda pegang sampai")
    with factory.begin() as session:
        session.get_one(Lease, candidates[0]).until = now() - timedelta(seconds=1)
    late = client.post(path, data={"csrf": csrf, "lease": "1"}, headers=headers)
    assert late.status_code == 409 and "pilih kerjakan" in late.json()["words"].lower()
    assert client.post(path, data={"csrf": "x"}, headers=headers).status_code == 403


def test_whoever_may_not_decide_takes_nothing(client: TestClient, candidates: list[int]) -> None:
    sign_in(client, "ana")
    assert "Kerjakan" not in client.get(f"/kandidat/{candidates[0]}").text
    assert "Mulai" not in client.get("/").text
    assert post(client, "/antrean/berikutnya").status_code == 403
    assert post(client, f"/kandidat/{candidates[0]}/sewa").status_code == 403
    assert post(client, f"/kandidat/{candidates[0]}/ambil-alih").status_code == 403


# ---- the day


def test_the_days_part_ends_but_danger_does_not(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    assert "<strong>30 menit, 2 kandidat hari ini</strong>; 0 sudah, 2 lagi." in sign_in(client)
    with factory.begin() as session:
        session.scalars(select(Person).where(Person.name == "rina")).one().daily_minutes = 0
    done = client.get("/").text
    assert "Selesai untuk hari ini" in done
    assert f"/kandidat/{candidates[0]}" not in done
    onward = client.get(unescape(re.findall(r'href="([^"]+)">Lanjutkan juga hari ini', done)[0])).text
    assert f"/kandidat/{candidates[0]}?on=true" in onward
    assert "Selesai untuk hari ini" not in client.get("/?sector=LIS").text, "whoever looks for something sees it"
    with factory.begin() as session:
        session.get_one(Candidate, candidates[1]).urgency = "U1"
    assert f"/kandidat/{candidates[1]}" in client.get("/").text
    assert post(client, "/antrean/berikutnya").url.path == f"/kandidat/{candidates[1]}"


def test_ones_own_pace_is_shown_once_there_is_one(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    assert "Biasanya Anda memutuskan" not in sign_in(client)
    page = post(client, "/antrean/berikutnya").text
    form = {"version": 1, "action": "decide", "track": "watch", "lease": held(page)}
    post(client, f"/kandidat/{candidates[0]}/putusan", **form)
    with factory.begin() as session:
        session.scalars(select(Decision)).one().seconds = 42
    assert "Biasanya Anda memutuskan dalam 42 detik; hanya Anda yang melihat ini." in client.get("/").text


def test_ones_own_part_is_offered_to_whoever_has_one(
    client: TestClient, candidates: list[int], factory: Sessions
) -> None:
    assert "bagian saya saja" not in sign_in(client)
    with factory.begin() as session:
        rina = session.scalars(select(Person).where(Person.name == "rina")).one()
        rina.remits.append(Remit(region="14.01", bounds=False))
    assert "bagian saya saja" in client.get("/").text
    mine = client.get("/?mine=true").text
    assert f"/kandidat/{candidates[1]}?mine=true" in mine and f"/kandidat/{candidates[0]}" not in mine
    assert 'name="mine" value="true"' in mine and "Simpan tampilan ini" in mine


# ---- several at once


def test_several_are_decided_and_undone_at_once(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    html = sign_in(client)
    items = re.findall(r'name="item" value="(\d+:\d+)"', html)
    done = post(client, "/putusan/bersama", item=items, action="close", reason="settled", note="rapat")
    assert done.url.path.endswith("/hasil") and "2 kandidat" in done.text
    assert [one[0] for one in decided(factory)] == ["not_relevant"] * 2
    undo = re.findall(r'action="(/putusan/\d+/urungkan)"', done.text)[0]
    back = post(client, undo)
    assert "2 kandidat kembali seperti semula; diurungkan rina" in back.text
    with factory.begin() as session:
        assert set(session.scalars(select(Candidate.state))) == {"candidate"}


def test_where_one_is_refused_all_stay_and_the_rest_can_be_decided(
    client: TestClient, sari: TestClient, candidates: list[int], factory: Sessions
) -> None:
    items = re.findall(r'name="item" value="(\d+:\d+)"', sign_in(client))
    post(sari, f"/kandidat/{candidates[0]}/sewa")
    refused = post(client, "/putusan/bersama", item=items, action="snooze", days=3)
    assert refused.status_code == 409 and decided(factory) == []
    assert "sedang dibuka oleh sari" in refused.text and "Dibiarkan, karena kandidat lain" in refused.text
    left = re.findall(r'name="item" value="(\d+:\d+)"', refused.text)
    assert left == [f"{candidates[1]}:1"]
    post(client, "/putusan/bersama", item=left, action="snooze", days=3)
    assert decided(factory) == [("snooze", candidates[1])]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"action": "accept", "track": "watch"}, "Diterima"),
        ({"action": "accept", "track": ""}, "Pilih jalur untuk menerima"),
        ({"action": "close", "reason": ""}, "Pilih alasan menutup"),
        ({"action": "correct"}, "Pilih sekurangnya satu hal yang dibetulkan"),
        ({"action": "correct", "region": "14.7"}, "Pembetulan itu tidak dikenal"),
        ({"action": "correct", "agency": "Dinas Perhubungan Kota Pekanbaru"}, "Dibetulkan"),
        ({"action": "correct", "agency": "Dinas Antah Berantah"}, "Tidak ada instansi bernama"),
        ({"action": "snooze", "days": "7"}, "Ditunda"),
    ],
)
def test_every_action_is_there_for_several(
    client: TestClient, candidates: list[int], given: dict[str, str], words: str
) -> None:
    items = re.findall(r'name="item" value="(\d+:\d+)"', sign_in(client))
    assert words in post(client, "/putusan/bersama", item=items, **given).text


def test_several_are_corrected_in_what_was_chosen(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    items = re.findall(r'name="item" value="(\d+:\d+)"', sign_in(client))
    chosen = {"action": "correct", "agency": "", "kind": "", "region": "14.08", "sector": "AIR", "form": "-"}
    done = post(client, "/putusan/bersama", item=items, **chosen)
    assert "Dibetulkan: 2 kandidat." in done.text
    with factory.begin() as session:
        rows = session.scalars(select(Candidate).order_by(Candidate.id)).all()
        assert [(one.region, one.sector, one.form) for one in rows] == [("14.08", "AIR", None)] * 2
        assert rows[0].agency_id == "VT-PLN-UP3DMI", "what was left, stays"
        session.get_one(Candidate, candidates[0]).sector = "LIS"
    items = [f"{number}:2" for number in candidates]
    refused = post(client, "/putusan/bersama", item=items, action="correct", sector="AIR")
    assert refused.status_code == 409 and "Isinya sudah demikian" in refused.text
    assert re.findall(r'name="item" value="(\d+:\d+)"', refused.text) == [f"{candidates[0]}:2"]
    assert '<input type="hidden" name="sector" value="AIR">' in refused.text, "so that the rest can be decided"


def test_nothing_chosen_is_said(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    assert "Pilih 1 sampai" in post(client, "/putusan/bersama", action="snooze", days=1).text
    assert post(client, "/putusan/bersama", item="1:x", action="snooze").status_code == 422
    assert client.get("/?pilih=semua").text.count("checked") == len(candidates)


# ---- correcting, suggestions, splitting, a reporter


def test_a_correction_stays_with_the_candidate(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    sign_in(client)
    path = f"/kandidat/{candidates[1]}"
    page = post(client, f"{path}/sewa").text
    shown = {"region": "14.01", "form": "MA02", "agency": ""}
    form = {"version": 1, "action": "correct", "lease": held(page)} | shown
    wrong = post(client, f"{path}/putusan", **form | {"agency": "PDAM Antah"})
    assert wrong.status_code == 422 and 'value="PDAM Antah"' in wrong.text
    with factory.begin() as session:
        was = session.get_one(Candidate, candidates[1])
        given = form | {
            "sector": "AIR",
            "kind": was.kind or "",
            "urgency": was.urgency or "",
            "district": was.district or "",
            "agency": was.agency.name if was.agency else "",
        }
    done = post(client, f"{path}/putusan", **given)
    assert done.url.path == path and "Dibetulkan." in done.text and held(done.text) == held(page)
    with factory.begin() as session:
        (decision,) = session.scalars(select(Decision))
        assert decision.changes == {"sector": [None, "AIR"]}
    nothing = post(client, f"{path}/putusan", **given | {"version": 2})
    assert "Isinya sudah demikian" in nothing.text


def test_a_suggestion_is_joined_or_turned_down_and_either_taken_back(
    client: TestClient, candidates: list[int], factory: Sessions
) -> None:
    sign_in(client)
    one, two = candidates
    with factory.begin() as session:
        suggestion = Suggestion(first_id=one, second_id=two, score=2.0, reasons=["time", "words"])
        session.add(suggestion)
        session.flush()
        number = suggestion.id
    page = client.get(f"/kandidat/{two}").text
    assert "Mungkin kejadian yang sama" in page and "waktu berdekatan, kata kunci yang sama" in page
    joined = post(client, f"/kandidat/{two}/saran/{number}", action="duplicate", version=1)
    assert joined.url.path == f"/kandidat/{one}" and f"Digabung: #{two} masuk ke #{one}" in joined.text
    post(client, re.findall(r'action="(/putusan/\d+/urungkan)"', joined.text)[0])
    path = f"/kandidat/{two}/saran/{number}"
    said = post(client, path, action="apart").text
    assert "Dicatat sebagai kejadian lain" in said and "Mungkin kejadian yang sama" not in said
    assert re.search(r"Kejadian lain, kata petugas.*?rina, .*?Urungkan", said, re.DOTALL)
    assert "Kejadian lain, kata petugas" in client.get(f"/kandidat/{one}").text, "from either side"
    assert "sudah dijawab" in post(client, path, action="apart").text
    asked = post(client, path, action="ask").text
    assert "Mungkin kejadian yang sama" in asked and "Kejadian lain, kata petugas" not in asked
    assert "tidak ada yang diurungkan" in post(client, path, action="ask").text


def test_copies_are_folded_and_a_mention_is_split_off(client: TestClient, factory: Sessions) -> None:
    long = OUTAGE + ". Warga sudah tiga kali menelepon dan hanya diminta menunggu tanpa kepastian waktu"
    with factory.begin() as session:
        first = told(session, document(1, long, title="Listrik Padam", kind="article", source="Koran"))
        told(session, document(2, f"{long}.", title="Padam di Duri", kind="article", source="Kabar"))
        assert first is not None
        number, second = first.id, max(session.scalars(select(Mention.id)))
    sign_in(client)
    page = client.get(f"/kandidat/{number}").text
    assert page.count("tanpa kepastian waktu") == 1, "the words of a copy are not printed again"
    assert re.search(r"salinan dari (Koran|Kabar), sama \d+%", page)
    split = post(client, f"/kandidat/{number}/putusan", version=1, action="split", mentions=[second])
    assert split.url.path == f"/kandidat/{number}" and f"Dipisahkan dari #{number}, menjadi" in split.text
    assert "salinan dari" not in split.text


def test_a_headline_alone_says_so(client: TestClient, factory: Sessions) -> None:
    with factory.begin() as session:
        one = told(session, document(1, "Listrik Padam di Duri", title="Listrik Padam di Duri", kind="article"))
        assert one is not None
    sign_in(client)
    assert "hanya judul" in client.get(f"/kandidat/{one.id}").text


def test_a_report_needs_who_reports(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    sign_in(client)
    path = f"/kandidat/{candidates[0]}"
    assert 'value="laporan"' not in client.get(path).text
    refused = post(client, f"{path}/putusan", version=1, action="decide", track="laporan")
    assert "Catat dahulu identitas pelapor" in refused.text
    given = {"name": "Ibu Contoh", "contact": "0812 0000 0000"}
    kept = post(client, f"{path}/pelapor", **given)
    assert kept.status_code == 422 and 'value="Ibu Contoh"' in kept.text
    saved = post(client, f"{path}/pelapor", **given, prior_complaint="ke PLN, 2 November")
    assert 'value="laporan"' in saved.text and "Ibu Contoh" not in saved.text
    with factory.begin() as session:
        assert session.scalars(select(Reporter.name)).all() == ["Ibu Contoh"]
    assert (
        "Diterima: Jadikan laporan."
        in post(client, f"{path}/putusan", version=1, action="decide", track="laporan").text
    )


def test_a_name_that_is_not_known_leaves_the_form_open_with_names_near_it(
    client: TestClient, candidates: list[int], factory: Sessions
) -> None:
    sign_in(client)
    path = f"/kandidat/{candidates[1]}"
    form = {"version": 1, "action": "correct", "lease": held(post(client, f"{path}/sewa").text)}
    form |= {"kind": "DISHUB", "region": "14.01"}
    refused = post(client, f"{path}/putusan", **form, agency="Dinas Perhubungan Pekan baru", sector="AIR").text
    details = refused[refused.index('<details id="betulkan" open>') :]
    assert re.search(r'name="agency" list="instansi"[^>]*autofocus aria-describedby="ditolak"', details)
    assert refused.count("Tidak ada instansi bernama") == 1 and 'id="ditolak"' in details
    near = re.findall(r'<button form="dekat" name="agency" value="([^"]+)"', details)
    assert 0 < len(near) <= 3 and "Dinas Perhubungan Kota Pekanbaru" in near
    carried = dict(re.findall(r'name="(\w+)" value="([^"]*)"', details[: details.index("</form>")]))
    assert carried["sector"] == "AIR", "what else was typed comes along"
    done = post(client, f"{path}/putusan", **carried | {"agency": "Dinas Perhubungan Kota Pekanbaru"})
    assert "Dibetulkan" in done.text
    with factory.begin() as session:
        agency = session.get_one(Candidate, candidates[1]).agency
        assert agency and agency.name == "Dinas Perhubungan Kota Pekanbaru"


def test_urgency_is_corrected_and_lowered_with_a_reason(
    client: TestClient, candidates: list[int], factory: Sessions
) -> None:
    sign_in(client)
    path = f"/kandidat/{candidates[0]}"
    with factory.begin() as session:
        one = session.get_one(Candidate, candidates[0])
        asis = {name: getattr(one, name) or "" for name in ("kind", "region", "district", "sector", "form")}
        asis["agency"] = one.agency.name if one.agency else ""
    page = post(client, f"{path}/sewa").text
    form = asis | {"action": "correct", "lease": held(page)}
    raised = post(client, f"{path}/putusan", **form, version=1, urgency="U1")
    assert "Tingkat urgensi: Kritis" in raised.text
    refused = post(client, f"{path}/putusan", **form, version=2, urgency="U3")
    assert refused.status_code == 422 and "mengapa ini tidak kritis" in refused.text
    assert re.search(r'<input name="note"[^>]*autofocus', refused.text)
    post(client, f"{path}/putusan", **form, version=2, urgency="U3", note="kabelnya sudah mati")
    items = [f"{candidates[0]}:3", f"{candidates[1]}:1"]
    post(client, "/putusan/bersama", item=items, action="correct", urgency="U2")
    with factory.begin() as session:
        assert set(session.scalars(select(Candidate.urgency))) == {"U2"}


def test_no_letter_stands_on_two_things(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    """Also where a decision can be undone from the message, and another one from the history."""
    sign_in(client)
    with factory.begin() as session:
        session.add(Suggestion(first_id=candidates[0], second_id=candidates[1], score=2.0, reasons=["time"]))
    page = post(client, "/antrean/berikutnya").text
    post(client, f"/kandidat/{candidates[1]}/putusan", version=1, action="correct", region="14.71")
    done = post(client, f"/kandidat/{candidates[0]}/putusan", version=1, action="decide", track="watch")
    assert done.url.path == f"/kandidat/{candidates[1]}" and "Riwayat putusan" in done.text
    queue = client.get("/").text
    for html in (page, done.text, queue):
        letters = re.findall(r"<kbd>([^<]+)</kbd>", html.partition("<dialog")[0])
        assert len(letters) == len(set(letters)), sorted(letters)
    sheet = queue[queue.index("<dialog") :]
    told = set(re.findall(r"<kbd>(.)</kbd>", sheet)) | set("12345")
    used = re.findall(r'data-(?:key|focus|cycle|chord)="(.)', page + done.text + queue)
    assert set(used) <= told, "the sheet tells all of it"


def test_the_text_stands_above_what_it_may_be_the_same_as(
    client: TestClient, candidates: list[int], factory: Sessions
) -> None:
    sign_in(client)
    with factory.begin() as session:
        session.add(Suggestion(first_id=candidates[0], second_id=candidates[1], score=2.0, reasons=["time"]))
    page = client.get(f"/kandidat/{candidates[0]}").text
    folded = page[page.index("suggested") : page.index("Apa yang terdengar")]
    assert folded.count("<details") == 0 and "(1)" in folded and "</details>" in folded


def test_the_page_says_how_far_the_day_is(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    first = post(client, "/antrean/berikutnya")
    assert "hari ini: 1 dari 2" in first.text
    second = post(client, f"/kandidat/{candidates[0]}/putusan", version=1, action="decide", track="watch")
    assert "hari ini: 2 dari 2" in second.text
    assert "hari ini:" not in client.get(f"/kandidat/{candidates[1]}?sector=LIS").text


def test_muting_what_is_like_a_candidate_is_filled_in(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    link = unescape(re.findall(r'<a href="([^"]+)" data-key="b"', client.get(f"/kandidat/{candidates[0]}").text)[0])
    assert '<option value="LIS" selected>' in client.get(link).text


# ---- look


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    """As WCAG 2.2 computes it."""
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


INKS = ("ink", "soft", "wood", "danger", "high", "good")
READ = [(ink, ground) for ink in INKS for ground in ("paper", "card")]
READ += [("wood-ink", "wood"), ("card", "danger")]
READ += [("mark-ink", mark) for mark in ("failure", "agency", "place", "hurry")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_read_has_contrast(scheme: str) -> None:
    """Level AA: 4.5 for text; 3 for the frame of what is focused and of a field."""
    css = (WEB / "static/kentongan.css").read_text()
    roots = [dict(re.findall(r"--([\w-]+): (#\w+)", root)) for root in re.findall(r":root \{(.*?)\}", css, re.DOTALL)]
    colours = roots[0] if scheme == "light" else roots[0] | roots[1]
    poor = {pair: contrast(*(colours[name] for name in pair)) for pair in READ}
    assert {pair: round(value, 2) for pair, value in poor.items() if value < 4.5} == {}
    for frame in ("focus", "soft"):
        assert min(contrast(colours[frame], colours[ground]) for ground in ("paper", "card")) >= 3
