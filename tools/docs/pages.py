"""Every generated page and picture of the documentation, by its path in the repository."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import chdir
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner

from firewright import profiles
from firewright.analysis.decide import STRENGTH
from firewright.audits._audit import AUDITS
from firewright.catalog.services import catalog
from firewright.cli._run import FORMATS
from firewright.cli.main import firewright as program
from firewright.diagnostic import Report
from firewright.drawing.pictures import PICTURES
from firewright.drawing.renderers import RENDERERS
from firewright.model.address import EVERYWHERE, AddressSet
from firewright.model.essential import ESSENTIALS, Essential
from firewright.model.service_words import words as service_words
from firewright.readers.policy_yaml.reference import reference
from firewright.workflows.init import all_profiles, questions_of, start
from firewright.workflows.test import MEETS
from tools.docs.commands import commands_page, exits_page, settings_page
from tools.docs.diagnostics import diagnostics_page
from tools.docs.markdown import page, sentences, table

ROOT = Path(__file__).parents[2]
PICTURES_DAY = "2026-11-21"
"""The day that pictures are drawn for."""
_PICTURES = (
    ("perimeter-status", "provider-perimeter.yaml", "status"),
    ("perimeter-matrix", "provider-perimeter.yaml", "matrix"),
    ("tenant-paths", "tenant-edge.yaml", "paths"),
)
"""The file of each picture, the policy that it is of, and what it shows."""
_SHOWN_BY = {
    "AccountRows": "account list",
    "ServiceMatrix": "matrix",
    "CheckedRequest": "request",
    "RequestShown": "requests",
    "RequestList": "requests",
    "ExceptionList": "exceptions",
    "LogRows": "log",
    "LogVerdict": "log verify",
    "Findings": "check",
    "Answers": "ask",
    "Explanation": "explain",
    "Comparison": "compare",
    "TestRun": "test",
    "Audit": "audit",
    "RouteAnswers": "ask -r",
    "Contrasted": "compare",
    "DocumentReading": "read",
    "ListingReading": "read",
    "ProposedPolicy": "read --as policy",
    "Anomalies": "read --anomalies",
    "Tidied": "tidy",
    "Reading": "read",
    "Compilation": "compile",
    "Rehearsal": "rehearse",
    "Plan": "plan",
    "Step": "apply",
    "WouldCut": "cuts",
    "Rollout": "rollout",
    "Status": "status",
    "Drift": "drift",
    "Generations": "generations",
    "GenerationsCompared": "generations --compare",
    "GenerationText": "generations --show",
    "Probed": "probe",
}
"""The command behind each type of result."""


def everything() -> dict[str, bytes]:
    """The content of every generated file."""
    pages = {
        "docs/language.md": language_page(),
        "docs/reference/commands.md": commands_page(),
        "docs/reference/exit-codes.md": exits_page(),
        "docs/reference/settings.md": settings_page(),
        "docs/reference/audits.md": audits_page(),
        "docs/reference/diagnostics.md": diagnostics_page(),
        "docs/reference/formats.md": formats_page(),
        "docs/reference/catalog.md": catalog_page(),
        "docs/reference/essentials.md": essentials_page(),
        "docs/reference/profiles.md": profiles_page(),
    }
    return {**{name: text.encode() for name, text in pages.items()}, **pictures()}


def language_page() -> str:
    """The language: how its rules are weighed, its built-in words, and every key from the grammar."""
    strength = " > ".join(f"`{verb}`" for verb in STRENGTH)
    met = ((f"`{one.value}`", ", ".join(outcome.value for outcome in MEETS[one])) for one in MEETS)
    return page(
        "The policy language",
        _LANGUAGE.format(strength=strength),
        "## Built-in zones",
        table(("zone", "holds"), _ZONES),
        reference(),
        "## What a test expects",
        table(("expect", "is met by packets that are"), met),
    )


_LANGUAGE = """
A policy is YAML: one list of rules, whose order never matters; one verb and one reason a rule; one file speaks for one authority.
Its shape is `firewright schema`'s, its meaning is in the [decisions](decisions.md), its words are in the [glossary](glossary.md).

**Precedence**: {strength} > `otherwise` > the firewall's default.
It never depends on the order of the file; where several rules of the same verb speak of a packet, the first one is credited.

- A policy for one machine needs no `firewalls`: it is the machine itself.
- Nothing is open unless a rule opens it. What no rule names is dropped, or answered as `otherwise` and `default` say.
- Replies to an open flow pass by themselves. Rules speak of who opens the flow.
- A name of a service is one of the [catalog](reference/catalog.md) or of the policy itself. A port has its protocol: `tcp/443`.
- IPv6 addresses with brackets or braces around them need quotes: `["2001:db8::/32"]`.
- An end (`until`) is a day, to its end, or a time of day on the clocks of the policy's `timezone`, at which it is over.
- An exception is a file of its own, in the folder `exceptions` beside its policy, which it names; every command sees it.
  It only permits: `allow` or `require`, each rule with `until`, `because` and `owner` (the rule's own, or the file's).
  One that names no policy, or cannot be read, stops every policy beside the folder.
- Tags, anchors and aliases of YAML are refused. So is every key that is not in the tables below.
"""
_ZONES = (
    ("`internet`", "every unicast address that no zone of this policy holds, private ones too"),
    ("`any`", "every unicast zone; never `local`, multicast or broadcast"),
    ("`local`", "the machine that enforces: what is delivered to it, or sent by it, whatever the address"),
    ("`multicast`", "224.0.0.0/4 and ff00::/8"),
    ("`broadcast`", "255.255.255.255"),
)


def audits_page() -> str:
    """A heading an audit: the first lines of its file, and what it yields."""
    parts = [
        "What `firewright check` looks for in a policy that can be read.\nEach is a proof over every packet, IPv4 and IPv6."
    ]
    parts.append("Errors and warnings end the run with 1; notes do not, unless `--strict` is set.")
    for name, audit in AUDITS.all():
        text = import_module(f"firewright.audits.{name.replace('-', '_')}").__doc__ or ""
        parts += [f"## {name}", sentences(text), f"Yields: {sentences(audit.__doc__ or '')}"]
    return page("Audits", *parts)


def formats_page() -> str:
    """A heading a format: what it is, and which commands can show their results in it."""
    parts = ["The formats of results (`--format`), and those of pictures (`draw --format`).", "## Of results"]
    for name, renderers in FORMATS.all():
        text = import_module(f"firewright.reports.{name}").__doc__ or ""
        shown = sorted({_SHOWN_BY[one.__name__] for one in renderers})
        parts += [f"### {name}", sentences(text), f"For {', '.join(f'`{one}`' for one in shown)}."]
    parts.append("## Of pictures")
    for name, _ in RENDERERS.all():
        parts += [
            f"### {name} pictures",
            sentences(import_module(f"firewright.drawing.renderers.{name}").__doc__ or ""),
        ]
    parts.append("## Pictures")
    for name, _ in PICTURES.all():
        parts += [f"### {name}", sentences(import_module(f"firewright.drawing.pictures.{name}").__doc__ or "")]
    return page("Formats", *parts)


def catalog_page() -> str:
    """Every theme with its names, counted."""
    themes: dict[str, list[str]] = defaultdict(list)
    for row in catalog().rows.values():
        themes[row.theme].append(row.name)
    total = sum(map(len, themes.values()))
    intro = (
        f"{total} services in {len(themes)} themes. Each can be written in a policy, and means exactly the transports that\n"
        "`firewright explain NAME` prints, beside what it is, what goes wrong when it is open, how far it should be\n"
        "visible, and where that is from."
    )
    counts = table(("theme", "services"), ((f"[{name}](#{name})", str(len(themes[name]))) for name in sorted(themes)))
    parts = [part for name in sorted(themes) for part in (f"## {name}", ", ".join(f"`{one}`" for one in themes[name]))]
    return page("Catalog", intro, counts, *parts)


def essentials_page() -> str:
    """The printed list, both directions."""
    intro = (
        "What a machine receives or sends whatever its policy says, because it could not be reached at all without it.\n"
        "The list holds for `local` only, and is above every rule.\n"
        "ICMP errors that belong to a flow follow their flow and need no row.\n"
        "Echo is no essential: it is the service `ping`."
    )
    head = ("name", "direction", "IP", "what", "from", "to", "hop limit", "because")
    return page("Essentials", intro, table(head, map(_essential, ESSENTIALS)))


def _essential(row: Essential) -> Iterator[str]:
    (family, *_) = row.families
    service = service_words(
        tuple((row.protocol << 16 | low, row.protocol << 16 | high) for low, high in row.selectors), family
    )
    ports = row.source_ports[0][0]
    yield f"`{row.name}`"
    yield "in" if row.is_inbound else "out"
    yield ", ".join(f"v{one}" for one in row.families)
    yield service + (f" from port {ports}" if row.source_ports != ((0, 65535),) else "")
    yield _addresses(row.source, family)
    yield _addresses(row.destination, family)
    yield str(row.hop_limit or "any")
    yield row.because


def _addresses(addresses: AddressSet, family: int) -> str:
    if addresses.ranges(family) == EVERYWHERE.ranges(family):
        return "any"
    words = [word for word in addresses.prefixes() if ip_address(word.partition("/")[0]).version == family]
    return ", ".join(words)


def profiles_page() -> str:
    """A heading a profile: what it is about, what `init` writes where nobody answers, what it asks."""
    parts = ["What `firewright init --profile NAME` writes."]
    for one in all_profiles():
        report = Report()
        begun = start(one, {}, Path(), report)
        if begun is None:
            raise ValueError(f"{one.name} cannot be begun: {report.diagnostics}")
        files = ", ".join(f"`{name}`" for name in begun.texts)
        parts += [
            f"## {one.name}",
            f"{one.title}.",
            sentences(one.about),
            f"Writes {files}; look at `{begun.main}` first.",
        ]
        asked = questions_of(one)
        if asked:
            rows = (
                (f"`{ask.name}`", ask.question, f"yes or no; {ask.default}" if ask.is_option else "addresses")
                for ask in asked
            )
            parts.append(table(("it asks for", "question", "answer"), rows))
        examples = [name for name in one.files if name not in begun.texts]
        if examples:
            links = ", ".join(f"[{name}](../../firewright/profiles/{one.name}/{name})" for name in examples)
            parts.append(f"Not written, to look at as a whole example: {links}.")
    return page("Profiles", *parts)


def pictures() -> dict[str, bytes]:
    """The pictures of the provider's page and of a tenant behind it, as the program draws them from the bundled profile."""
    found = {}
    for name, policy, picture in _PICTURES:
        words = ["draw", policy, "--picture", picture, "--format", "svg", "--at", PICTURES_DAY]
        with TemporaryDirectory() as folder, chdir(folder):
            for file in ("provider-perimeter.yaml", "tenant-edge.yaml"):
                bundled = Path(profiles.__file__).parent / "provider-perimeter" / file
                Path(file).write_bytes(bundled.read_bytes())
            done = CliRunner().invoke(program, words, env={"NO_COLOR": "1"})
        if done.exit_code:
            raise ValueError(f"no picture was drawn: {done.output}")
        found[f"docs/pictures/{name}.svg"] = done.stdout_bytes
    return found
