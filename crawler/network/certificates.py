"""Certificates that name nobody: Twisted only logs what it cannot compare, and goes by the chain alone."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from OpenSSL.crypto import X509
from service_identity.pyopenssl import extract_patterns
from twisted.internet._sslverify import ClientTLSOptions, _verifyCB
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer


class _Named(ClientTLSOptions):
    """A host whose certificate must hold names."""

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:  # noqa: N802  # Twisted's name
        connection = super().clientConnectionForTLS(protocol)
        compare = _verifyCB(protocol, self._hostnameIsDnsName, self._hostnameASCII)

        def verify(connection: SSL.Connection, certificate: X509, error: int, depth: int, ok: int) -> bool:
            return (depth > 0 or _has_names(certificate)) and compare(connection, certificate, error, depth, bool(ok))

        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, verify)
        return connection


def _has_names(certificate: X509) -> bool:
    try:
        return bool(extract_patterns(certificate))
    except Exception:  # whatever its names are made of: an exception here would be lost inside OpenSSL
        return False


@implementer(IPolicyForHTTPS)
class NamedPolicy:
    """What another policy demands, and names."""

    def __init__(self, policy: Any) -> None:
        self.policy = policy

    def creatorForNetloc(self, host: bytes, port: int) -> ClientTLSOptions:  # noqa: N802  # Twisted's name
        options: ClientTLSOptions = self.policy.creatorForNetloc(host, port)
        options.__class__ = _Named
        return options
