"""What Alembic runs: all missing steps in the one transaction that it is handed."""

from alembic import context

from coreset_lib.review.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
context.run_migrations()
