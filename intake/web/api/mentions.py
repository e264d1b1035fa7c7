"""One text: what was changed in it, and where it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from intake import revisions
from intake.models import Mention
from intake.review import originals, queue
from intake.review.errors import ReviewError
from intake.web.api import lists
from intake.web.api.calls import Call, acts, once, reads, router
from intake.web.api.fields import Given, NumberInPath, Told, example
from intake.web.api.lists import After, Limit, ListOut
from intake.web.api.problems import Refused, problems

routes = router("mentions")


class ChangeOut(Told):
    """A stretch of the text, personal data covered."""

    kind: Literal["same", "ins", "del"] = Field(description="in both texts; only in the new one; only in the old one")
    text: str = Field(description="its words")


class EditOut(Told):
    """What its source changed in a text since it was published."""

    at: datetime = Field(description="when the new text was first seen")
    title: list[ChangeOut] = Field(description="empty: it was not changed")
    text: list[ChangeOut] = Field(description="long stretches that stayed are cut short")


class ReasonIn(Given):
    """What something that is covered is needed for."""

    model_config = ConfigDict(json_schema_extra=example(reason="memeriksa tanggal unggahan"))

    reason: str = Field(max_length=1000, description="in a few words; it goes to the audit log, with your name")


class OriginalOut(Told):
    """Where a text stands; of a post, this names its author."""

    model_config = ConfigDict(json_schema_extra=example(address="https://koran.example/1"))

    address: str | None = Field(description="told once; null where the call was repeated")


@routes.get("/mentions/{mention_id}/edits", summary="What was changed in a text", responses=problems(404))
def read_edits(
    who: Annotated[Call, reads("queue.read")], mention_id: NumberInPath, after: After = None, limit: Limit = 20
) -> ListOut[EditOut]:
    """By its source, newest first."""
    mention = who.session.get(Mention, mention_id)
    if mention is None or not mention.candidate_id or not queue.get(who.session, who.person, mention.candidate_id):
        raise Refused(404, "no_mention", f"There is no text {mention_id}, or it is not yours to see.")
    rows = enumerate(revisions.edits(mention, revisions.MOST))
    shown, following = lists.part(rows, lambda row: row[:1], after, limit)
    return ListOut(items=[EditOut.model_validate(edit) for _place, edit in shown], next=following)


@routes.post(
    "/mentions/{mention_id}/original",
    summary="Open the original of a text",
    response_model=OriginalOut,
    responses=problems(404),
)
@once("address")
def open_original(
    who: Annotated[Call, acts("mention.unmask")], mention_id: NumberInPath, given: ReasonIn
) -> OriginalOut:
    """Its address, for a reason that is noted."""
    try:
        return OriginalOut(address=originals.unmask(who.session, who.person, mention_id, given.reason))
    except ReviewError as error:
        raise who.refused(error) from None
