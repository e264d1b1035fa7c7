"""Run by Alembic with the connection that `migrate` holds the lock on."""

from alembic import context

from intake.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=False,  # the transaction is the caller's
)
context.run_migrations()
