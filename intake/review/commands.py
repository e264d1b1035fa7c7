"""The commands about the review queue."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from intake.commands import Database, announce_password, open_database, refuse, settings_of

review_app = typer.Typer()


@review_app.command("import-handled")
def import_handled(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV exported from there: number, date, agency, region, subject, state.")
    ],
    system: Annotated[str, typer.Option(help="lapor, simpel, or agency for an agency's own list.")],
    database: Database = None,
) -> None:
    """What LAPOR! or SIMPeL has in hand already, for hints beside candidates. Exit code 1 if a line was left out."""
    from intake.review import records

    if system not in records.SYSTEMS:
        refuse(f"no system is called {system!r}. Systems: {', '.join(records.SYSTEMS)}.")
    with ExitStack() as stack:
        sessions, password = open_database(stack, settings_of(context, database))
        announce_password(password)
        session = stack.enter_context(sessions.begin())
        try:
            done = records.import_file(session, file, system)
        except records.NoTable as error:
            refuse(
                f"{file} has no column for the number of a report, or none for its date; its columns are: {error}. "
                'Call them "Nomor Laporan" and "Tanggal Laporan".'
            )
        except OSError as error:
            refuse(f"{file} cannot be read: {error.strerror}. Give the path of a file that is there and may be read.")
    for remark in done.remarks:
        typer.echo(f"{file}:{remark.line}: {remark.indonesian} / {remark.english}", err=True)
    left = sum(not remark.kept for remark in done.remarks)
    typer.echo(
        f"{done.new} baru, {done.changed} diperbarui, {left} dilewati. / "
        f"{done.new} new, {done.changed} brought up to date, {left} left out."
    )
    if left:
        raise typer.Exit(1)
