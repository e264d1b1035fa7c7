"""What an answer tells besides its body: validators, where it moved, where it leads on to, and what its refusal means."""

from __future__ import annotations

from datetime import datetime

from scrapy import Request as ScrapyRequest
from scrapy.http import Response as ScrapyResponse

from crawler.adapters import Request
from crawler.notes import Note, Then, note
from crawler.politeness import REDIRECTS
from crawler.source import Source, Validators

PERMANENT = (301, 308)
LONGEST_VALIDATOR = 1000  # characters; no honest one comes near


def conditions(source: Source, url: str) -> dict[str, str]:
    """Headers for a conditional GET, as far as the server gave validators last time."""
    validators = source.validators.get(url, Validators())
    headers = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in headers.items() if value}


def conditional(response: ScrapyResponse) -> bool:
    """Whether an answer "not modified" is one to our question."""
    assert response.request is not None
    return "If-None-Match" in response.request.headers or "If-Modified-Since" in response.request.headers


def validators_of(url: str, response: ScrapyResponse) -> dict[str, Validators]:
    """What the server gave for next time; nothing of an answer whose end was not told, nothing of unlikely length."""
    if "partial" in response.flags or "dataloss" in response.flags:
        return {}
    headers = headers_of(response)
    etag, modified = (
        value if value and value.isprintable() and len(value) <= LONGEST_VALIDATOR else None
        for value in (headers.get("etag"), headers.get("last-modified"))
    )
    return {url: Validators(etag, modified)} if etag or modified else {}


def moved_to(configured: str, asked: str, response: ScrapyResponse) -> str | None:
    """The new address of a source, where nothing but permanent redirects led from the `asked` list to the answer.

    What an adapter appended to the configured address must stand at the end of the new one too.
    """
    reasons = response.meta.get("redirect_reasons")
    appended = asked.removeprefix(configured)
    if not reasons or not set(reasons) <= set(PERMANENT) or appended == asked or not response.url.endswith(appended):
        return None
    return response.url.removesuffix(appended)


def onward_of(response: ScrapyResponse, address: str) -> ScrapyRequest | None:
    """The request a page sends on to, counted as one more redirect; None after too many."""
    assert response.request is not None
    times = response.meta.get("redirect_times", 0) + 1
    if times > REDIRECTS:
        return None
    reasons = [*response.meta.get("redirect_reasons", ()), "meta refresh"]
    meta = response.meta | {"redirect_times": times, "redirect_reasons": reasons}
    return response.request.replace(url=address, headers={}, meta=meta)


def refusal_note(response: ScrapyResponse, request: Request, then: Then, until: datetime | None) -> Note:
    """What an answer of 300 or more is called."""
    status, wait = response.status, f"{until:%Y-%m-%d %H:%M} UTC" if until else ""
    says = "redirect-refused" if request.direct else "redirect-nowhere"
    if status >= 400 or status == 304:
        says = "http-wait" if wait else "http"
    return note(f"http-{status}", response.url, then, says=says, status=status, wait=wait)


def headers_of(response: ScrapyResponse) -> dict[str, str]:
    """The headers of an answer, in lower case."""
    return {
        name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
        for name, values in response.headers.items()
    }
