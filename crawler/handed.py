"""What one crawl has handed over, whichever of its sources it came from: every publication once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from scrapy.http import Response as ScrapyResponse

from crawler.adapters import Draft
from crawler.archive import MOST_KEPT, Answer, keep
from crawler.document import Document, document_key, stamp
from crawler.identity import are_numbered_apart, believed, hearsay, identity, is_form, same_article, same_site, site_of
from crawler.notes import doubt, note
from crawler.reading.article import SHORTEST, share_of, stems, telling
from crawler.tally import Tally

ALWAYS_SO = ("headline-only", "hearsay")  # of every document of such a source: no note of its visits
BEGINNING = 2000  # characters of a text by which another one is known again
LED_SHARE = 1 / 3  # of the telling words of a list's title that stand in the text its link led to


@dataclass(frozen=True, slots=True)
class Known:
    """By what a text is known again."""

    title: str
    text: str  # its beginning
    found_at: str


class Handed:
    """The documents of this crawl; their raw answers go to `archive`, if there is one."""

    def __init__(self, archive: Path | None) -> None:
        self.archive = archive
        self.texts: dict[str, Known] = {}
        self.claims: dict[str, str] = {}  # key that a page claimed and was not given -> its own
        self.led: dict[str, str] = {}  # where a list's address led to -> its title in that list

    def document(
        self, draft: Draft, response: ScrapyResponse, at: datetime, tally: Tally, *, is_page: bool, list_title: str = ""
    ) -> Document | None:
        """What a draft becomes; None if it is known as it is, too short, or a page of one that was handed over.

        `is_page`: the answer is the page of the draft alone, not a list of many; `list_title` is what that list calls it.
        """
        told_by = ""
        if not is_page and tally.adapter.KIND == "article" and not same_site(tally.source.url, draft.url):
            # it must not stand for the article itself, which its own site may publish
            told_by, notes = site_of(tally.source.url), (*draft.notes, "hearsay")
            draft = replace(draft, identity=hearsay(draft.url, tally.source.url), notes=notes)
        met = document_key(draft.identity)
        if not is_page and not draft.stamp:
            draft = replace(draft, stamp=stamp(draft.title, draft.text))
        if met in self.texts or not tally.wants(met, draft.stamp):
            tally.elsewhere.came(draft.url)
            return None
        headline_only = "headline-only" in draft.notes  # what such a source always gives: no fault of this one
        where = draft.url if tally.kind == "article" else tally.source.url
        if tally.kind == "article" and len(draft.text) < SHORTEST and not headline_only:
            tally.notes.append(note("text-too-short", where, "left-out", least=SHORTEST))
            if is_page:
                tally.leave_out(draft)
            return None
        if is_page and self._is_led_away(draft, response.url, list_title):
            tally.notes.append(note("led-away", where, "left-out"))
            tally.leave_out(draft)
            return None
        found_at = response.url if is_page else draft.url
        draft, claim = self._weighed(draft, found_at)
        keys = self._keys(draft, found_at, is_page=is_page)
        here = _known(draft, found_at)
        if same := self._same(here, keys[0]) or self._same(here, claim):
            tally.elsewhere.came(draft.url)
            tally.known_too(same, (key for key in keys if key != same))
            return None
        tally.notes.extend(doubt(code, where) for code in draft.notes if code not in ALWAYS_SO)
        tally.count(draft, keys)
        self.texts |= dict.fromkeys(keys, here)
        if claim:
            self.claims.setdefault(claim, keys[0])
        return _document(draft, at, tally, keys, claim, told_by, self._evidence(response, at, tally))

    def _weighed(self, draft: Draft, found_at: str) -> tuple[Draft, str]:
        """The draft with its page's claim to another address, if that is believed; else without, and the claim's key.

        A template may name another article. So an address that does not look like the page's own counts only if the same
        text was read there, by this crawl; what was read there earlier the database compares.
        """
        if not draft.canonical or is_form(draft.canonical, found_at):
            return draft, ""
        claim = document_key(identity(draft.canonical))
        was_read = claim in self.texts and self._same(_known(draft, found_at), claim)
        return (draft, "") if was_read else (replace(draft, canonical=""), claim)

    def _same(self, one: Known, key: str) -> str:
        """The key of what this crawl has of the same article: read at the address of `key`, or claiming it; else empty."""
        other = key if key in self.texts else self.claims.get(key, "")
        return other if other and _is_same(self.texts[other], one) else ""

    def _is_led_away(self, draft: Draft, found_at: str, list_title: str) -> bool:
        """Whether the page is no article's own: a site under repair leads all of them to one page.

        A short link leads to its article: its text has the words of its title in the list, and no other title led there.
        """
        found = identity(found_at)
        if found == identity(draft.url) or not same_site(found_at, draft.url) or believed(found_at, draft.url):
            return False
        is_home = not found.partition("/")[2]
        if is_home or "summary-only" in draft.notes or not _tells_of(list_title, draft.text):
            return True
        return self.led.setdefault(found, list_title) != list_title

    def _keys(self, draft: Draft, found_at: str, *, is_page: bool) -> list[str]:
        """The publication's own key first, then those of the other addresses it was met at, beginning with the first.

        Its own is the address the page gives, or else the one where it was found in the end; but not if another text of this
        crawl has that already: then the page's claim is wrong.
        """
        met, found = document_key(draft.identity), identity(found_at) if is_page else ""
        found = found if found.partition("/")[2] else ""  # a home page is no article's own address
        own = identity(draft.canonical) if draft.canonical else found or draft.identity
        keys = list(dict.fromkeys((document_key(own), met, *([document_key(found)] if found else ()))))
        return keys if keys[0] not in self.texts or self._same(_known(draft, found_at), keys[0]) else [met]

    def _evidence(self, response: ScrapyResponse, at: datetime, tally: Tally) -> str | None:
        """The digest of the answer, which is written down the first time; None if it cannot be."""
        if self.archive is None:
            return None
        if "evidence" not in response.meta:
            response.meta["evidence"] = self._kept(self.archive, answer_of(response, at), tally)
        kept: str | None = response.meta["evidence"]
        return kept

    def _kept(self, folder: Path, answer: Answer, tally: Tally) -> str | None:
        if tally.archived + len(answer.body) > MOST_KEPT:
            tally.tell_once(note("evidence-full", tally.source.url, most=MOST_KEPT // 1024**2))
            return None
        tally.archived += len(answer.body)
        try:
            return keep(folder, answer)
        except Exception as error:  # whatever keeps it from being written, the document counts
            reason = getattr(error, "strerror", None) or type(error).__name__
            tally.tell_once(note("evidence-not-kept", tally.source.url, error=reason))
            return None


def _tells_of(title: str, text: str) -> bool:
    """Whether a text has a third of a title's telling words; no title tells nothing."""
    words = telling(title)
    return bool(words) and share_of(words, stems(text)) >= LED_SHARE


def _known(draft: Draft, found_at: str) -> Known:
    return Known(draft.title, draft.text[:BEGINNING], found_at)


def _is_same(one: Known, other: Known) -> bool:
    numbered_apart = are_numbered_apart(identity(one.found_at), identity(other.found_at))
    return same_article((one.title, one.text), (other.title, other.text), numbered_apart=numbered_apart)


def answer_of(response: ScrapyResponse, at: datetime) -> Answer:
    """An answer as the network gave it."""
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    )
    return Answer(response.url, at, response.status, headers, response.body, response.protocol or "HTTP/1.1")


def _document(
    draft: Draft, at: datetime, tally: Tally, keys: list[str], claim: str, told_by: str, evidence: str | None
) -> Document:
    return Document(
        key=keys[0],
        source=tally.source.name,
        url=draft.canonical or draft.url,
        title=draft.title,
        text=draft.text or draft.title,
        kind=tally.kind,
        fetched_at=at,
        published_at=draft.published_at,
        author=draft.author,
        region=tally.source.region,
        reactions=draft.reactions,
        notes=draft.notes,
        aliases=tuple(keys[1:]),
        claim=claim,
        told_by=told_by,
        stamp=draft.stamp,
        evidence=evidence,
    )
