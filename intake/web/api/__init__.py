"""Everything the console does, for programs: REST under /api/v1 with a bearer token, described by /api/openapi.json.

Lists come in pages: `next` of one is `after` of the following. One thing has an ETag: hand it back in `If-None-Match` when you
look again, and in `If-Match` when you change it. A call that changes something takes an `Idempotency-Key`. What is refused is
a problem (RFC 9457) whose `code` a program may react to. A token may make 600 calls in a minute. docs/api.md walks through it.
"""
