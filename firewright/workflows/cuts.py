"""What a host in audit mode would have refused: its table, asked of the host, judged by the policy that it is to enforce."""

from __future__ import annotations

from firewright.diagnostic import Report, harmless
from firewright.live.host import Host
from firewright.live.nft import NftError
from firewright.readers.nftables import UnreadableListing
from firewright.reports import WouldCut
from firewright.space.encode import Unfilled
from firewright.workflows.audited import would_cut
from firewright.workflows.check import sound_firewalls
from firewright.workflows.drift import known_state
from firewright.workflows.selection import Saying, Wanted, silent
from firewright.workflows.unfilled import say_unfilled


def cuts(
    wanted: Wanted, host: Host, report: Report, names: tuple[str, ...] = (), saying: Saying = silent
) -> WouldCut | None:
    """What the one selected firewall would have refused on a host, by its lines; None after saying in the report why nobody knows.

    A table that is not in audit mode is an error: an empty list would look like a good one. Raises HostError.
    """
    pairs = sound_firewalls(wanted, report, names, saying)
    if pairs is None:
        return None
    if len(pairs) != 1:
        found = ", ".join(f"{firewall.name} of {policy.name}" for policy, firewall in pairs)
        message = f"one firewall is on a host, and {len(pairs)} are selected: {found}"
        report.error("several-firewalls", message, help="name one: -p FILE, --firewall NAME")
        return None
    ((policy, firewall),) = pairs
    saying(f"asking {harmless(host.name)}")
    state = known_state(host, report)
    if state is None:
        return None
    saying("judging what was recorded")
    try:
        cut = would_cut(state.table, policy, firewall, wanted.day_of(policy), f"the table of {harmless(host.name)}")
    except Unfilled as error:
        say_unfilled(error, policy, report)
    except UnreadableListing as error:
        report.add(error.diagnostic)
    except NftError as error:
        report.error("not-read", f"{harmless(host.name)}: {error.message}", help=error.help)
    else:
        if cut.is_audited:
            return cut
        message = f"{harmless(host.name)} is not in audit mode: nothing is recorded there"
        report.error("not-audited", message, help="firewright apply --audit loads a policy so that it only records")
    return None
