"""Docs fail the build when something is undocumented, or when a command they show does not exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

import scheduler
from intake.settings import Settings

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.id.md")


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE))
    assert set(rows) == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        if field.default is not None:
            assert rows[name] == f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def commands(readme: str) -> list[list[str]]:
    """The `kentongan` commands of a README, as argument lists."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.strip().splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [shlex.split(part.split(">")[0])[1:] for part in parts if part.startswith(".venv/bin/kentongan")]


@pytest.mark.parametrize("readme", READMES)
def test_readme_commands_exist(readme: str) -> None:
    root = typer.main.get_command(scheduler.app)
    shown = commands(readme)
    assert len(shown) >= 8
    for words in shown:
        command, name = root, "kentongan"
        while hasattr(command, "commands"):
            name, *words = words
            command = command.commands[name]
        command.make_context(name, list(words))  # raises on an option or argument that does not exist


@pytest.mark.parametrize("readme", READMES)
def test_readme_shows_the_two_commands(readme: str) -> None:
    text = (ROOT / readme).read_text()
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/kentongan run --demo" in text
    assert ".venv/bin/pip install '.[test]' && .venv/bin/python -m pytest" in text


@pytest.mark.parametrize("page", [*READMES, *(str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for link in re.findall(r"\]\(([^)#]+)", path.read_text()):
        if not link.startswith("http"):
            assert (path.parent / link).exists(), f"{page}: {link}"
