"""The original of a post, whose address names its author: told once the reason was noted."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from intake.models import Mention, Person
from intake.people import audit
from intake.review import queue
from intake.review.errors import Invalid


def find(session: Session, viewer: Person, mention_id: int) -> Mention | None:
    """The mention, if it is of a candidate `viewer` may see and has an address that can be opened."""
    mention = session.get(Mention, mention_id)
    if mention is None or mention.candidate_id is None or urlsplit(mention.url).scheme not in ("http", "https"):
        return None
    return mention if queue.get(session, viewer, mention.candidate_id) else None


def unmask(session: Session, person: Person, mention_id: int, reason: str) -> str:
    """The address of a mention, once `reason` was noted. Raises NotAllowed, Invalid."""
    mention = find(session, person, mention_id)
    if mention is None:
        raise Invalid("no_mention")
    audit.unmask(session, person, f"mention:{mention.id}", reason)
    return mention.url
