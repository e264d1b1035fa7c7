"""Messages of the program that did not arrive."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from intake import alerts
from intake.models import Alert
from intake.web.api import lists
from intake.web.api.calls import Call, acts, once, reads, router
from intake.web.api.fields import NumberInPath, Told, example
from intake.web.api.lists import After, Limit, ListOut
from intake.web.api.problems import Refused, problems

routes = router("messages")


class MessageOut(Told):
    """A message that was tried and did not arrive. Its words are not told: they may hold a link for its receiver alone."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id=9, subject="Kasus 2026-0001", state="failed", attempts=9, next_try=None, contact_id=1, person_id=None,
            error="The service at that address did not take the message.", created_at="2026-11-24T10:00:00Z",
        )
    )  # fmt: skip

    id: int = Field(description="its number")
    subject: str = Field(description="what it is about")
    state: Literal["failed", "waiting"] = Field(description="`failed`: it is not tried any more; `waiting`: it is")
    attempts: int = Field(description="how often it was tried")
    next_try: datetime | None = Field(description="when it is tried next; null: not by itself")
    contact_id: int | None = Field(description="focal point it is for; null: for a person, or the operator")
    person_id: int | None = Field(description="person it is for; null: for a focal point, or the operator")
    error: str = Field(description="why it did not arrive")
    created_at: datetime = Field(description="since when it waits")


@routes.get("/messages", summary="Messages that did not arrive")
def read_messages(
    who: Annotated[Call, reads("contacts.change")], after: After = None, limit: Limit = 20
) -> ListOut[MessageOut]:
    """Those that failed first, newest first; at most a hundred."""
    rows = alerts.undelivered(who.session)
    shown, following = lists.part(rows, lambda row: (row.state, -row.id), after, limit)
    return ListOut(items=[_message(who, row) for row in shown], next=following)


@routes.post(
    "/messages/{message_id}/again", summary="Send a failed message again", response_model=MessageOut,
    responses=problems(404),
)  # fmt: skip
@once()
def send_again(who: Annotated[Call, acts("contacts.change")], message_id: NumberInPath) -> MessageOut:
    """With all its tries."""
    alert = alerts.send_again(who.session, message_id, who.person)
    if alert is None:
        raise Refused(404, "not_found", f"There is no failed message {message_id}.")
    return _message(who, alert)


def _message(who: Call, alert: Alert) -> MessageOut:
    plain = ("id", "subject", "state", "attempts", "contact_id", "person_id", "created_at")
    own = {name: getattr(alert, name) for name in plain}
    return MessageOut(next_try=alerts.next_try(alert), error=who.say.alert_error(alert), **own)
