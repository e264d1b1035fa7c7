"""What one crawl has handed over, whichever of its sources it came from: every publication once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from scrapy.http import Response as ScrapyResponse

from crawler.adapters import Draft
from crawler.archive import MOST_KEPT, Answer, keep
from crawler.document import Document, document_key, stamp
from crawler.identity import believed, identity, is_form, same_article, same_site, site_of
from crawler.notes import doubt, note
from crawler.reading.article import SHORTEST
from crawler.tally import Tally

BEGINNING = 2000  # characters of a text by which another one is known again


class Handed:
    """The documents of this crawl; their raw answers go to `archive`, if there is one."""

    def __init__(self, archive: Path | None) -> None:
        self.archive = archive
        self.texts: dict[str, tuple[str, str]] = {}  # key -> title, beginning of the text
        self.claims: dict[str, str] = {}  # key that a page claimed and was not given -> its own

    def document(
        self, draft: Draft, response: ScrapyResponse, at: datetime, tally: Tally, *, is_page: bool
    ) -> Document | None:
        """What a draft becomes; None if it is known as it is, too short, or a page of one that was handed over.

        `is_page`: the answer is the page of the draft alone, not a list of many.
        """
        if not is_page and tally.kind == "article" and not same_site(tally.source.url, draft.url):
            # hearsay: it must not stand for the article itself, which its own site may publish
            draft = replace(draft, identity=f"{site_of(tally.source.url)} {draft.identity}")
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
        if is_page and _is_led_away(draft, response.url):
            tally.notes.append(note("led-away", where, "left-out"))
            tally.leave_out(draft)
            return None
        draft, claim = self._weighed(draft, response.url if is_page else draft.url)
        keys = self._keys(draft, response.url if is_page else "")
        if same := self._same(draft, keys[0]) or self._same(draft, claim):
            tally.elsewhere.came(draft.url)
            tally.known_too(same, (key for key in keys if key != same))
            return None
        tally.notes.extend(doubt(code, where) for code in draft.notes if code != "headline-only")
        tally.count(draft, keys)
        self.texts |= dict.fromkeys(keys, _beginning(draft))
        if claim:
            self.claims.setdefault(claim, keys[0])
        return _document(draft, at, tally, keys, claim, self._evidence(response, at, tally))

    def _weighed(self, draft: Draft, found_at: str) -> tuple[Draft, str]:
        """The draft with its page's claim to another address, if that is believed; else without, and the claim's key.

        A template may name another article. So an address that does not look like the page's own counts only if the same
        text was read there, by this crawl; what was read there earlier the database compares.
        """
        if not draft.canonical or is_form(draft.canonical, found_at):
            return draft, ""
        claim = document_key(identity(draft.canonical))
        was_read = claim in self.texts and self._same(draft, claim)
        return (draft, "") if was_read else (replace(draft, canonical=""), claim)

    def _same(self, draft: Draft, key: str) -> str:
        """The key of what this crawl has of the same article: read at the address of `key`, or claiming it; else empty."""
        other = key if key in self.texts else self.claims.get(key, "")
        return other if other and same_article(self.texts[other], _beginning(draft)) else ""

    def _keys(self, draft: Draft, found_at: str) -> list[str]:
        """The publication's own key first, then those of the other addresses it was met at, beginning with the first.

        Its own is the address the page gives, or else the one where it was found in the end; but not if another text of this
        crawl has that already: then the page's claim is wrong.
        """
        met, found = document_key(draft.identity), identity(found_at) if found_at else ""
        found = found if found.partition("/")[2] else ""  # a home page is no article's own address
        own = identity(draft.canonical) if draft.canonical else found or draft.identity
        keys = list(dict.fromkeys((document_key(own), met, *([document_key(found)] if found else ()))))
        return keys if keys[0] not in self.texts or self._same(draft, keys[0]) else [met]

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


def _is_led_away(draft: Draft, found_at: str) -> bool:
    """Whether the page is no article's own: a site under repair leads all of them to one page."""
    moved = identity(found_at) != identity(draft.url)
    return moved and same_site(found_at, draft.url) and not believed(found_at, draft.url)


def _beginning(draft: Draft) -> tuple[str, str]:
    return draft.title, draft.text[:BEGINNING]


def answer_of(response: ScrapyResponse, at: datetime) -> Answer:
    """An answer as the network gave it."""
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    )
    return Answer(response.url, at, response.status, headers, response.body, response.protocol or "HTTP/1.1")


def _document(draft: Draft, at: datetime, tally: Tally, keys: list[str], claim: str, evidence: str | None) -> Document:
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
        stamp=draft.stamp,
        evidence=evidence,
    )
