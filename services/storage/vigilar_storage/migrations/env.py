"""How Alembic reaches the database: the engine is handed in by `vigilar_storage.migrate`."""

from alembic import context
from vigilar_storage.schema import METADATA

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        transaction_per_migration=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
