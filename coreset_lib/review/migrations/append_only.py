"""Tables that only grow: the database itself refuses to change or delete their rows."""

from alembic import op

FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION 'rows of % can only be added', TG_TABLE_NAME; END
$$ LANGUAGE plpgsql
"""
POSTGRES = """
CREATE TRIGGER {table}_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""
SQLITE = """
CREATE TRIGGER {table}_only_grow_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'rows of {table} can only be added'); END
"""


def forbid_changes(*tables: str) -> None:
    """Let rows of these tables be added, and nothing else."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FUNCTION)
        for table in tables:
            op.execute(POSTGRES.format(table=table))
        return
    for table in tables:
        for verb in ("UPDATE", "DELETE"):
            op.execute(SQLITE.format(table=table, verb=verb))
