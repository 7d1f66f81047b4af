"""A folder with two tenants behind one firewall, and what each of them must never read of the other."""

from __future__ import annotations

from pathlib import Path

POLICY = """\
policy: shared
about: Two tenants behind one firewall
owner: provider
zones:
  tenant-a: [198.51.100.0/26, "2001:db8:a::/48"]
  tenant-b: [198.51.100.64/26, "2001:db8:b::/48"]
  ops: [10.9.0.0/16, "2001:db8:c::/48"]
firewalls:
  core: {between: [internet, tenant-a, tenant-b, ops], within: [tenant-a]}
rules:
  - {from: internet, to: tenant-a, allow: https, because: alpha public shop}
  - {from: internet, to: tenant-b, allow: ssh, because: bravo secret shell}
  - {from: internet, to: [tenant-a, tenant-b], allow: tcp/8080, because: joint secret}
  - {from: tenant-a, to: tenant-b, allow: postgresql, because: alpha reads from bravo}
  - {from: ops, to: tenant-b, allow: tcp/2222, because: bravo secret upkeep}
  - {from: any, to: tenant-b, deny: smb, because: bravo secret ban}
  - {between: [internet, tenant-a], request: any, because: ask for it}
"""
EXCEPTION = """\
policy: shared
rules:
  - {from: internet, to: tenant-b, allow: tcp/9999, until: 2035-01-31, owner: beatrix, because: bravo secret exception}
"""
OTHER = """\
policy: bravo-only
owner: bravo secret team
zones: {inner: [100.70.3.0/24]}
firewalls: {edge-b: {between: [internet, inner]}}
rules:
  - {from: internet, to: inner, allow: tcp/7777, because: bravo secret edge}
"""
SECRETS = (
    "bravo secret", "joint secret", "198.51.100.64", "198.51.100.65", "198.51.100.66", "198.51.100.70", "198.51.100.1/",
    "2001:db8:b:", "10.9.", "2001:db8:c", "9999", "beatrix", "100.70.3", "7777", "bravo-only", "2222",
)  # fmt: skip
"""Words of tenant B, of operations, and of a policy of B's own, that tenant A never sees."""


def write(folder: Path) -> None:
    """Put the policies into a folder in place of whatever is there."""
    for path in folder.glob("*.yaml"):
        path.unlink()
    (folder / "shared.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "bravo.yaml").write_text(OTHER, encoding="utf-8")
    (folder / "exceptions").mkdir(exist_ok=True)
    (folder / "exceptions" / "bravo.yaml").write_text(EXCEPTION, encoding="utf-8")
