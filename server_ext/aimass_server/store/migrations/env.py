"""Alembic's entry: migrates the connection that :mod:`aimass_server.store.migrate` hands over."""

from alembic import context

from aimass_server.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
