"""The answer a document was read from is kept as it came, once, and whatever the disk does no document is lost."""

import errno
import gzip
import os
import stat
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from scrapy.http import Request, Response
from warcio.archiveiterator import ArchiveIterator

from crawler import Document, Source, Visit
from crawler.adapters import Draft, adapter_named
from crawler.archive import Answer, Damaged, Kept, keep, path_of, read, unused_since
from crawler.handed import Handed
from crawler.identity import identity
from crawler.run import crawl
from crawler.tally import Tally
from tests.crawler.test_crawl import POLITE, feed, item, site, source
from tests.crawler.test_identity import OTHER, STORY, article, brief

AT = datetime(2026, 11, 24, 5, tzinfo=UTC)
BODY = b"<html><p>Listrik padam di Duri</p></html>"


def answer(**more: Any) -> Answer:
    headers = (
        ("Content-Type", "text/html"),
        ("Set-Cookie", "sesi=rahasia"),
        ("Set-Cookie", "b=c"),
        ("X-Sama", "1"),
        ("X-Sama", "2"),
    )
    return Answer(
        **({"url": "https://koran.example/é?x=1", "at": AT, "status": 200, "headers": headers, "body": BODY} | more)
    )


def kept(folder: Path, digest: str) -> Kept:
    return read(path_of(folder, digest).read_bytes())


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_an_answer_is_kept_as_it_came_but_for_its_cookies(tmp_path: Path) -> None:
    digest = keep(tmp_path, answer())
    assert digest == sha256(BODY).hexdigest()
    assert kept(tmp_path, digest) == Kept(
        "https://koran.example/é?x=1", "2026-11-24T05:00:00Z", "200", digest, len(BODY)
    )
    raw = gzip.decompress(path_of(tmp_path, digest).read_bytes())
    assert b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Sama: 1\r\nX-Sama: 2\r\n\r\n" + BODY in raw
    assert b"rahasia" not in raw and b"sha1" not in raw


def test_what_the_server_packed_stays_packed(tmp_path: Path) -> None:
    body = gzip.compress(BODY)
    digest = keep(tmp_path, answer(body=body, headers=(("Content-Encoding", "gzip"),)))
    assert digest == sha256(body).hexdigest()
    with path_of(tmp_path, digest).open("rb") as file:
        assert [record.content_stream().read() for record in ArchiveIterator(file)] == [BODY]


@pytest.mark.parametrize(
    "more",
    [
        {"body": b""},
        {"status": 299},
        {"headers": ()},
        {"protocol": "HTTP/1.0"},
        {"url": "wss://aliran.example/x", "headers": (("Content-Type", "application/x-ndjson"),)},
    ],
)
def test_another_program_finds_it_sound(tmp_path: Path, more: dict[str, Any]) -> None:
    path = path_of(tmp_path, keep(tmp_path, answer(**more)))
    command = [str(Path(sys.executable).with_name("warcio")), "check", "-v", str(path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (checked.returncode, checked.stdout.count("digest pass")) == (0, 1), checked.stdout


def test_the_same_bytes_are_kept_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "baru" / "bukti"
    digest = keep(folder, answer())
    (path,) = files(folder)
    os.utime(path, (1, 1))
    before = path.read_bytes()
    assert keep(folder, answer(url="https://lain.example/", at=AT + timedelta(days=1))) == digest
    assert (files(folder), path.read_bytes()) == ([path], before)
    assert path.stat().st_mtime > 1  # it is needed again
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keep(tmp_path / "lagi", answer()) == digest
    assert path_of(tmp_path / "lagi", digest).read_bytes() == before


def test_one_flipped_bit_is_seen_or_changes_nothing_of_the_answer(tmp_path: Path) -> None:
    digest = keep(tmp_path, answer())
    content = path_of(tmp_path, digest).read_bytes()
    whole = kept(tmp_path, digest)
    for place in range(len(content)):
        for bit in (1, 128):
            broken = content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]
            with suppress(Damaged):
                assert read(broken) == whole, place


def test_odd_headers_are_kept_in_the_bytes_they_came_in(tmp_path: Path) -> None:
    odd = (("X-\xe9", "caf\xe9 \x01"), ("", ":"), ("X-Luas", "a\r\nSet-Cookie: b"), ("X-Jauh", "\u2713"))
    digest = keep(tmp_path, answer(headers=odd, status=999))
    assert kept(tmp_path, digest).status == "999"
    raw = gzip.decompress(path_of(tmp_path, digest).read_bytes())
    assert (
        b"HTTP/1.1 999 Unknown\r\nX-\xe9: caf\xe9 \x01\r\n: :\r\nX-Luas: a  Set-Cookie: b\r\nX-Jauh: ?\r\n\r\n" in raw
    )


@pytest.mark.parametrize(
    "content", [b"", b"abc", b"\x1f\x8b", b"WARC/1.0\r\n\r\n", gzip.compress(b"x" * 1000, mtime=0)]
)
def test_what_is_no_record_is_damaged(content: bytes) -> None:
    with pytest.raises(Damaged):
        read(content)


def test_two_records_in_a_file_are_not_one(tmp_path: Path) -> None:
    one, two = (path_of(tmp_path, keep(tmp_path, answer(body=body))).read_bytes() for body in (b"a", b"b"))
    with pytest.raises(Damaged):
        read(one + two)


def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as error:
        keep(tmp_path, answer(), reserve=2**62)
    assert error.value.errno == errno.ENOSPC
    assert files(tmp_path) == []


def test_what_was_not_needed_for_long_is_found(tmp_path: Path) -> None:
    old, new = (path_of(tmp_path, keep(tmp_path, answer(body=body))) for body in (b"a", b"b"))
    left = old.with_name("abc.4711")
    left.touch()
    (tmp_path / "catatan.txt").touch()  # nobody of ours put it there
    for path in (old, left, tmp_path / "catatan.txt"):
        os.utime(path, (1, 1))
    assert list(unused_since(tmp_path, AT)) == sorted([old, left])
    assert list(unused_since(tmp_path / "tidak-ada", AT)) == []
    assert new.exists()


# ---- in a crawl ----------------------------------------------------------------------------------------------------


def archived(one: Source, folder: Path) -> tuple[list[Document], Visit]:
    batches = list(crawl([one], POLITE, archive=folder))
    (visit,) = (visit for batch in batches for visit in batch.visits)
    return [document for batch in batches for document in batch.documents], visit


def test_a_feed_that_brings_many_documents_is_kept_once(tmp_path: Path) -> None:
    items = [item(f"Berita {n}", f"/b/berita-ke-{n}", f"{n} {STORY * 4}") for n in range(5)]
    with site({"/feed": feed(*items)}) as one:
        documents, _ = archived(source(one), tmp_path)
        (path,) = files(tmp_path)
        assert {document.evidence for document in documents} == {path.name.partition(".")[0]}
        body = feed(*items)[2]
        found = kept(tmp_path, sha256(body).hexdigest())
        assert (found.url, found.status, found.size) == (f"{one.url}/feed", "200", len(body))


def test_of_a_page_its_own_answer_is_kept_and_of_the_rest_nothing(tmp_path: Path) -> None:
    packed = gzip.compress(article("Listrik Padam")[2])
    routes: dict[str, Any] = {
        "/feed": feed(brief("Listrik Padam", "/b/satu-dua-tiga"), brief("Pendek", "/b/pendek-sekali-ini")),
        "/b/satu-dua-tiga": (200, {"Content-Encoding": "gzip", "Set-Cookie": "sesi=rahasia"}, packed),
        "/b/pendek-sekali-ini": article("Pendek", "tidak ada"),
    }
    with site(routes) as one:
        (document,), _ = archived(source(one), tmp_path)
    (path,) = files(tmp_path)
    assert document.evidence == sha256(packed).hexdigest() == path.name.partition(".")[0]
    raw = gzip.decompress(path.read_bytes())
    assert packed in raw and b"rahasia" not in raw and b"Content-Encoding: gzip" in raw


def test_without_a_folder_and_in_a_check_nothing_is_kept(tmp_path: Path) -> None:
    with site({"/feed": feed(item("Berita", "/b/satu-dua-tiga", STORY * 4))}) as one:
        batches = list(crawl([source(one)], POLITE))
        assert [document.evidence for batch in batches for document in batch.documents] == [None]
        list(crawl([source(one)], POLITE, probe=True, archive=tmp_path))
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_written_costs_a_note_and_no_document(tmp_path: Path) -> None:
    (tmp_path / "bukti").write_text("a file stands in the way")
    routes: dict[str, Any] = {
        "/feed": feed(brief("Listrik Padam", "/b/satu-dua-tiga"), brief("Air Keruh", "/b/air-keruh-dumai")),
        "/b/satu-dua-tiga": article("Listrik Padam"),
        "/b/air-keruh-dumai": article("Air Keruh", OTHER),
    }
    with site(routes) as one:
        documents, visit = archived(source(one), tmp_path / "bukti")
    assert {document.title for document in documents} == {"Listrik Padam", "Air Keruh"}
    assert [document.evidence for document in documents] == [None, None]
    assert [told.code for told in visit.notes] == ["evidence-not-kept"]
    assert (visit.status, visit.unfinished) == ("ok", False)


def test_beyond_so_many_bytes_of_one_visit_texts_are_kept_and_answers_are_not(tmp_path: Path) -> None:
    tally, handed = (
        Tally(Source("uji", "feed", "https://koran.example/feed"), adapter_named("feed"), AT),
        Handed(tmp_path),
    )
    documents = []
    for number in range(4):
        url = f"https://koran.example/b/berita-ke-{number}"
        page = Response(url, body=bytes([number]) * 20_000_000, request=Request(url))
        draft = Draft(identity(url), url, f"Berita {number}", f"{number} {STORY}")
        documents.append(handed.document(draft, page, AT, tally, is_page=True))
    assert [document and document.evidence is not None for document in documents] == [True, True, False, False]
    assert ([told.code for told in tally.notes], len(files(tmp_path))) == (["evidence-full"], 2)
