"""How a message leaves: to which addresses, and in a process of its own where every connection is checked as it is made.

    python -m intake.courier

reads one order as JSON from standard input and writes what became of it. An address is looked at when it is saved, so that
whoever typed it is told. What protects is the look at the moment of connecting, at the address in digits that is connected
to: whatever the name was, however a number is written, and wherever a name or a redirect leads a second later. It holds for
all that any channel of Apprise does. E-mail goes through the office's own server alone, which may stand inside.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from crawler.public import is_public

MAIL = ("mailto", "mailtos")
WEB_PORTS = {"json": 80, "jsons": 443, "ntfys": 443}  # of these the address itself names the host that is called
SCHEMES = ("mailto", *WEB_PORTS, "slack", "tgram", "msteams", "console")
GUARDED = ("address_inside", "address_port")  # what the guard refused
TLS_PORT = 465  # of mail: encrypted from the first byte on; elsewhere after STARTTLS
LARGEST_ANSWER = 256 * 1024  # bytes of what a service answers; no more is read
MOST_MEMORY = 512 * 1024 * 1024  # bytes
CONNECTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
HOME = Path(__file__).parents[1]  # where the packages stand
_MAIL = re.compile(r"[^\s@:/?#<>]{1,64}@[^\s@:/?#<>]{1,250}\.[^\s@:/?#<>.]{2,60}")
_BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")

Resolve = Callable[[str], Iterable[str]]  # name of a host -> its addresses in digits


@dataclass(frozen=True, slots=True)
class MailServer:
    """The office's own, through which all e-mail goes."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = True


@dataclass(frozen=True, slots=True)
class Ways:
    """By which ways messages may leave."""

    ports: tuple[int, ...] = (80, 443)  # of services on the internet
    mail: MailServer | None = None
    seconds: int = 30  # one message may take in all


class AddressRefused(ValueError):
    """An address we do not send to; `key` is a message key, `values` what it speaks of."""

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(f"{key} {values}" if values else key)
        self.key, self.values = key, values


class NotDelivered(Exception):
    """Why not: a message key, or what the service said."""


# ---- addresses -------------------------------------------------------------------------------------------------------


def as_address(text: str) -> str:
    """What was typed as an address for messages: a plain e-mail address becomes `mailto://`."""
    text = text.strip()
    plain = text.removeprefix("mailto:")
    return f"mailto://{plain}" if _MAIL.fullmatch(plain) else text


def check_address(address: str, ways: Ways, resolve: Resolve | None = None) -> None:
    """AddressRefused unless `address` is one we may send to, as far as can be told now.

    A web hook must lead to the public internet: whatever stands inside is not to be reached through us. A name that cannot
    be resolved now is let through.
    """
    check_form(address, ways)
    if urlsplit(address).scheme.lower() not in WEB_PORTS:
        return
    host = _service(address).host
    inner = next((one for one in (resolve or addresses_of)(str(host)) if not is_public(one)), None) if host else None
    if inner:
        raise AddressRefused("address_inside", host=host, address=inner)


def check_form(address: str, ways: Ways) -> None:
    """The same, of its form alone: no name is looked up."""
    scheme = urlsplit(address).scheme.lower()
    if scheme in MAIL:
        receiver_of(address)
        if ways.mail is None:
            raise AddressRefused("mail_not_set")
    elif scheme not in SCHEMES:
        raise AddressRefused("address_way", given=scheme or address[:60])
    elif scheme != "console":
        service = _service(address)
        if scheme in WEB_PORTS and (service.port or WEB_PORTS[scheme]) not in ways.ports:
            raise AddressRefused("address_port", host=service.host)


def receiver_of(address: str) -> str:
    """The one e-mail address a `mailto:` is for. What else such an address may hold is the operator's to set."""
    receiver = unquote(address.partition(":")[2].removeprefix("//").rstrip("/"))
    if not _MAIL.fullmatch(receiver):
        raise AddressRefused("mail_plain")
    try:
        return Address(addr_spec=receiver).addr_spec
    except (MessageError, ValueError, IndexError):
        raise AddressRefused("mail_plain") from None


def _service(address: str) -> Any:
    """What Apprise makes of an address."""
    import apprise

    service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if service is None:
        raise AddressRefused("address_incomplete", given=urlsplit(address).scheme)
    return service


def addresses_of(host: str) -> list[str]:
    """The addresses a connection would go to, numbers in odd notations included; none if the name is not found."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []


# ---- sending ---------------------------------------------------------------------------------------------------------


def carry(address: str, subject: str, body: str, ways: Ways) -> None:
    """Send one message. NotDelivered says why it was not."""
    order = {"address": address, "subject": one_line(subject), "body": body, "ways": asdict(ways)}
    done = subprocess.run(
        [sys.executable, "-m", "intake.courier"],
        input=json.dumps(order).encode(),
        stdout=subprocess.PIPE,
        env=_environment(),
        check=False,
    )
    if done.returncode == -signal.SIGALRM:
        raise NotDelivered("no_answer")
    if why := json.loads(done.stdout) if done.returncode == 0 else f"the courier ended with {done.returncode}":
        raise NotDelivered(why)


def one_line(text: str) -> str:
    """One line, whatever the text holds: nothing of it can become a header."""
    return _BREAKS.sub(" ", text).strip()


def _environment() -> dict[str, str]:
    """That of the service without its secrets, and without proxies and passwords it might hand to whoever is called."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KENTONGAN_") and not name.lower().endswith("_proxy")
    }
    found = os.pathsep.join(filter(None, (str(HOME), kept.get("PYTHONPATH"))))  # from any folder
    return kept | {"PYTHONPATH": found, "NETRC": os.devnull}


# ---- the process -----------------------------------------------------------------------------------------------------


def guard(ports: Collection[int]) -> list[str]:
    """From here on this process connects to public addresses and these ports alone; nothing in it can take that back.

    Returns a list that fills with the keys of what was refused.
    """
    refused: list[str] = []

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event in CONNECTS and arguments[1] is not None and (key := refusal_of(arguments[1], ports)):
            refused.append(key)
            raise PermissionError(key)

    sys.addaudithook(check)
    return refused


def refusal_of(place: Any, ports: Collection[int]) -> str:
    """Why a place is not connected to; empty if it is. One that is no pair of digits and port is inside: a name, a file."""
    if not isinstance(place, tuple) or len(place) < 2 or not is_public(str(place[0])):
        return "address_inside"
    return "" if place[1] in ports else "address_port"


def _carried(address: str, subject: str, body: str, ways: dict[str, Any]) -> str:
    try:
        if urlsplit(address).scheme.lower() in MAIL:
            _mail(MailServer(**ways["mail"]), receiver_of(address), subject, body)
            return ""
        return _notify(address, subject, body, guard(ways["ports"]))
    except AddressRefused as error:
        return error.key
    except Exception as error:  # whatever a service does, it is told in words
        return one_line(f"{type(error).__name__}: {error}")[:500]


def _notify(address: str, subject: str, body: str, refused: list[str]) -> str:
    """By Apprise. Whatever its address asks for, certificates are verified and no redirect is followed."""
    import apprise
    import requests

    vars(requests.sessions)["HTTPAdapter"] = _bounded(requests.adapters.HTTPAdapter)
    service = _service(address)
    service.redirects, service.verify_certificate = False, True
    taken = service.notify(title=subject, body=body, body_format=apprise.NotifyFormat.TEXT)
    return "" if taken else next(iter(refused), "not_taken")


def _bounded(adapter: Any) -> Any:
    """The same way to send by HTTP, which reads no more of an answer than anybody needs."""

    class Bounded(adapter):  # type: ignore[misc]
        def send(self, request: Any, **how: Any) -> Any:
            response = super().send(request, **how | {"stream": True})
            response._content = response.raw.read(LARGEST_ANSWER, decode_content=True)
            response.close()
            return response

    return Bounded


def _mail(server: MailServer, receiver: str, subject: str, body: str) -> None:
    message = EmailMessage(policy=SMTP.clone(raise_on_defect=True))
    message["From"], message["To"] = one_line(server.sender), receiver
    message["Subject"], message["Date"] = subject, formatdate()
    message["Message-ID"] = make_msgid(domain=parseaddr(server.sender)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # nobody's holiday reply comes back
    message.set_content(body)
    context = ssl.create_default_context()
    if server.tls and server.port == TLS_PORT:
        line: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, context=context)
    else:
        line = smtplib.SMTP(server.host, server.port)
    with line:
        if server.tls and server.port != TLS_PORT:
            line.starttls(context=context)
        if server.user:
            line.login(server.user, server.password)
        line.send_message(message)


def main() -> None:
    order = json.load(sys.stdin)
    signal.alarm(order["ways"]["seconds"])  # nobody handles it: it ends the process whatever that waits for
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is no answer
    json.dump(_carried(**order), out)
    out.close()


if __name__ == "__main__":
    main()
