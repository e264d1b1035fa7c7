"""Configuration: KENTONGAN_* in the environment, or kentongan.toml in the current folder."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

DEMO_DATABASE = "sqlite:///kentongan-demo.db"  # the demo's own, unless another is named for it
DATABASES = ("sqlite", "postgresql+psycopg")  # beginnings of the addresses of databases we know
PROVINCES = Path(__file__).parents[1] / "nlp" / "jurisdictions"


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
    crawl_delay: float = Field(5.0, ge=0, description="seconds between two requests to one host")
    crawl_timeout: float = Field(30.0, gt=0, description="seconds one request may take in all")
    crawl_max_bytes: int = Field(10 * 1024 * 1024, gt=0, description="largest answer that is read, after decompression")
    crawl_tick: int = Field(60, gt=0, description="seconds between two looks for sources that are due")
    analyse_tick: int = Field(10, gt=0, description="seconds between two looks for mentions to analyse")
    alert_tick: int = Field(30, gt=0, description="seconds between two looks for messages to send")
    working_threshold: float = Field(
        0.5, ge=0, le=1, description="a mention becomes or joins a candidate from this probability of failure on"
    )
    session_idle: int = Field(30, gt=0, description="minutes without use after which a session ends")
    session_length: int = Field(12, gt=0, description="hours after which a session ends whatever happens")
    pseudonym_key: SecretStr | None = Field(
        None,
        description="secret that turns handles into pseudonyms; made at first start beside the database if not set",
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


def _make_secret(path: Path) -> None:
    """Whole or not at all, and never over one that is there, however many processes start at once."""
    made = path.with_name(f"{path.name}.{os.getpid()}")
    made.touch(mode=0o600)
    made.write_text(secrets.token_hex(32))
    with suppress(FileExistsError):
        os.link(made, path)
    made.unlink()
