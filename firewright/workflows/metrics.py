"""A managed host in numbers, for Prometheus: what runs, since when, what each line counted, and whatever is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from firewright.diagnostic import Diagnostic, Report
from firewright.live.host import Host, HostError
from firewright.reports._metrics import Family, Labels, exposition, samples_in
from firewright.reports._status import Counted, Status
from firewright.workflows.selection import Saying, silent
from firewright.workflows.status import status

_PREFIX = "firewright_"
_PACKETS, _BYTES = f"{_PREFIX}rule_packets_total", f"{_PREFIX}rule_bytes_total"
_CREATED = f"{_PREFIX}rule_packets_created"
_ERRORS, _RESETS = f"{_PREFIX}scrape_errors_total", f"{_PREFIX}counter_resets_total"
_BOOTS = ("generation", "minimal", "nothing", "unknown")
Samples = Mapping[tuple[str, Labels], float]


@dataclass(frozen=True, slots=True)
class Measured:
    """A host's numbers as text, and whether all of them could be had; `said` is why not."""

    text: str
    is_whole: bool
    said: tuple[Diagnostic, ...] = field(default=())


def measured(host: Host, previous: str = "", saying: Saying = silent) -> Measured:
    """The numbers of a host now. `previous` is what was said last time: by it counters that went back are noticed.

    Never raises for what a host does: then `firewright_scrape_success` is 0, and errors are counted on from the last time.
    """
    report, before = Report(), samples_in(previous)
    about: Labels = () if host.is_local else (("host", host.name),)
    found = None
    try:
        found = status(host, report, saying)
    except HostError as error:
        report.error(error.name, error.message, help=error.help)
    is_whole = found is not None and found.is_whole and found.drift_is_known
    families = [*_of_scrape(about, before, is_whole)]
    if found is not None:
        families += [*_of_generation(found, about), *_of_host(found, about), *_of_rules(found, about, before)]
    said = tuple(report.sorted()) if found is None else found.findings.diagnostics
    return Measured(exposition(families), is_whole, said)


def _of_scrape(about: Labels, before: Samples, is_whole: bool) -> Iterator[Family]:
    errors = before.get((_ERRORS, about), 0) + (not is_whole)
    yield _gauge("scrape_success", "Whether the host could be asked, and seen whole.", about, is_whole)
    yield Family(_ERRORS, "counter", "Times that it could not, as far back as the last text tells.", ((about, errors),))


def _gauge(name: str, says: str, about: Labels, value: float | None) -> Family:
    """One number; nothing where it is not known."""
    return Family(f"{_PREFIX}{name}", "gauge", says, () if value is None else ((about, float(value)),))


def _of_generation(found: Status, about: Labels) -> Iterator[Family]:
    number = found.generation
    yield _gauge("generation", "The number of the generation that should run; 0 for none.", about, number or 0)
    if number is not None:
        names = (("policy", found.policy), ("firewall", found.firewall), ("mode", found.mode), ("by", found.by))
        info = Family(f"{_PREFIX}generation_info", "gauge", "What the generation is of.", (((*about, *names), 1.0),))
        yield info
    age = found.time - found.made if found.made else None
    yield _gauge("generation_age_seconds", "Seconds since the generation was made.", about, age)
    loaded = found.time - found.loaded if found.loaded else None
    yield _gauge("load_age_seconds", "Seconds since it was loaded, by an apply or at boot.", about, loaded)
    yield _gauge("audit_mode", "Whether nothing is refused, only counted.", about, found.mode == "audit")
    drift = None if found.drift is None else found.drift.gap is not None
    yield _gauge("drift", "Whether the kernel means something else than the generation.", about, drift)
    yield _gauge("pending", "Whether a generation waits to be confirmed.", about, found.left is not None)
    left = None if found.left is None else max(0, found.left)
    yield _gauge("pending_seconds", "Seconds until it is taken back.", about, left)
    alive = None if found.left is None else found.is_watched
    yield _gauge("watchdog", "Whether the watchdog of what waits is alive.", about, alive)
    yield _gauge("ends_coming", "Permissions whose end is still to come.", about, len(found.ends))
    first = found.ends[0][0] if found.ends else None
    yield _gauge("next_end_timestamp_seconds", "When the next permission ends.", about, first)
    yield _gauge("timer", "Whether a timer ends flows at the ends of permissions.", about, found.has_timer)


def _of_host(found: Status, about: Labels) -> Iterator[Family]:
    no_firewall = None if found.has_firewall is None else not found.has_firewall
    says = "Whether nothing stops packets from outside, in one family at least."
    yield _gauge("no_firewall", says, about, no_firewall)
    kind = found.boot.partition(" ")[0].rstrip(":")
    state = kind if kind in _BOOTS else "unknown"
    rows = tuple(((*about, ("state", one)), float(one == state)) for one in _BOOTS)
    yield Family(f"{_PREFIX}boot_state", "gauge", "What the last boot loaded.", rows)
    yield _gauge("boot_way", "Whether something loads the generation at boot.", about, bool(found.boot_way))
    yield _gauge("journal_whole", "Whether no line of the journal was changed.", about, found.is_journal_whole)
    yield _gauge("neighbours", "Tables of others that packets must pass too.", about, len(found.neighbours))
    says = "Each finding of firewright status, by its name."
    kinds = dict.fromkeys((one.name, str(one.severity)) for one in found.findings.diagnostics)
    rows = tuple(((*about, ("name", name), ("severity", severity)), 1.0) for name, severity in kinds)
    yield Family(f"{_PREFIX}finding", "gauge", says, rows)


def _of_rules(found: Status, about: Labels, before: Samples) -> Iterator[Family]:
    """The counters, with when each began: at the load, or where one went back since then, when that was seen."""
    since = found.window.since
    rows = [(_labels(one, found, about), one) for one in found.counters]
    created = {labels: _began(one, labels, found, before) for labels, one in rows}
    anew = sum(began == found.time and began != since for began in created.values())
    resets = before.get((_RESETS, about), 0) + anew
    yield _gauge("observation_start_timestamp_seconds", "When counting began.", about, since or None)
    says = "Packets that a line counted: those that begin flows, for open flows are counted together."
    yield Family(_PACKETS, "counter", says, tuple((labels, float(one.packets)) for labels, one in rows))
    yield Family(_BYTES, "counter", "Bytes of them.", tuple((labels, float(one.bytes)) for labels, one in rows))
    starts = tuple((labels, float(began)) for labels, began in created.items() if began)
    yield Family(_CREATED, "gauge", "When the counter of packets began.", starts)
    yield Family(_RESETS, "counter", "Counters that went back without a load.", ((about, float(resets)),))


def _labels(one: Counted, found: Status, about: Labels) -> Labels:
    place = (("file", one.file), ("line", str(one.line) if one.line else ""))
    whose = (("policy", found.policy), ("firewall", found.firewall), ("rule", one.rule))
    return (*about, *whose, *place, ("let_pass", str(int(one.is_let_pass))))


def _began(one: Counted, labels: Labels, found: Status, before: Samples) -> int:
    """When a counter began: a later moment than the load where it went back in between."""
    last, began = before.get((_PACKETS, labels)), int(before.get((_CREATED, labels), 0))
    since = found.window.since
    if last is None or began < since or began > found.time:
        return since
    return found.time if one.packets < last else began
