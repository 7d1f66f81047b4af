"""Manual pages in roff's man macros (man(7)), made from the command tree; the same commands give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

import click

from firewright import __version__

PROGRAM = "firewright"
_EXIT_CODES = (
    ("0", "fine: nothing found, everything holds, answered"),
    ("1", "findings: errors or warnings, assertions that do not hold, differences, files to format, or undecided"),
    ("2", "usage, malformed input, an act that was refused, or an internal error"),
    ("3", "loaded, and rolled back: the host was not as it should be"),
    ("5", "an exception was not approved as it is, or nobody can tell: nothing is planned or applied"),
    ("130", "interrupted"),
    ("141", "the reader of a pipe went away"),
)
_ENVIRONMENT = (
    ("FIREWRIGHT_POLICY", "Policies and folders, with colons between them."),
    ("FIREWRIGHT_STRICT", "yes or no, as --strict."),
    ("FIREWRIGHT_FORMAT", "The report format of commands that can show it."),
    ("FIREWRIGHT_LABELS", "key=value pairs with commas, as --label."),
    ("FIREWRIGHT_SSH_CONFIG", "The configuration file of ssh for managed hosts, as --ssh-config."),
    ("FIREWRIGHT_STATE", "On a managed host: the folder of its generations; /var/lib/firewright."),
    ("FIREWRIGHT_RUN", "On a managed host: what it keeps until it is started anew; /run/firewright."),
    ("FIREWRIGHT_ROOT", "On a managed host: where its system is, such as an image that is being made; /."),
    ("FIREWRIGHT_DATABASE_URL", "The database of requests, accounts and log: postgresql://NAME:PASSWORD@HOST/NAME; else SQLite."),
    ("FIREWRIGHT_STATE_HOME", "The folder of database, key and heads; else firewright in $XDG_STATE_HOME or ~/.local/state."),
    ("FIREWRIGHT_TOKEN", "The token of the account that acts on requests. Else it is the account called like the user."),
    ("FIREWRIGHT_OIDC_ISSUER", "serve: the provider of OpenID Connect that people log in with."),
    ("FIREWRIGHT_OIDC_CLIENT_ID", "serve: the name that the provider gave the application."),
    ("FIREWRIGHT_OIDC_CLIENT_SECRET_FILE", "serve: the file of the secret that the provider gave it."),
    ("FIREWRIGHT_OIDC_CLIENT_SECRET", "serve: that secret itself."),
    ("FIREWRIGHT_OIDC_LABEL", "serve: what the login page calls the provider."),
    ("FIREWRIGHT_OIDC_SCOPES", "serve: what the provider is asked for; openid profile email."),
    ("FIREWRIGHT_OIDC_NAME_CLAIM", "serve: the claim that holds an account's name; preferred_username."),
    ("FIREWRIGHT_OIDC_GROUPS_CLAIM", "serve: the claim that holds its groups; groups."),
    ("FIREWRIGHT_OIDC_GRANTS", "serve: what groups give: GROUP=ROLE SCOPE, with semicolons between."),
    ("FIREWRIGHT_OIDC_MAKES_ACCOUNTS", "serve: yes, where whoever the provider knows gets an account at the first login."),
    ("NO_COLOR", "No colours, if it is set."),
    ("COLUMNS", "The columns of the terminal."),
)  # fmt: skip
_FILES = (
    ("firewright.yaml", "The project's settings: policies, strict, format, labels. Looked for upwards to the repository's root."),
    ("$XDG_CONFIG_HOME/firewright/config.yaml", "The user's settings."),
    ("/etc/firewright/config.yaml", "The machine's settings. A flag goes before the environment, that before these files in this order."),
    ("NAME.test.yaml", "Assertions about the policy NAME.yaml."),
    ("NAME.yaml.lock", "What the catalog's names stand for in NAME.yaml."),
    ("exceptions/*.yaml", "Exceptions to the policies in the folder around it: permissions with an end, one file for each request."),
    ("approvals.yaml", "Who decides about requests, beside the policies. Where it is there, no exception is applied without its approval."),
    ("$FIREWRIGHT_STATE_HOME/firewright.db", "Requests, accounts and the audit log, where no PostgreSQL is named."),
    ("$FIREWRIGHT_STATE_HOME/log.key", "The private key that signs heads of the log; `firewright log key` shows the public one."),
    ("$FIREWRIGHT_STATE_HOME/log.heads", "The heads that were signed here. A copy elsewhere shows if the log is cut or made anew."),
)  # fmt: skip


def pages(root: click.Group) -> dict[str, str]:
    """Every manual page by the name of its file."""
    names = ["", *root.list_commands(click.Context(root, info_name=PROGRAM))]
    return {f"{'-'.join(filter(None, (PROGRAM, name)))}.1": page(root, name) for name in names}


def page(root: click.Group, name: str = "") -> str:
    """The manual page of a command, or of the program itself."""
    top = click.Context(root, info_name=PROGRAM)
    command = root.get_command(top, name) if name else root
    if command is None:
        raise LookupError(f"there is no command {name!r}")
    context = click.Context(command, info_name=name, parent=top) if name else top
    return "\n".join(_page(root, command, context, name)) + "\n"


def _page(root: click.Group, command: click.Command, context: click.Context, name: str) -> Iterator[str]:
    title = "-".join(filter(None, (PROGRAM, name)))
    yield f'.TH "{_text(title.upper())}" "1" "" "{PROGRAM} {__version__}" "Firewright"'
    yield ".SH NAME"
    short = command.get_short_help_str(200) if name else "exact answers about firewall policies"
    yield f"{_text(title)} \\- {_text(short.rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield f"\\fB{_text(context.command_path)}\\fR {_text(' '.join(command.collect_usage_pieces(context)))}"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(command.help or "")
    yield ".SH OPTIONS"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield from _tagged(*record)
    if not name:
        yield ".SH COMMANDS"
        for one in root.list_commands(context):
            found = root.get_command(context, one)
            if found is not None:
                yield from _tagged(f"{PROGRAM}-{one}(1)", found.get_short_help_str(200))
        for heading, rows in (("ENVIRONMENT", _ENVIRONMENT), ("FILES", _FILES)):
            yield f".SH {heading}"
            for word, says in rows:
                yield from _tagged(word, says)
    yield ".SH EXIT STATUS"
    for code, says in _EXIT_CODES:
        yield from _tagged(code, says)
    if command.epilog:
        yield ".SH NOTES"
        yield from _paragraphs(command.epilog)
    yield ".SH SEE ALSO"
    others = [] if not name else [f"\\fB{PROGRAM}\\fR(1)"]
    others += [f"\\fB{PROGRAM}\\-{_text(one)}\\fR(1)" for one in root.list_commands(context.find_root()) if one != name]
    yield ", ".join(others)


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _tagged(tag: str, says: str) -> Iterator[str]:
    yield ".TP"
    yield f"\\fB{_text(tag)}\\fR"
    yield _text(" ".join(says.split()))


def _text(text: str) -> str:
    """A text that roff takes as it is: backslashes and hyphens escaped, no line begins a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped
