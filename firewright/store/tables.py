"""The tables as the program uses them now; `migrations` says how a database gets there, and a test that both are the same."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, Table, UniqueConstraint

from firewright.store.columns import DOCUMENT, Instant, Items, Pairs, Plain

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
VERSION_TABLE = "firewright_revision"
"""Where the revision is kept: a name of our own, for another program may keep its `alembic_version` in the same database."""


NAME = 600
"""How many bytes a text in an index may have: an entry of PostgreSQL's indexes has at most 2,704."""


def _name(name: str) -> Column[str]:
    return Column(name, Plain(NAME), nullable=False)


def _text(name: str, limit: int | None = None) -> Column[str]:
    return Column(name, Plain() if limit is None else Plain(limit), nullable=False)


REQUESTS = Table(
    "requests",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    _name("state"),
    _name("author"),
    _name("policy"),
    Column("sources", Items(), nullable=False),
    Column("destinations", Items(), nullable=False),
    Column("services", Items(), nullable=False),
    _text("because"),
    _text("owner"),
    _name("until"),
    _text("ticket"),
    Column("overrides", Items(), nullable=False),
    _text("text"),
    _text("path"),
    _name("severity"),
    Column("made", Instant(), nullable=False),
    Column("changed", Instant(), nullable=False),
    Column("answer", Plain(4 * 100_000)),
    _text("said"),
    _name("review"),
    Column("is_break_glass", Boolean, nullable=False),
    Column("is_reviewed", Boolean, nullable=False),
    Column("is_confirmed", Boolean),
    Index(None, "state", "number"),
    Index(None, "policy", "state", "number"),
    Index(None, "policy", "number"),
    Index(None, "author", "number"),
    Index(None, "state", "until"),
    Index(None, "state", "review"),
)
APPROVALS = Table(
    "request_approvals",
    METADATA,
    Column("number", Integer, ForeignKey("requests.number"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _name("account"),
    _name("zone"),
    _name("digest"),
    Column("at", Instant(), nullable=False),
    _text("because"),
    _text("voided"),
)
OPENINGS = Table(
    "request_openings",
    METADATA,
    Column("number", Integer, ForeignKey("requests.number"), primary_key=True, autoincrement=False),
    _text("opens", DOCUMENT),
)
REVISIONS = Table(
    "request_revisions",
    METADATA,
    Column("number", Integer, ForeignKey("requests.number"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
    Column("at", Instant(), nullable=False),
    _text("wish", 4 * 100_000),
    _text("text"),
    _text("path"),
)
ZONES = Table(
    "request_zones",
    METADATA,
    Column("policy", Plain(NAME), primary_key=True),
    Column("zone", Plain(NAME), primary_key=True),
    Column("number", Integer, ForeignKey("requests.number"), primary_key=True),
    Index(None, "zone", "number"),
    Index(None, "number"),
    sqlite_with_rowid=False,
)
WORDS = Table(
    "request_words",
    METADATA,
    Column("word", Plain(NAME), primary_key=True),
    Column("number", Integer, ForeignKey("requests.number"), primary_key=True),
    Index(None, "number", "word"),
    sqlite_with_rowid=False,
)
LOG = Table(
    "log",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    _name("who"),
    _name("act"),
    _name("about"),
    _text("origin"),
    _name("way"),
    _text("because"),
    _text("details", 4 * 100_000),
    _text("at"),
    _name("previous"),
    _name("digest"),
    UniqueConstraint("previous"),
    Index(None, "who", "number"),
    Index(None, "act", "number"),
    Index(None, "about", "number"),
)
"""The log has texts as they were hashed: what is read of it is judged by `heads.verify`, not by a column's kind."""
ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("key", Plain(NAME), primary_key=True),
    _name("name"),
    _name("shown"),
    _text("password_hash", 1000),
    Column("grants", Items(), nullable=False),
    Column("groups", Items(), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("subject", Plain(2000)),
    Column("let_in_by", Plain(NAME)),
    UniqueConstraint("subject"),
)
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", Plain(64), primary_key=True),
    Column("account", Plain(NAME), ForeignKey("accounts.key"), nullable=False),
    Column("created", Instant(), nullable=False),
    Column("seen", Instant(), nullable=False),
    Column("expires", Instant(), nullable=False),
    _text("origin", 1000),
    _text("agent", 1000),
    Index(None, "account"),
    Index(None, "expires"),
)
TOKENS = Table(
    "tokens",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("hash", Plain(64), nullable=False, unique=True),
    Column("account", Plain(NAME), ForeignKey("accounts.key"), nullable=False),
    _name("name"),
    Column("scopes", Items(), nullable=False),
    Column("made", Instant(), nullable=False),
    Column("expires", Instant()),
    Column("used", Instant()),
    Column("ended", Instant()),
    Index(None, "account"),
)
ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("key", Plain(NAME), primary_key=True),
    Column("at", Instant(), primary_key=True),
    Column("nth", Integer, primary_key=True, autoincrement=False),
    Index(None, "at"),
)
IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("account", Plain(NAME), primary_key=True),
    Column("key", Plain(NAME), primary_key=True),
    _text("request", 1000),
    Column("status", Integer, nullable=False),
    Column("headers", Pairs(), nullable=False),
    _text("body", DOCUMENT),
    Column("at", Instant(), nullable=False),
    Index(None, "at"),
)
ENDPOINTS = Table(
    "webhooks",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    _text("url", 2000),
    _text("secret", 200),
    _name("owner"),
    Column("events", Items(), nullable=False),
    Column("policies", Items(), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("made", Instant(), nullable=False),
)
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("endpoint", Integer, ForeignKey("webhooks.number"), nullable=False),
    _name("kind"),
    _text("body", DOCUMENT),
    Column("made", Instant(), nullable=False),
    Column("due", Instant()),
    Column("tries", Integer, nullable=False),
    _name("state"),
    _text("said"),
    Index(None, "state", "due"),
    Index(None, "endpoint", "number"),
)
SETTINGS = Table(
    "settings",
    METADATA,
    Column("name", Plain(NAME), primary_key=True),
    _text("value", DOCUMENT),
)
SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    Column("kind", Plain(NAME), primary_key=True),
    Column("name", Plain(NAME), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _name("digest"),
    Column("at", Instant(), nullable=False),
    Column("seen", Instant(), nullable=False),
    _text("body", DOCUMENT),
)
