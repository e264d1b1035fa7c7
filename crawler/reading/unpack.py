"""Unpacking what servers packed for the way: gzip, deflate, Brotli, one inside the other; never beyond a limit.

A server's word is not taken for it: what is not packed although it says so is passed on as it is, and what is packed although
it does not say so is unpacked.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Protocol

import brotli

ACCEPTED = "gzip, deflate, br"
DEEPEST = 3  # encodings one inside the other
MOST_MEMBERS = 1000  # of one gzip text; honest ones have one, and each costs a copy of the rest
GZIP = b"\x1f\x8b"
CHUNK = 64 * 1024


class UnknownEncoding(Exception):
    """The answer is packed in a way we do not know, or more than three times."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """`body` is longer than the limit, by little, where there was more of it."""

    body: bytes
    whole: bool = True  # False: what was packed breaks off, or is damaged on the way


def unpack(body: bytes, encodings: str, limit: int) -> Unpacked:
    """The content of an answer by its Content-Encoding. UnknownEncoding if it cannot be had."""
    names = [name.strip() for name in encodings.lower().split(",") if name.strip() not in ("", "identity")]
    if len(names) > DEEPEST or not set(names) <= {"gzip", "x-gzip", "deflate", "br"}:
        raise UnknownEncoding
    whole = True
    for name in reversed(names):
        unpacked = _unpacked(body, name, limit)
        body, whole = unpacked.body, whole and unpacked.whole
    if body.startswith(GZIP):
        unpacked = _gunzipped(body, limit)
        body, whole = unpacked.body, whole and unpacked.whole
    return Unpacked(body, whole)


def _unpacked(body: bytes, name: str, limit: int) -> Unpacked:
    if name == "br":
        found = _read(_Brotli(), body, limit)
    elif name == "deflate":
        found = _inflated(body, limit)
    else:
        return _gunzipped(body, limit) if body.startswith(GZIP) else Unpacked(body)
    return found if found.body or found.whole or not _is_text(body) else Unpacked(body)


def _is_text(body: bytes) -> bool:
    start = body.lstrip()[:100]
    return start.isascii() and start[:1] in (b"<", b"{", b"[", b"")


def _gunzipped(body: bytes, limit: int) -> Unpacked:
    """Every member of a gzip text, one after the other; what is no member after the first is padding."""
    found = bytearray()
    for _ in range(MOST_MEMBERS):
        stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        one = _read(stream, body, limit - len(found))
        found += one.body
        body = stream.unused_data
        if not one.whole or len(found) > limit or not body.startswith(GZIP):
            return Unpacked(bytes(found), one.whole)
    return Unpacked(bytes(found), whole=False)


def _inflated(body: bytes, limit: int) -> Unpacked:
    """With the two bytes that belong before it, or, as some servers send it, without."""
    wrapped = _read(zlib.decompressobj(), body, limit)
    return wrapped if wrapped.body or wrapped.whole else _read(zlib.decompressobj(-zlib.MAX_WBITS), body, limit)


class _Stream(Protocol):
    """What unpacks: zlib's own objects, and Brotli's behind the same face."""

    @property
    def eof(self) -> bool: ...

    @property
    def unconsumed_tail(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self.eof = False
        self.unconsumed_tail = b""  # Brotli keeps it to itself

    def decompress(self, data: bytes, max_length: int = CHUNK, /) -> bytes:
        try:
            found: bytes = self._stream.process(data, output_buffer_limit=max_length)
        except brotli.error as error:
            raise zlib.error(str(error)) from None
        self.eof = self._stream.is_finished()
        return found


def _read(stream: _Stream, body: bytes, limit: int) -> Unpacked:
    """What a stream gives, chunk by chunk, until it ends, breaks off, or gives more than the limit."""
    found = bytearray()
    try:
        while not stream.eof and len(found) <= limit:
            chunk = stream.decompress(body, CHUNK)
            body = stream.unconsumed_tail
            found += chunk
            if not chunk and not body:
                break
    except zlib.error:
        return Unpacked(bytes(found), whole=False)
    return Unpacked(bytes(found), whole=stream.eof or len(found) > limit)
