"""The commands about people and about the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from intake.commands import Database, announce_password, open_database, refuse, settings_of, table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

user_app = typer.Typer(help="The people with an account.", no_args_is_help=True)
audit_app = typer.Typer(help="Who did what, and whether that record is whole.", no_args_is_help=True)
# Why a log is not whole, in both languages.
BROKEN = {
    "changed": "catatan ini diubah, disisipkan, atau dipindahkan / this row was edited, inserted or moved",
    "missing": "catatan ini dihapus / this row was deleted",
    "cut": "catatan dari sini sampai akhir dihapus / the rows from here to the end were deleted",
    "extra": "catatan dari sini ditambahkan dari luar program / the rows from here on were added from outside",
    "rewritten": "rantainya utuh, tetapi bukan yang dikenal jangkar: ditulis ulang sampai di sini / "
    "the chain is whole, but not the one its anchor knows: it was written anew up to here",
}


@user_app.command("add")
def user_add(
    context: typer.Context,
    name: str,
    role: Annotated[str, typer.Option(help="admin, head, officer, focal, analyst or auditor.")],
    agency: Annotated[str | None, typer.Option(help="Agency id of a focal point.")] = None,
    database: Database = None,
) -> None:
    """Add somebody; the generated password is shown once."""
    from intake.people import accounts

    with _accounts(context, database) as session:
        _, password = accounts.add_person(session, name, role, agency_id=agency)
    typer.echo(f"{name}  {password}")


@user_app.command("list")
def user_list(context: typer.Context, database: Database = None) -> None:
    """Everybody with an account."""
    from intake.people import accounts

    with _accounts(context, database) as session:
        rows = [
            (p.name, p.role, p.agency_id or "", "code" if p.totp else "", "disabled" if p.disabled else "")
            for p in accounts.people(session)
        ]
    table(("name", "role", "agency", "", ""), rows)


@user_app.command("role")
def user_role(
    context: typer.Context,
    name: str,
    role: Annotated[str, typer.Argument(help="admin, head, officer, focal, analyst or auditor.")],
    agency: Annotated[str | None, typer.Option(help="Agency id of a focal point.")] = None,
    database: Database = None,
) -> None:
    """Give somebody another role; their sessions and tokens end."""
    from intake.people import accounts

    with _accounts(context, database) as session:
        changed = accounts.change_role(session, accounts.named(session, name), role, agency)
    typer.echo(f"{name}: {role}" if changed else f"{name}: {role}, tidak ada yang berubah / nothing changed")


@user_app.command("disable")
def user_disable(context: typer.Context, name: str, database: Database = None) -> None:
    """Close an account; its sessions and tokens end."""
    from intake.people import accounts

    with _accounts(context, database) as session:
        accounts.disable(session, name)
    typer.echo(f"{name}: nonaktif / disabled")


@user_app.command("password")
def user_password(context: typer.Context, name: str, database: Database = None) -> None:
    """A new generated password, shown once; open sessions end."""
    from intake.people import accounts

    with _accounts(context, database) as session:
        password = accounts.set_password(session, name)
    typer.echo(f"{name}  {password}")


@user_app.command("reset-code")
def user_reset_code(context: typer.Context, name: str, database: Database = None) -> None:
    """Forget somebody's second factor, for whoever lost their phone and their recovery codes."""
    from intake.people import accounts, totp

    with _accounts(context, database) as session:
        totp.remove(session, accounts.named(session, name), None)
    typer.echo(f"{name}: kode tambahan dilepas / the second factor is removed")


@user_app.command("token")
def user_token(
    context: typer.Context,
    name: str,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may do, as often as needed: read:queue ...; if none, all the person may but read:personal."
        ),
    ] = None,
    days: Annotated[int, typer.Option(help="How long it works.")] = 365,
    label: Annotated[str, typer.Option(help="What it is for, as the account page shows it.")] = "",
    database: Database = None,
) -> None:
    """A token for the API, shown once."""
    from intake.people import accounts

    with _accounts(context, database) as session:
        token = accounts.make_token(session, name, label=label, scopes=scope or (), days=days)
    typer.echo(token)


# ---- the audit log -------------------------------------------------------------------------------------------------


@audit_app.command("verify")
def audit_verify(context: typer.Context, database: Database = None) -> None:
    """Read the whole log, compute its chain again, and compare it with the anchors. Exit code 1 if it is not whole."""
    from intake.people import audit
    from intake.settings import anchor_file

    path = anchor_file(settings_of(context, database))
    with _accounts(context, database) as session:
        found = audit.verify(session, audit.anchors_of(path))
    if isinstance(found, audit.Broken):
        typer.echo(f"Catatan ke-{found.place} / row {found.place}: {BROKEN[found.why]}.")
        raise typer.Exit(1)
    typer.echo(
        f"Utuh: {found.place} catatan, {found.anchors} jangkar cocok. / "
        f"Whole: {found.place} rows, {found.anchors} anchors agree.\n{found.place} {found.hash}"
    )


@audit_app.command("anchor")
def audit_anchor(context: typer.Context, database: Database = None) -> None:
    """Note the end of the log in the anchor file, outside the database."""
    from intake.people import audit
    from intake.settings import anchor_file

    path = anchor_file(settings_of(context, database))
    with _accounts(context, database) as session:
        try:
            made = audit.anchor(session, path)
        except OSError as error:
            refuse(f"{path} cannot be written: {error.strerror}. Name another file with KENTONGAN_AUDIT_ANCHOR.")
    typer.echo(f"{path}: {made.place} {made.hash}" if made else f"{path}: tidak ada yang baru / nothing new")


@contextmanager
def _accounts(context: typer.Context, database: str | None) -> Iterator[Session]:
    with ExitStack() as stack:
        sessions, password = open_database(stack, settings_of(context, database))
        announce_password(password)
        try:
            with sessions.begin() as session:
                yield session
        except ValueError as error:
            refuse(str(error))
