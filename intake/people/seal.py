"""A secret that must be read again, kept in the database sealed with a key that is not in it.

The key is derived for this purpose alone from `pseudonym_key` (HKDF-SHA256); a secret is sealed with AES-256-GCM for one
person: put in the row of another, it opens no more than with another key.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from intake.settings import Settings, pseudonym_key

LABEL = b"kentongan.second_factor"
NONCE = 12  # bytes, new for each


@dataclass(frozen=True, slots=True)
class Seal:
    """Closes and opens what one installation keeps."""

    key: bytes = field(repr=False)

    def close(self, secret: bytes, person_id: int) -> str:
        """The secret as it may be kept: of 20 bytes, 64 characters."""
        nonce = os.urandom(NONCE)
        return base64.urlsafe_b64encode(nonce + AESGCM(self.key).encrypt(nonce, secret, _whose(person_id))).decode()

    def open(self, kept: str, person_id: int) -> bytes | None:
        """The secret; None if it was closed with another key or for another person, or is damaged."""
        try:
            raw = base64.urlsafe_b64decode(kept)
            return AESGCM(self.key).decrypt(raw[:NONCE], raw[NONCE:], _whose(person_id))
        except (InvalidTag, ValueError, binascii.Error):
            return None


def seal_of(settings: Settings) -> Seal:
    """The seal of this installation."""
    return Seal(HKDF(SHA256(), 32, salt=None, info=LABEL).derive(pseudonym_key(settings)))


def _whose(person_id: int) -> bytes:
    return f"person:{person_id}".encode()
