"""The routes of every noun, and the description of them all."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from intake.people import access
from intake.web import present
from intake.web.api import (
    account,
    candidates,
    cases,
    decisions,
    links,
    mentions,
    messages,
    people,
    records,
    sources,
    views,
)
from intake.web.api.calls import Bearer, token_of
from intake.web.api.problems import Problem, english
from intake.web.visitor import DB, visitor_of

router = APIRouter()
for routes in (
    candidates.routes,
    mentions.routes,
    decisions.routes,
    views.routes,
    cases.routes,
    links.routes,
    records.routes,
    sources.routes,
    sources.agency_routes,
    messages.routes,
    people.routes,
    account.routes,
):
    router.include_router(routes)


@router.get("/api/openapi.json", include_in_schema=False)
def openapi(request: Request, session: DB, given: Bearer) -> dict[str, Any]:
    """The description of this API, for whoever has a token or is signed in."""
    if given is not None or visitor_of(request, session) is None:
        token_of(session, given)
    described: dict[str, Any] = request.app.openapi()
    return _completed(described)


def _completed(described: dict[str, Any]) -> dict[str, Any]:
    """With the problem every refusal is, and with what scopes stand for."""
    components = described.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    if "Problem" not in schemas:
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs", {})
        schemas["Problem"] = problem
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for schema in schemas.values():
            for shown in schema.get("examples", ()):  # FastAPI leaves out what is null
                shown |= {name: None for name in schema.get("required", ()) if name not in shown}
        words = "; ".join(f"`{scope}`: {english(present.SCOPES[scope])}" for scope in access.SCOPES)
        components["securitySchemes"]["token"]["description"] += f" Scopes: {words}."
    return described
