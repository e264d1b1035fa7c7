"""The way a message leaves: what is never connected to, what a service cannot do to us, and a real exchange of mail."""

import base64
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from intake import courier
from intake.courier import AddressRefused, MailServer, NotDelivered, Ways
from intake.settings import Settings, ways_of

MAIL = MailServer("mail.kantor.example", 587, "kentongan@kantor.example")
NO_HOST = [
    ("address_incomplete", host) for host in ("0x7f.1", "127.1", "[::ffff:127.0.0.1]")
]  # Apprise reads none in these
AS_IF_PUBLIC = "import crawler.public; crawler.public.is_public = lambda address: address == '127.0.0.1'"
LEADS_INWARD = """
import socket
real = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: real("127.0.0.1" if host == "hook.example" else host, *more, **named)
"""


class Listener:
    """A port of this machine that counts who comes."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.count = 0
        listener = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                listener.count += 1

        class Server(ThreadingTCPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = allow_reuse_address = True

        self.server = Server((host, port), Handler)
        self.port: int = self.server.server_address[1]
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    listeners: list[Listener] = []

    def start(host: str = "127.0.0.1", port: int = 0) -> Listener:
        listeners.append(Listener(host, port))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.server.shutdown()
        listener.server.server_close()


class Hook:
    """A web hook on loopback: what it was told, and what it answers with."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = lambda request: self.reply(request, 200)
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                hook.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def reply(self, request: BaseHTTPRequestHandler, status: int, **headers: str) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()


@pytest.fixture
def hook() -> Iterator[Hook]:
    one = Hook()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def in_courier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What is to hold in the courier's process before it begins."""

    def set_up(code: str) -> None:
        (tmp_path / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    monkeypatch.setenv("PYTHONPATH", "")
    return set_up


def failure(address: str, ways: Ways) -> str:
    """Why a message is not delivered."""
    with pytest.raises(NotDelivered) as refused:
        courier.carry(address, "perihal", "isi", ways)
    return str(refused.value)


# ---- addresses


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://x", "syslog://", "mailtos://", ""])
def test_messages_go_only_by_listed_ways(address: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        courier.check_address(address, Ways(mail=MAIL))
    assert refused.value.key in ("address_way", "mail_plain")


@pytest.mark.parametrize(
    "address",
    [
        "json://127.0.0.1/x",
        "jsons://10.0.0.7/x",
        "json://[::1]/x",
        "json://2130706433/x",
        "ntfys://169.254.169.254/x",
        "json://dalam.example/x",
    ],
)
def test_a_web_hook_inside_is_not_saved(address: str) -> None:
    def resolve(host: str) -> list[str]:
        return ["93.184.215.14", "192.168.1.4"] if host == "dalam.example" else courier.addresses_of(host)

    with pytest.raises(AddressRefused) as refused:
        courier.check_address(address, Ways(), resolve)
    assert refused.value.key == "address_inside"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("jsons://hook.example:8443/x", "address_port"),
        ("json://hook.example:22/x", "address_port"),
        ("mailto://a@kantor.example?smtp=10.0.0.7", "mail_plain"),
        ("mailtos://user:pass@kantor.example", "mail_plain"),
        ("mailto://a,b@kantor.example", "mail_plain"),
        ("json://", "address_incomplete"),
    ],
)
def test_what_else_is_not_saved(address: str, key: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        courier.check_address(address, Ways(mail=MAIL), lambda host: ["93.184.215.14"])
    assert refused.value.key == key


def test_where_messages_may_go() -> None:
    ways = Ways((80, 443, 8443), MAIL)
    for address in (
        "jsons://hook.example:8443/x",
        "json://tidak-ada.example/x",
        "mailto://a@b.example",
        "ntfys://topik",
    ):
        courier.check_address(address, ways, lambda host: ["93.184.215.14"] if host == "hook.example" else [])
    courier.check_address("console://", Ways())
    with pytest.raises(AddressRefused, match="mail_not_set"):
        courier.check_address("mailto://a@b.example", Ways())


def test_a_plain_mail_address_is_one() -> None:
    for text in (" ida@dishub.go.id ", "mailto:ida@dishub.go.id", "mailto://ida@dishub.go.id"):
        assert courier.as_address(text) == "mailto://ida@dishub.go.id"
    for text in ("console://", "a@b", "x@y.example/z"):
        assert courier.as_address(text) == text


# ---- the guard


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "017700000001", "127.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]",
     "[::ffff:7f00:1]", "[64:ff9b::7f00:1]"],
)  # fmt: skip
def test_nothing_inside_is_connected_to_however_it_is_written(host: str, listen: Callable[..., Listener]) -> None:
    four = listen()
    six = listen("::1", four.port)
    why = failure(f"json://{host}:{four.port}/x", Ways((four.port,)))
    assert (four.count, six.count) == (0, 0)
    assert why == "address_inside" or (why, host) in NO_HOST


def test_a_name_that_leads_inward_once_it_is_saved_is_not_followed(
    listen: Callable[..., Listener], in_courier: Callable[[str], None]
) -> None:
    inside = listen()
    address, ways = f"json://hook.example:{inside.port}/x", Ways((inside.port,))
    courier.check_address(address, ways, lambda host: ["93.184.215.14"])
    in_courier(LEADS_INWARD)
    assert failure(address, ways) == "address_inside"
    assert inside.count == 0


@pytest.mark.parametrize("asks", ["", "?redirect=yes&verify=no"])
def test_a_redirect_inward_is_not_followed(
    asks: str, hook: Hook, listen: Callable[..., Listener], in_courier: Callable[[str], None]
) -> None:
    inside = listen("127.0.0.2")
    hook.answer = lambda request: hook.reply(request, 307, Location=f"http://127.0.0.2:{inside.port}/")
    in_courier(AS_IF_PUBLIC)
    assert failure(f"json://127.0.0.1:{hook.port}/x{asks}", Ways((hook.port, inside.port))) == "not_taken"
    assert (len(hook.told), inside.count) == (1, 0)


def test_a_port_that_is_not_listed_is_not_knocked_at(hook: Hook, in_courier: Callable[[str], None]) -> None:
    in_courier(AS_IF_PUBLIC)
    assert failure(f"json://127.0.0.1:{hook.port}/x", Ways()) == "address_port"
    assert hook.told == []


def test_the_guard_holds_for_whatever_a_channel_does(listen: Callable[..., Listener], tmp_path: Path) -> None:
    inside = listen()
    code = f"""
import smtplib, socket
from intake.courier import guard
refused = guard([{inside.port}])
def attempt(deed):
    try:
        deed()
        print("came through")
    except OSError:
        pass
place = ("127.0.0.1", {inside.port})
attempt(lambda: smtplib.SMTP(*place))
attempt(lambda: socket.socket().connect(("localhost", {inside.port})))
attempt(lambda: socket.socket().connect_ex(place))
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", place))
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, place))
attempt(lambda: socket.socket(socket.AF_UNIX).connect({str(tmp_path)!r}))
print(len(refused))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=courier.HOME, timeout=30)
    assert (done.stdout, inside.count) == ("6\n", 0), done.stderr


# ---- what a service may do to us


def test_a_message_is_delivered_and_no_proxy_and_no_secret_goes_along(
    hook: Hook, in_courier: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, listen: Callable[..., Listener]
) -> None:
    proxy = listen()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("KENTONGAN_PSEUDONYM_KEY", "rahasia")
    in_courier(AS_IF_PUBLIC)
    courier.carry(f"json://127.0.0.1:{hook.port}/x", "per\r\nihal\u2028", "isi\nbaris", Ways((hook.port, proxy.port)))
    assert [(one["title"], one["message"]) for one in hook.told] == [("per ihal", "isi\nbaris")]
    assert proxy.count == 0
    assert "rahasia" not in str(courier._environment())


def test_an_endless_answer_costs_little(hook: Hook, in_courier: Callable[[str], None]) -> None:
    sent = 0

    def endless(request: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        hook.reply(request, 200)
        try:
            while sent < 200_000_000:
                request.wfile.write(b"x" * 65536)
                sent += 65536
        except OSError:
            return

    hook.answer = endless
    in_courier(AS_IF_PUBLIC)
    courier.carry(f"json://127.0.0.1:{hook.port}/x", "perihal", "isi", Ways((hook.port,)))
    assert len(hook.told) == 1
    assert sent < 20_000_000, "what the system buffers on the way, no more"


def test_a_service_that_never_comes_to_an_end_is_left_in_time(hook: Hook, in_courier: Callable[[str], None]) -> None:
    def dripping(request: BaseHTTPRequestHandler) -> None:
        hook.reply(request, 200)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                request.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.1)

    hook.answer = dripping
    in_courier(AS_IF_PUBLIC)
    started = time.monotonic()
    assert failure(f"json://127.0.0.1:{hook.port}/x", Ways((hook.port,), seconds=3)) == "no_answer"
    assert time.monotonic() - started < 15


# ---- e-mail


class Post(StreamRequestHandler):
    """One conversation of a small mail server; `server` keeps what it was given."""

    def handle(self) -> None:
        server: Any = self.server
        self.say("220 mail ESMTP")
        secure = False
        while line := self.rfile.readline():
            word = line.decode().strip()
            command = word[:4].upper()
            if command == "EHLO":
                self.say(
                    "250-mail\r\n250-AUTH PLAIN"
                    + ("\r\n250 STARTTLS" if server.tls and not secure else "\r\n250 8BITMIME")
                )
            elif command == "STAR":
                self.say("220 go on")
                self.request = server.tls.wrap_socket(self.request, server_side=True)
                self.setup()
                secure = True
            elif command == "AUTH":
                server.passwords.append((secure, base64.b64decode(word.split()[-1]).decode().split("\0")[1:]))
                self.say("235 welcome")
            elif command == "DATA":
                self.say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                server.letters.append(b"".join(lines))
                self.say("250 taken")
            elif command == "QUIT":
                self.say("221 bye")
                return
            else:
                server.envelope.append(word)
                self.say("250 fine")

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class PostOffice(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Post)
        self.tls = tls
        self.passwords: list[tuple[bool, list[str]]] = []
        self.letters: list[bytes] = []
        self.envelope: list[str] = []
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """A conversation the other side breaks off is what some tests are about."""


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate of this machine, in one file."""
    key, at = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "mail.pem"
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()) + made.public_bytes(encoding))
    return path


@pytest.fixture
def office(certificate: Path) -> Iterator[PostOffice]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with PostOffice(tls) as server:
        yield server
        server.shutdown()


def through(office: PostOffice, **more: Any) -> Ways:
    return Ways(mail=MailServer("127.0.0.1", office.server_address[1], "Kentongan <kentongan@kantor.example>", **more))


def test_mail_goes_through_the_offices_own_server(
    office: PostOffice, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    subject = "Air mati\r\nBcc: semua@kantor.example\u2028di Duri — darurat"
    courier.carry(
        "mailto://ida@dinas.example",
        subject,
        "Isi é\n.\nakhir",
        through(office, user="kentongan", password="sandi ini"),
    )
    assert office.passwords == [(True, ["kentongan", "sandi ini"])]
    assert [word.split(" ")[1] for word in office.envelope[:2]] == [
        "FROM:<kentongan@kantor.example>",
        "TO:<ida@dinas.example>",
    ]
    letter = message_from_bytes(office.letters[0], policy=default)
    assert letter["subject"] == "Air mati Bcc: semua@kantor.example di Duri — darurat"
    assert (letter["from"], letter["to"], letter["bcc"]) == (
        "Kentongan <kentongan@kantor.example>",
        "ida@dinas.example",
        None,
    )
    assert letter["message-id"].endswith("@kantor.example>")
    assert letter["auto-submitted"] == "auto-generated"
    assert letter.get_content().splitlines() == ["Isi é", "..", "akhir"], "dots are doubled on the way"


def test_a_server_nobody_vouches_for_gets_no_password_and_no_letter(office: PostOffice) -> None:
    why = failure("mailto://ida@dinas.example", through(office, user="kentongan", password="sandi"))
    assert "certificate" in why.lower()
    assert (office.passwords, office.letters) == ([], [])


def test_a_server_without_encryption_must_be_allowed() -> None:
    with PostOffice() as office:
        assert "STARTTLS" in failure("mailto://ida@dinas.example", through(office))
        assert office.letters == []
        courier.carry("mailto://ida@dinas.example", "perihal", "isi", through(office, tls=False))
        assert len(office.letters) == 1
        office.shutdown()


def test_a_mail_server_that_is_down_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ways = Ways(mail=MailServer("127.0.0.1", port, "kentongan@kantor.example"))
    assert "refused" in failure("mailto://ida@dinas.example", ways)


# ---- settings


def test_the_mail_server_comes_from_the_settings(tmp_path: Path) -> None:
    secret = tmp_path / "sandi"
    secret.write_text("dari berkas\n")
    secret.chmod(0o600)
    given: dict[str, Any] = {"mail_host": "mail.kantor.example", "mail_sender": "a@b.example", "mail_user": "k"}
    ways = ways_of(Settings(**given, mail_password_file=secret))
    assert ways.mail == MailServer("mail.kantor.example", 587, "a@b.example", "k", "dari berkas")
    assert "dari berkas" not in repr(ways)
    assert ways_of(Settings(**given, mail_password="lain", mail_password_file=secret)).mail.password == "lain"  # type: ignore[union-attr]
    assert ways_of(Settings()).mail is None
    secret.chmod(0o640)
    for wrong, why in (
        ({"mail_password_file": secret}, "chmod 600"),
        ({"mail_password_file": tmp_path / "tidak-ada"}, "cannot be read"),
        ({"mail_sender": "kantor"}, "e-mail address"),
        ({"mail_sender": None}, "mail_sender"),
        ({"mail_tls": False}, "TLS"),
        ({"mail_host": None, "operator_address": "a@b.example"}, "set mail_host"),
        ({"operator_address": "jsons://hook.example:8443/x"}, "message_ports"),
    ):
        with pytest.raises(ValueError, match=why):
            Settings(**given | wrong)
