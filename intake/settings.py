"""Configuration: KENTONGAN_* in the environment, or kentongan.toml in the current folder."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from datetime import date
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

if TYPE_CHECKING:
    from intake.courier import Ways

DEMO_DATABASE = "sqlite:///kentongan-demo.db"  # the demo's own, unless another is named for it
DATABASES = ("sqlite", "postgresql+psycopg")  # beginnings of the addresses of databases we know
PROVINCES = Path(__file__).parents[1] / "nlp" / "jurisdictions"
NOT_TOLD = {  # why the operator could not be told at an address
    "mail_not_set": "e-mail leaves through the mail server of the office: set mail_host and mail_sender too",
    "address_port": "it names a port that is none of message_ports",
}


class Settings(BaseSettings):
    """Every setting, its default and its unit; docs/configuration.md lists them all and a test holds it to that."""

    model_config = SettingsConfigDict(env_prefix="KENTONGAN_", toml_file="kentongan.toml", extra="forbid")

    database_url: str = Field("sqlite:///kentongan.db", description="SQLAlchemy URL of the database")
    host: str = Field("127.0.0.1", description="address the console listens on; beyond loopback needs behind_tls")
    port: int = Field(8080, ge=0, le=65535, description="port of the console; 0 picks a free one")
    behind_tls: bool = Field(
        False, description="true when a TLS proxy stands in front: secure cookies, HSTS, and binding beyond loopback"
    )
    province: str = Field("riau", description="folder of nlp/jurisdictions and file of crawler/sources to work with")
    contact: str = Field(
        "kentongan@example.invalid", description="who operates the crawler; stands in its user agent, change it"
    )
    mail_sender: str | None = Field(None, description="address that messages by e-mail come from")
    mail_port: int = Field(587, ge=1, le=65535, description="port of the mail server; 465 is encrypted from the start")
    mail_tls: bool = Field(True, description="false: unencrypted and without a password, to a server in the house")
    mail_user: str | None = Field(None, description="account at the mail server, if it wants one")
    mail_password: SecretStr | None = Field(None, description="its password; better in mail_password_file")
    mail_password_file: Path | None = Field(None, description="file that holds the password, of mode 0600")
    mail_host: str | None = Field(None, description="mail server of the office, through which e-mail is sent")
    message_ports: tuple[int, ...] = Field((80, 443), description="ports of web hooks that messages may be sent to")
    operator_address: SecretStr | None = Field(
        None, description="who is told of sources in trouble: an e-mail address, or one of Apprise"
    )
    crawl_delay: float = Field(5.0, ge=0, description="seconds between two requests to one host")
    crawl_timeout: float = Field(30.0, gt=0, description="seconds one request may take in all")
    crawl_max_bytes: int = Field(10 * 1024 * 1024, gt=0, description="largest answer that is read, after decompression")
    drop_folder: Path | None = Field(None, description="folder whose CSV and JSON files of public texts are imported")
    drop_tick: int = Field(60, gt=0, description="seconds between two looks into that folder")
    crawl_tick: int = Field(60, gt=0, description="seconds between two looks for sources that are due")
    analyse_tick: int = Field(10, gt=0, description="seconds between two looks for mentions to analyse")
    alert_tick: int = Field(30, gt=0, description="seconds between two looks for messages to send")
    working_threshold: float = Field(
        0.5, ge=0, le=1, description="a mention becomes or joins a candidate from this probability of failure on"
    )
    lease_minutes: int = Field(
        5, gt=0, description="minutes without activity after which an opened candidate is free again"
    )
    session_idle: int = Field(30, gt=0, description="minutes without use after which a session ends")
    session_length: int = Field(12, gt=0, description="hours after which a session ends whatever happens")
    public_url: str | None = Field(
        None, description="address under which the console is reached from outside; links to focal points begin with it"
    )
    limits_file: Path | None = Field(None, description="file of the office's own limits; those of an id replace ours")
    office_days_off: tuple[date, ...] = Field((), description="days the office does not work, beside holidays")
    office_work_days: tuple[date, ...] = Field((), description="days the office works although they are days off")
    second_factor_roles: tuple[str, ...] = Field(
        ("admin", "head"), description="roles that must set up a second factor; not asked for in the demo"
    )
    audit_anchor: Path | None = Field(
        None, description="file that the end of the audit log is noted in; one beside the database if not set"
    )
    pseudonym_key: SecretStr | None = Field(
        None,
        description="secret that turns handles into pseudonyms; made at first start beside the database if not set",
    )
    evidence_folder: Path | None = Field(
        None, description="folder of the raw answers that texts were read from; a folder beside the database if not set"
    )
    demo_port: int = Field(8790, ge=0, le=65535, description="port of the demo press")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if url.partition("://")[0] not in DATABASES or "://" not in url:
            raise ValueError(
                "an address of a database begins with sqlite:/// (a file) or postgresql+psycopg:// (a server), "
                "for example sqlite:///kentongan.db"
            )
        return url

    @field_validator("public_url")
    @classmethod
    def _can_be_called(cls, url: str | None) -> str | None:
        if not url:
            return None
        parts = urlsplit(url)
        inside = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
        if (
            not (parts.hostname and (parts.scheme == "https" or inside))
            or parts.query
            or parts.fragment
            or parts.username
        ):
            raise ValueError("give the https address of the console, for example https://kentongan.office.example")
        return url.rstrip("/")

    @field_validator("limits_file")
    @classmethod
    def _holds_limits(cls, path: Path | None) -> Path | None:
        from intake.casework.clocks import load_limits, load_receipt

        load_limits(path)
        load_receipt(path)
        return path

    @field_validator("second_factor_roles")
    @classmethod
    def _known_roles(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        from intake.models import ROLES

        if unknown := [role for role in given if role not in ROLES]:
            raise ValueError(f"{', '.join(unknown)}: no such role; roles: {', '.join(ROLES)}")
        return given

    @field_validator("mail_sender")
    @classmethod
    def _is_a_sender(cls, given: str | None) -> str | None:
        if given is not None and "@" not in parseaddr(given)[1]:
            raise ValueError("give an e-mail address, for example kentongan@office.example")
        return given

    @field_validator("mail_password_file")
    @classmethod
    def _is_private(cls, path: Path | None) -> Path | None:
        if path is not None:
            _read_secret(path)
        return path

    @field_validator("mail_host")
    @classmethod
    def _mail_can_leave(cls, host: str | None, info: ValidationInfo) -> str | None:
        if host and not info.data.get("mail_sender"):
            raise ValueError("give mail_sender too: every message comes from somebody")
        if host and info.data.get("mail_user") and not info.data.get("mail_tls"):
            raise ValueError("a password leaves over TLS only: leave out mail_user, or mail_tls = false")
        return host or None

    @field_validator("operator_address")
    @classmethod
    def _messages_can_go_there(cls, given: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if given is None or not given.get_secret_value().strip():
            return None
        from intake import courier

        mail = courier.MailServer("", 0, "") if info.data.get("mail_host") else None
        ways = courier.Ways(info.data.get("message_ports", ()), mail)
        try:
            courier.check_form(courier.as_address(given.get_secret_value()), ways)
        except courier.AddressRefused as refused:
            known = ", ".join(f"{scheme}://" for scheme in courier.SCHEMES)
            otherwise = f"give an e-mail address, or the whole of one that begins with {known}"
            raise ValueError(NOT_TOLD.get(refused.key, otherwise)) from None
        return given

    @field_validator("province")
    @classmethod
    def _known_province(cls, name: str) -> str:
        have = sorted(path.parent.name for path in PROVINCES.glob("*/regions.toml"))
        if name not in have:
            raise ValueError(f"there are no tables of {name!r} in nlp/jurisdictions; there are: {', '.join(have)}")
        return name

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def pseudonym_key(settings: Settings) -> bytes:
    """The secret for pseudonyms: the setting, or a 0600 file beside the SQLite database (or in the current folder)."""
    if settings.pseudonym_key is not None:
        return settings.pseudonym_key.get_secret_value().encode()
    url = settings.database_url
    folder = Path(url.removeprefix("sqlite:///")).parent if url.startswith("sqlite:///") else Path()
    path = folder / "kentongan.secret"
    if not path.exists():
        _make_secret(path)
    return path.read_text().strip().encode()


def evidence_folder(settings: Settings) -> Path:
    """Where raw answers are kept: of each database its own folder, for what none of its texts needs is deleted."""
    return (settings.evidence_folder or _beside(settings.database_url, ".evidence")).absolute()


def anchor_file(settings: Settings) -> Path:
    """Where the end of the audit log is noted: of each database its own file."""
    return (settings.audit_anchor or _beside(settings.database_url, ".anchor")).absolute()


def _beside(url: str, suffix: str) -> Path:
    """A name beside the SQLite database, or in the current folder."""
    database = Path(url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else "kentongan")
    return database.with_suffix(suffix)


def ways_of(settings: Settings) -> Ways:
    """By which ways messages may leave."""
    from intake.courier import MailServer, Ways

    if settings.mail_host is None:
        return Ways(settings.message_ports)
    sender, user = settings.mail_sender or "", settings.mail_user or ""
    mail = MailServer(settings.mail_host, settings.mail_port, sender, user, mail_password(settings), settings.mail_tls)
    return Ways(settings.message_ports, mail)


def mail_password(settings: Settings) -> str:
    """The password of the mail account: of the environment, or else of its file; empty if there is none."""
    if settings.mail_password is not None:
        return settings.mail_password.get_secret_value()
    return _read_secret(settings.mail_password_file) if settings.mail_password_file else ""


def _read_secret(path: Path) -> str:
    """What a file holds that nobody else can read. ValueError if somebody can, or if we cannot."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise ValueError(f"others can read {path} (mode {mode:04o}); run: chmod 600 {path}")
            return file.read().strip("\r\n")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None


def _make_secret(path: Path) -> None:
    """Whole or not at all, and never over one that is there, however many processes start at once."""
    made = path.with_name(f"{path.name}.{os.getpid()}")
    made.touch(mode=0o600)
    made.write_text(secrets.token_hex(32))
    with suppress(FileExistsError):
        os.link(made, path)
    made.unlink()
