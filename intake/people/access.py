"""Who may do and read what: roles as permissions, and of what is permitted only their agency and region.

`MATRIX` is the one table; docs/roles.md is made from it (`python -m intake.people.access > docs/roles.md`) and tests are
generated from it. Whose candidates somebody sees is decided at the query: `visible`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVarTuple

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.orm import object_session

from crawler.dates import WIB
from intake.models import ROLES, Candidate, Cover, Person, Remit, SignIn, now

Columns = TypeVarTuple("Columns")  # of a statement
UNBOUND = ("admin", "head")  # who sees everything, whatever remits they have

Reading = Literal["", "masked", "reason", "plain"]


@dataclass(frozen=True, slots=True)
class Field:
    """What each role reads of a field, and who changes it (never by hand: by a decision, a case event, a form)."""

    reads: Mapping[str, Reading]
    changes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Action -> the roles that may do it; field -> what of it each role reads and changes."""

    actions: Mapping[str, frozenset[str]]
    fields: Mapping[str, Field]


# - nothing   m masked   u plain, but only for a reason that is noted   r plain   w plain, and may change it
LETTERS: Mapping[str, Reading] = {"-": "", "m": "masked", "u": "reason", "r": "plain", "w": "plain"}


def _fields(table: Mapping[str, str]) -> dict[str, Field]:
    def field(letters: str) -> Field:
        of_role = dict(zip(ROLES, letters.split(), strict=True))
        changes = frozenset(role for role, letter in of_role.items() if letter == "w")
        return Field({role: LETTERS[letter] for role, letter in of_role.items()}, changes)

    return {name: field(letters) for name, letters in table.items()}


def _actions(table: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {name: frozenset(roles.split()) for name, roles in table.items()}


MATRIX = Matrix(
    _actions(
        {
            "queue.read": "admin head officer focal analyst",
            "candidate.decide": "admin head officer",
            "lease.take_over": "admin head officer",
            "link.paste": "admin head officer",
            "mute.set": "admin head officer",
            "mention.unmask": "admin head officer",
            "case.read": "admin head officer focal analyst",
            "case.change": "admin head officer",
            "case.answer": "focal",
            "reporter.read": "admin head officer",
            "view.save": "admin head officer focal analyst",
            "view.share": "admin head officer",
            "trends.read": "admin head officer analyst auditor",
            "sources.read": "admin head officer analyst auditor",
            "sources.change": "admin",
            "export.make": "admin head officer analyst",
            "people.read": "admin head",
            "people.change": "admin",
            "remit.change": "admin head",
            "contacts.change": "admin",
            "audit.read": "admin head auditor",
        }
    ),
    _fields(
        {  #                     admin head officer focal analyst auditor
            "candidate.headline": "r r r r r -",
            "candidate.state": "w w w r r -",
            "candidate.agency": "w w w r r -",
            "candidate.place": "w w w r r -",
            "candidate.sector": "w w w r r -",
            "candidate.form": "w w w r r -",
            "candidate.urgency": "w w w r r -",
            "decision.action": "r r r - r -",
            "decision.person": "r r r - r -",
            "decision.note": "w w w - r -",
            "mention.title": "r r r r r -",
            "mention.text": "m m m m m -",
            "mention.source": "r r r r r -",
            "mention.article_address": "r r r r r -",
            "mention.article_author": "r r r r r -",
            "mention.post_address": "u u u - - -",
            "mention.post_author": "- - - - - -",
            "case.number": "r r r r r -",
            "case.track": "w w w r r -",
            "case.note": "w w w - r -",
            "case.answer": "r r r w r -",
            "reporter.name": "u u u - - -",
            "reporter.contact": "u u u - - -",
            "trend.count": "r r r - r r",
            "source.health": "r r r - r r",
            "contact.address": "w - - - - -",
            "person.role": "w r - - - -",
            "person.remits": "w w - - - -",
            "person.password": "- - - - - -",
            "audit.row": "r r - - - r",
        }
    ),
)

# What a token may be made for -> the actions it stands for. It never allows more than its person may do.
SCOPES: Mapping[str, tuple[str, ...]] = {
    "read:queue": ("queue.read",),
    "write:decisions": ("candidate.decide", "lease.take_over", "link.paste", "mute.set"),
    "read:cases": ("case.read",),
    "write:views": ("view.save", "view.share"),
    "write:cases": ("case.change", "case.answer"),
    "read:trends": ("trends.read",),
    "read:sources": ("sources.read",),
    "read:audit": ("audit.read",),
    "make:exports": ("export.make",),
    "read:personal": ("mention.unmask", "reporter.read"),
    "admin": ("people.read", "people.change", "remit.change", "sources.change", "contacts.change"),
}

NAMED = ("read:personal",)  # scopes a token has only if it was made for them by name


def may(person: Person, action: str) -> bool:
    """Whether the role of `person` allows `action`; KeyError for one that is not in the matrix."""
    return person.role in MATRIX.actions[action] and not person.disabled


def reads(person: Person, field: str) -> Reading:
    """How a field may be shown to `person`: not at all (empty), masked, for a reason that is noted, or plain."""
    return MATRIX.fields[field].reads[person.role]


def scopes_of(person: Person) -> tuple[str, ...]:
    """What a token of this person can be made for."""
    return tuple(scope for scope, actions in SCOPES.items() if any(may(person, action) for action in actions))


def usual_scopes(person: Person) -> tuple[str, ...]:
    """What a token of this person is for, if nobody says."""
    return tuple(scope for scope in scopes_of(person) if scope not in NAMED)


def allows(token: SignIn, action: str) -> bool:
    """Whether a token may be used for `action`: it was made for it, and its person may do it still."""
    return may(token.person, action) and any(action in SCOPES.get(scope, ()) for scope in token.scopes)


# ---- agency and region ---------------------------------------------------------------------------------------------


def visible(statement: Select[*Columns], viewer: Person) -> Select[*Columns]:
    """Narrow a statement over Candidate to what `viewer` may see.

    A focal point sees what concerns their agency, and only once it was accepted. Whoever has remits that bound them sees
    what matches one of these; a candidate whose place or agency is not known matches none that names one.
    """
    if not may(viewer, "queue.read"):
        return statement.where(false())
    if viewer.role == "focal":
        statement = statement.where(
            Candidate.agency_id == viewer.agency_id, Candidate.agency_id.is_not(None), Candidate.state == "accepted"
        )
    return within(statement, viewer)


def within(statement: Select[*Columns], viewer: Person) -> Select[*Columns]:
    """Narrow a statement over Candidate to the remits that bound `viewer`, if any do: what is counted for them."""
    bounds = bounds_of(viewer)
    return statement.where(or_(*map(concerns, bounds))) if bounds else statement


def bounds_of(viewer: Person) -> list[Remit]:
    """The only parts of everything that `viewer` may see, those of a colleague on leave included; none: no bounds."""
    own = [remit for remit in viewer.remits if remit.bounds]
    return own + covered(viewer) if own and viewer.role not in UNBOUND else []


def covered(viewer: Person) -> list[Remit]:
    """The remits of those on leave today whom `viewer` stands in for; of somebody with bounds, these alone."""
    session, today = object_session(viewer), now().astimezone(WIB).date()
    if session is None:
        return []
    away = select(Person).join(Cover, Cover.person_id == Person.id).where(Cover.cover_id == viewer.id)
    live = away.where(Cover.first_day <= today, Cover.last_day >= today, Person.disabled.is_(False))
    return [remit for person in session.scalars(live) for remit in _handed_over(person.remits)]


def _handed_over(remits: Sequence[Remit]) -> Iterable[Remit]:
    return [remit for remit in remits if remit.bounds] or remits


def concerns(remit: Remit) -> ColumnElement[bool]:
    """Whether a candidate is of this remit."""
    named = ((Candidate.agency_id, remit.agency_id), (Candidate.region, remit.region))
    return and_(true(), *(column == value for column, value in named if value is not None))


# ---- published -----------------------------------------------------------------------------------------------------

INTRODUCTION = """# Roles

Made from `intake/people/access.py` by `python -m intake.people.access > docs/roles.md`; a test holds both equal, and further
tests are generated from the tables below.

What a role permits holds within the part of everything a person may see:

- `admin` and `head` see all agencies and regions.
- `focal`, a focal point, sees candidates of their own agency, once these were accepted, and nothing else.
- The others see everything, unless they have **remits that bound them** (an agency, a region, or both): then they see what
  matches one of these. While somebody is on leave, the person who stands in for them sees their remits too.
- `auditor` reads the audit log, counts and the state of sources, and no text.

This is checked where the database is asked, not where a page is drawn.
"""
WORDS = {"": "", "masked": "masked", "reason": "for a noted reason", "plain": "yes"}


def as_markdown() -> str:
    """The matrix as docs/roles.md shows it."""
    head = f"| {{}} | {' | '.join(ROLES)} |\n|---|{'---|' * len(ROLES)}\n"
    actions = [(name, ["yes" if role in roles else "" for role in ROLES]) for name, roles in MATRIX.actions.items()]
    fields = [(name, [_cell(field, role) for role in ROLES]) for name, field in MATRIX.fields.items()]
    scopes = "".join(f"| `{scope}` | {', '.join(actions)} |\n" for scope, actions in SCOPES.items())
    return (
        f"{INTRODUCTION}\n## What a role may do\n\n{head.format('action')}{_rows(actions)}"
        "\n## What a role reads, and changes\n\n`masked`: personal data is covered. `for a noted reason`: shown once a reason "
        "was given, which goes to the audit log.\n`changes`: reads it plain, and may change it, by a decision, an event of a "
        f"case, or a form.\n\n{head.format('field')}{_rows(fields)}"
        "\n## What a token of the API may be made for\n\nA token allows what its scopes name, and never more than its person "
        f"may do. Unless it\nwas made for it by name, none shows "
        f"what is covered: {', '.join(f'`{one}`' for one in NAMED)}.\n\n| scope | actions |\n|---|---|\n{scopes}"
    )


def _cell(field: Field, role: str) -> str:
    return "changes" if role in field.changes else WORDS[field.reads[role]]


def _rows(rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    return "".join(f"| `{name}` | {' | '.join(cells)} |\n" for name, cells in rows)


if __name__ == "__main__":
    print(as_markdown(), end="")
