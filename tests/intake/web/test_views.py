"""Saved views, their feeds, and what is muted, as a browser and a feed reader meet them."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from html import unescape
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from jinja2 import Template
from sqlalchemy import select

from crawler.dates import WIB
from intake.database import Sessions
from intake.models import Alert, Candidate, Mention, Mute, Person, SavedView, now
from intake.review import handled
from intake.settings import Settings
from intake.web.i18n import translator
from intake.web.present import Presenter
from intake.web.visitor import templates
from tests.intake.made import NOW
from tests.intake.web.test_console import client, factory, sign_in, token

__all__ = ["client", "factory"]  # fixtures

ODD = "Listrik & <b>Air</b> \x08Padam \ufffe]]>"


@pytest.fixture
def candidates(factory: Sessions) -> Iterator[list[int]]:
    """One of the press in Dumai, one of a post in Siak."""
    with factory.begin() as session:
        made = [
            Candidate(headline=headline, sector="LIS", region=region, urgency="U2", p_failure=0.9, rank=rank,
                      first_told_at=NOW, last_told_at=NOW)
            for headline, region, rank in ((ODD, "14.72", 2.0), ("kata orang", "14.08", 1.0))
        ]  # fmt: skip
        session.add_all(made)
        session.flush()
        for one, kind in zip(made, ("article", "post"), strict=True):
            title = one.headline if kind == "article" else ""
            session.add(Mention(key=kind, source="Koran", url="", title=title, text=one.headline, kind=kind,
                                told_at=NOW, fetched_at=NOW, candidate_id=one.id))  # fmt: skip
    yield [one.id for one in made]


def post(client: TestClient, path: str, page: str = "/akun", **data: Any) -> Any:
    return client.post(path, data={"csrf": token(client.get(page).text), **data})


def save(client: TestClient, name: str = "Dumai", **filters: str) -> int:
    answer = post(client, "/pandangan", name=name, **filters)
    assert answer.status_code == 200, answer.text
    return int(str(answer.url).split("/")[-2])


def feed_address(client: TestClient, view: int) -> str:
    """Of a new feed, without its ending."""
    page = post(client, f"/pandangan/{view}/umpan").text
    (address,) = re.findall(r">http://127\.0\.0\.1(/umpan/[\w-]{43,})\.rss<", page)
    return str(address)


def test_the_filters_of_the_queue_are_kept_and_opened(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    form = templates.from_string('{% import "view_parts.html" as view %}{{ view.save(chosen, "x", _) }}')
    chosen = {
        "state": "all",
        "region": "14.72",
        "sector": "",
        "urgency": "",
        "text": "a&b",
        "agency_id": "",
        "mine": "",
    }
    html = form.render(chosen=chosen, _=translator("id"))
    fields = {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html)}
    view = save(client, **{name: value for name, value in fields.items() if name != "csrf"})
    answer = client.get(f"/pandangan/{view}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?state=all&region=14.72&text=a%26b")
    listed = client.get("/pandangan").text
    assert "semua keadaan · Kota Dumai · “a&amp;b”" in listed
    page = client.get(f"/pandangan/{save(client, region='14.08')}").text
    assert "kata orang" in page
    assert "Padam" not in page
    assert client.get(f"/pandangan/{save(client)}", follow_redirects=False).headers["location"] == "/"


def test_a_view_narrows_by_agency_and_by_ones_own_remit(
    client: TestClient, factory: Sessions, candidates: list[int]
) -> None:
    sign_in(client)
    with factory.begin() as session:
        session.get_one(Candidate, candidates[0]).agency_id = "VT-PLN-UP3DMI"
    page = client.get(f"/pandangan/{save(client, agency_id='VT-PLN-UP3DMI', mine='true')}")
    assert page.url.query == b"agency_id=VT-PLN-UP3DMI&mine=true"
    assert "Padam" in page.text
    assert "kata orang" not in page.text


def test_what_is_refused_is_said_in_words(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    for filters, words in (({"region": "99.99"}, "“99.99” tidak dikenal"), ({"name": ""}, "Beri tampilan ini nama")):
        answer = post(client, "/pandangan", **{"name": "Dumai"} | filters)
        assert answer.status_code == 422
        assert words in answer.text
    view = save(client)
    assert "Beri tampilan ini nama" in post(client, f"/pandangan/{view}/nama", name="x").text
    assert "Kota" in post(client, f"/pandangan/{view}/nama", name="Kota").text
    assert client.post("/pandangan", data={"name": "tanpa token"}).status_code == 403
    assert client.get("/pandangan/999").status_code == 404


def test_another_person_sees_a_shared_view_and_changes_nothing(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    view = save(client)
    post(client, f"/pandangan/{view}/bagikan", shared="true")
    private = save(client, "Rahasia")
    post(client, "/keluar")
    sign_in(client, "ana")
    listed = client.get("/pandangan").text
    assert ("Dumai" in listed, "Rahasia" in listed, "rina" in listed, "/atur" in listed) == (True, False, True, False)
    assert client.get(f"/pandangan/{view}").status_code == 200
    assert client.get(f"/pandangan/{private}").status_code == 404
    assert client.get(f"/pandangan/{view}/atur").status_code == 404
    for act, data in (("nama", {"name": "lain"}), ("umpan", {}), ("hapus", {}), ("pemberitahuan", {"on": "true"})):
        assert post(client, f"/pandangan/{view}/{act}", **data).status_code == 404, act
    own = save(client, "milik ana")
    assert post(client, f"/pandangan/{own}/bagikan", shared="true").status_code == 403
    assert post(client, f"/pandangan/{own}/hapus").status_code == 200
    assert "milik ana" not in client.get("/pandangan").text


# ---- the feed --------------------------------------------------------------------------------------------------------


def test_a_feed_is_read_without_an_account(
    client: TestClient, factory: Sessions, settings: Settings, candidates: list[int]
) -> None:
    sign_in(client)
    address = feed_address(client, save(client))
    assert address not in client.get("/pandangan/1/atur").text, "it is shown once"
    client.cookies.clear()
    rss = client.get(f"{address}.rss")
    assert (rss.status_code, rss.headers["content-type"]) == (200, "application/rss+xml; charset=utf-8")
    channel = ElementTree.fromstring(rss.content).find("channel")  # one that can be read, whatever a headline holds
    assert channel is not None
    post_item, item = channel.findall("item")
    assert item.findtext("title") == "Listrik & <b>Air</b> �Padam �]]>"
    assert item.findtext("link") == f"http://127.0.0.1/kandidat/{candidates[0]}"
    assert item.findtext("guid") == f"kandidat:{candidates[0]}"
    assert parsedate_to_datetime(item.findtext("pubDate") or "") <= now()
    assert "Kelistrikan · Kota Dumai · instansi belum diketahui" in (item.findtext("description") or "")
    assert post_item.findtext("title") == "Unggahan publik: Kelistrikan, Kabupaten Siak"
    feed = client.get(f"{address}.json")
    assert feed.headers["content-type"] == "application/feed+json; charset=utf-8"
    told = feed.json()
    assert (told["version"], told["title"]) == ("https://jsonfeed.org/version/1.1", "Kentongan: Dumai")
    assert [one["url"] for one in told["items"]] == [f"http://127.0.0.1/kandidat/{one}" for one in reversed(candidates)]
    assert all({"id", "content_text", "date_published"} <= set(one) for one in told["items"])
    assert "kata orang" not in rss.text + feed.text
    assert ElementTree.fromstring(client.get(f"{address}.rss").content) is not None


@pytest.mark.parametrize("ending", ["rss", "json"])
def test_a_feed_that_did_not_change_is_not_sent_again(
    client: TestClient, factory: Sessions, candidates: list[int], ending: str
) -> None:
    sign_in(client)
    path = f"{feed_address(client, save(client))}.{ending}"
    first = client.get(path)
    tag, at = first.headers["etag"], first.headers["last-modified"]
    assert first.headers["cache-control"] == "private, no-cache"
    before = format_datetime(parsedate_to_datetime(at) - timedelta(seconds=1), usegmt=True)
    for headers, status in (
        ({"if-none-match": tag}, 304),
        ({"if-none-match": f'"x", W/{tag}'}, 304),
        ({"if-none-match": '"x"', "if-modified-since": at}, 200),
        ({"if-modified-since": at}, 304),
        ({"if-modified-since": before}, 200),
        ({"if-modified-since": "kemarin"}, 200),
    ):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, bool(answer.content)) == (status, status == 200), headers
        assert answer.headers["etag"] == tag
    with factory.begin() as session:
        session.get_one(Candidate, candidates[1]).state = "outside"
    changed = client.get(path, headers={"if-none-match": tag})
    assert (changed.status_code, "Siak" in changed.text) == (200, False)


def test_a_feed_that_is_over_is_not_there(client: TestClient, factory: Sessions, candidates: list[int]) -> None:
    sign_in(client)
    view = save(client)
    old, new = feed_address(client, view), feed_address(client, view)
    assert [client.get(f"{one}.rss").status_code for one in (old, new)] == [404, 200]
    post(client, f"/pandangan/{view}/umpan/cabut")
    assert client.get(f"{new}.json").status_code == 404
    last = feed_address(client, view)
    with factory.begin() as session:
        session.scalars(select(Person).where(Person.name == "rina")).one().disabled = True
    for path in (f"{last}.rss", f"{last}.json", "/umpan/x.rss", f"{last}.xml", last):
        assert client.get(path).status_code == 404


# ---- alerts ----------------------------------------------------------------------------------------------------------


def test_the_page_says_where_alerts_go_and_what_is_missing(client: TestClient, factory: Sessions) -> None:
    sign_in(client)
    view = save(client)
    page = f"/pandangan/{view}/atur"
    assert "Pemberitahuan mati." in client.get(page).text
    assert (
        "belum ada alamat: tidak ada yang dikirim" in post(client, f"/pandangan/{view}/pemberitahuan", on="true").text
    )
    refused = post(client, f"/pandangan/{view}/alamat", address="nama@kantor.example")
    assert (refused.status_code, "server surel kantor belum diatur" in refused.text) == (422, True)
    kept = post(client, f"/pandangan/{view}/alamat", address="console://").text
    assert "diberitahukan ke catatan layanan ini saja" in kept
    assert "minta pengelola program mengatur alamat konsol" in kept
    with factory.begin() as session:
        rina = session.scalars(select(Person).where(Person.name == "rina")).one()
        assert (rina.address, session.get_one(SavedView, view).alerts) == ("console://", True)
        session.add(Alert(person_id=rina.id, subject="[Kentongan] 1 kandidat baru", body="", state="failed"))
    assert "belum ada alamat" in post(client, f"/pandangan/{view}/alamat", address="").text
    with factory.begin() as session:
        session.scalars(select(Alert)).one().state = "failed"
    post(client, "/keluar")
    sign_in(client, "bos")
    assert "<td>rina</td>" in client.get("/kontak").text


# ---- what is muted ---------------------------------------------------------------------------------------------------


def test_muting_and_ending_it(client: TestClient, factory: Sessions, candidates: list[int]) -> None:
    sign_in(client)
    until = (now().astimezone(WIB).date() + timedelta(days=3)).isoformat()
    given = {"region": "14.72", "reason": "pemeliharaan & <i>jadwal</i>", "until": until}
    page = post(client, "/bisukan", **given)
    assert page.status_code == 200
    for words in ("Kota Dumai", "pemeliharaan &amp; &lt;i&gt;jadwal", "rina", "1 kandidat"):
        assert words in page.text
    assert "Padam" not in client.get("/").text
    with factory.begin() as session:
        row = session.scalars(select(Mute)).one()
        assert row.until.astimezone(WIB).strftime("%H:%M") == "00:00", "the last day is whole"
    assert "Tidak ada yang dibisukan" in post(client, f"/bisukan/{row.id}/akhiri").text
    assert "Padam" in client.get("/").text
    assert post(client, f"/bisukan/{row.id}/akhiri").status_code == 404


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"region": ""}, "Pilih layanan, daerah, atau instansi"),
        ({"reason": ""}, "mengapa ini dibisukan"),
        ({"until": "besok"}, "paling lama 90 hari"),
        ({"until": "2099-01-01"}, "paling lama 90 hari"),
        ({"until": "9999-12-31"}, "paling lama 90 hari"),
        ({"agency": "Dinas Antah"}, "Tidak ada instansi bernama Dinas Antah"),
    ],
)
def test_what_cannot_be_muted_is_said_and_what_was_typed_stays(
    client: TestClient, candidates: list[int], change: dict[str, str], words: str
) -> None:
    sign_in(client)
    until = (now().astimezone(WIB).date() + timedelta(days=3)).isoformat()
    answer = post(client, "/bisukan", **{"region": "14.72", "reason": "sedang dipelihara", "until": until} | change)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert change.get("reason", "sedang dipelihara") in answer.text


@pytest.mark.parametrize("name", ["ana", "hub"])
def test_who_may_not_mute_sees_nothing_of_it(client: TestClient, candidates: list[int], name: str) -> None:
    sign_in(client, name)
    assert client.get("/bisukan").status_code == 403
    assert post(client, "/bisukan", region="14.72").status_code == 403
    assert post(client, "/bisukan/1/akhiri").status_code == 403
    assert "/bisukan" not in client.get("/pandangan").text


# ---- hints -----------------------------------------------------------------------------------------------------------


def test_hints_are_shown_with_what_they_rest_on(settings: Settings) -> None:
    form: Template = templates.from_string('{% import "hints.html" as hints %}{{ hints.hints(found, say._, say) }}')
    say = Presenter("en", "riau")
    link = handled.Hint("over", "selesai", "over & done", NOW, mention_id=4, url="https://koran.example/4", quote="<b>")
    inner = handled.Hint("over", "selesai", "over", NOW, mention_id=7)
    bad = handled.Hint("over", "selesai", "over", NOW, url="javascript:x")
    html = form.render(found=(link, inner, bad), say=say)
    for part in (
        "over &amp; done",
        "&lt;b&gt;",
        'href="https://koran.example/4"',
        'href="/sebutan/7/asli"',
        "Perhaps handled",
    ):
        assert part in html
    assert "javascript" not in html
    assert form.render(found=(), say=say).strip() == ""


def test_a_feed_of_many_is_quick(client: TestClient, factory: Sessions, candidates: list[int]) -> None:
    """50 of them, not all."""
    with factory.begin() as session:
        session.add_all(
            Candidate(headline=f"n {n}", p_failure=0.9, first_told_at=NOW, last_told_at=NOW) for n in range(300)
        )
    sign_in(client)
    path = f"{feed_address(client, save(client))}.json"
    began = time.perf_counter()
    told = client.get(path).json()["items"]
    assert (len(told), time.perf_counter() - began < 2) == (50, True)
