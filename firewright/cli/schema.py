"""`firewright schema`: the JSON Schema of a policy, for editors."""

from __future__ import annotations

import click

from firewright.cli._output import put
from firewright.cli._run import debugs


@click.command(
    "schema",
    short_help="The JSON Schema of a policy, so that editors complete it.",
    epilog="Example: firewright schema -o policy.schema.json, and in the first line of a policy: "
    "# yaml-language-server: $schema=policy.schema.json",
)
@click.argument("document", type=click.Choice(["policy", "exception", "approvals", "tests"]), default="policy")
@click.option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.")
@debugs
def COMMAND(document: str, output: str | None) -> int:
    """Print the JSON Schema (draft 2020-12) of a policy, of an exception, of approvals.yaml, or of a file of tests."""
    from firewright.readers.policy_yaml import schema

    made = {
        "policy": schema.policy_schema,
        "exception": schema.exception_schema,
        "approvals": schema.approvals_schema,
        "tests": schema.policy_tests_schema,
    }
    put(schema.published(made[document]()), output)
    return 0
