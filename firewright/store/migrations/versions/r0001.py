"""Requests with their approvals and revisions, the log, accounts, sessions, tokens, attempts and settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text in the order of code points."""
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_SQLITE = (
    """
    CREATE TRIGGER log_no_update BEFORE UPDATE ON log BEGIN SELECT raise(ABORT, 'the log is append-only'); END
    """,
    """
    CREATE TRIGGER log_no_delete BEFORE DELETE ON log BEGIN SELECT raise(ABORT, 'the log is append-only'); END
    """,
    """
    CREATE TRIGGER log_at_end BEFORE INSERT ON log
    WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM log)
      OR NEW.previous IS NOT coalesce((SELECT digest FROM log ORDER BY number DESC LIMIT 1), NEW.previous)
    BEGIN SELECT raise(ABORT, 'the log is append-only'); END
    """,
)
_POSTGRES = (
    """
    CREATE FUNCTION log_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$
    """,
    """
    CREATE FUNCTION log_at_end() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE last record;
    BEGIN
      SELECT number, digest INTO last FROM log ORDER BY number DESC LIMIT 1;
      IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.previous <> coalesce(last.digest, NEW.previous) THEN
        RAISE EXCEPTION 'the log is append-only';
      END IF;
      RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER log_no_change BEFORE UPDATE OR DELETE ON log FOR EACH ROW EXECUTE FUNCTION log_refuse()",
    "CREATE TRIGGER log_no_truncate BEFORE TRUNCATE ON log FOR EACH STATEMENT EXECUTE FUNCTION log_refuse()",
    "CREATE TRIGGER log_at_end BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION log_at_end()",
    "ALTER TABLE log ENABLE ALWAYS TRIGGER log_no_change",
    "ALTER TABLE log ENABLE ALWAYS TRIGGER log_no_truncate",
    "ALTER TABLE log ENABLE ALWAYS TRIGGER log_at_end",
)
"""The log takes rows at its end and gives none back, whoever asks; in PostgreSQL also while a replica is filled.

SQLite's `INSERT OR REPLACE` deletes without a word to triggers; the one before INSERT stops it.
"""


def text(name: str) -> sa.Column[str]:
    """A column with a text in every row."""
    return sa.Column(name, TEXT, nullable=False)


def upgrade() -> None:
    """Make the tables."""
    _accounts()
    _sessions()
    _tokens()
    _attempts()
    _settings()
    _log()
    _requests()
    _request_approvals()
    _request_revisions()
    _request_words()
    _request_zones()
    for statement in _POSTGRES if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables with what is in them."""
    for name in (
        "request_zones",
        "request_words",
        "request_revisions",
        "request_approvals",
        "requests",
        "log",
        "settings",
        "attempts",
        "tokens",
        "sessions",
        "accounts",
    ):
        op.drop_table(name)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION log_refuse")
        op.execute("DROP FUNCTION log_at_end")


def _accounts() -> None:
    op.create_table(
        "accounts",
        text("key"),
        text("name"),
        text("shown"),
        text("password_hash"),
        text("grants"),
        text("groups"),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("subject", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_accounts"),
        sa.UniqueConstraint("subject", name="uq_accounts_subject"),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        text("id"),
        text("account"),
        text("created"),
        text("seen"),
        text("expires"),
        text("origin"),
        text("agent"),
        sa.ForeignKeyConstraint(["account"], ["accounts.key"], name="fk_sessions_account"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_account", "sessions", ["account"])
    op.create_index("ix_sessions_expires", "sessions", ["expires"])


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        text("hash"),
        text("account"),
        text("name"),
        text("scopes"),
        text("made"),
        sa.Column("expires", TEXT, nullable=True),
        sa.Column("used", TEXT, nullable=True),
        sa.Column("ended", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["account"], ["accounts.key"], name="fk_tokens_account"),
        sa.PrimaryKeyConstraint("number", name="pk_tokens"),
        sa.UniqueConstraint("hash", name="uq_tokens_hash"),
    )
    op.create_index("ix_tokens_account", "tokens", ["account"])


def _attempts() -> None:
    op.create_table(
        "attempts",
        text("key"),
        text("at"),
        sa.Column("nth", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "at", "nth", name="pk_attempts"),
    )
    op.create_index("ix_attempts_at", "attempts", ["at"])


def _settings() -> None:
    op.create_table(
        "settings",
        text("name"),
        text("value"),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )


def _log() -> None:
    op.create_table(
        "log",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        text("who"),
        text("act"),
        text("about"),
        text("origin"),
        text("way"),
        text("because"),
        text("details"),
        text("at"),
        text("previous"),
        text("digest"),
        sa.PrimaryKeyConstraint("number", name="pk_log"),
        sa.UniqueConstraint("previous", name="uq_log_previous"),
    )
    op.create_index("ix_log_about_number", "log", ["about", "number"])
    op.create_index("ix_log_act_number", "log", ["act", "number"])
    op.create_index("ix_log_who_number", "log", ["who", "number"])


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        text("state"),
        text("author"),
        text("policy"),
        text("sources"),
        text("destinations"),
        text("services"),
        text("because"),
        text("owner"),
        text("until"),
        text("ticket"),
        text("overrides"),
        text("text"),
        text("path"),
        text("severity"),
        text("made"),
        text("changed"),
        sa.Column("answer", TEXT, nullable=True),
        text("said"),
        text("review"),
        sa.Column("is_break_glass", sa.Boolean(), nullable=False),
        sa.Column("is_reviewed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_requests"),
    )
    op.create_index("ix_requests_author_number", "requests", ["author", "number"])
    op.create_index("ix_requests_policy_number", "requests", ["policy", "number"])
    op.create_index("ix_requests_policy_state_number", "requests", ["policy", "state", "number"])
    op.create_index("ix_requests_state_number", "requests", ["state", "number"])
    op.create_index("ix_requests_state_review", "requests", ["state", "review"])
    op.create_index("ix_requests_state_until", "requests", ["state", "until"])


def _request_approvals() -> None:
    op.create_table(
        "request_approvals",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        text("account"),
        text("zone"),
        text("digest"),
        text("at"),
        text("because"),
        text("voided"),
        sa.ForeignKeyConstraint(["number"], ["requests.number"], name="fk_request_approvals_number"),
        sa.PrimaryKeyConstraint("number", "position", name="pk_request_approvals"),
    )


def _request_revisions() -> None:
    op.create_table(
        "request_revisions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        text("at"),
        text("wish"),
        text("text"),
        text("path"),
        sa.ForeignKeyConstraint(["number"], ["requests.number"], name="fk_request_revisions_number"),
        sa.PrimaryKeyConstraint("number", "version", name="pk_request_revisions"),
    )


def _request_words() -> None:
    op.create_table(
        "request_words",
        text("word"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["requests.number"], name="fk_request_words_number"),
        sa.PrimaryKeyConstraint("word", "number", name="pk_request_words"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_request_words_number_word", "request_words", ["number", "word"])


def _request_zones() -> None:
    op.create_table(
        "request_zones",
        text("policy"),
        text("zone"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["requests.number"], name="fk_request_zones_number"),
        sa.PrimaryKeyConstraint("policy", "zone", "number", name="pk_request_zones"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_request_zones_zone_number", "request_zones", ["zone", "number"])
    op.create_index("ix_request_zones_number", "request_zones", ["number"])
