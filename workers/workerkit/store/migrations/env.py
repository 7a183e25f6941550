"""Run by Alembic: migrates over the connection, and in the transaction, that the caller has opened."""

from alembic import context

from workerkit.store.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters most things only by rebuilding the table
)
with context.begin_transaction():
    context.run_migrations()
