"""The bundled profiles: each says what it is, loads without a word, and is documented by tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from firewright import profiles
from firewright.catalog.special_purpose import globally_reachable
from firewright.diagnostic import Report
from firewright.model.address import UNICAST, AddressSet
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import assertions as policy_tests
from firewright.readers.policy_yaml import load
from firewright.workflows.init import PROFILE_FILE, Profile, all_profiles, profile_names

NAMES = ("kubernetes-node", "mail-server", "product-platform", "provider-perimeter", "web-server", "workstation")
DOCUMENTATION = AddressSet.of("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
FOLDER = Path(profiles.__file__).parent
PICTURE = Path(__file__).parent / "picture-v1-3.yaml"


def policy(path: Path) -> Policy:
    """A policy that loads without an error or a warning."""
    report = Report()
    found = load(path, report)
    assert found is not None, report.diagnostics
    assert not report.diagnostics
    return found


def files(one: Profile) -> list[Path]:
    """The policies of a profile."""
    return [one.folder / name for name in one.files]


def test_there_are_the_profiles_that_are_promised() -> None:
    """The profiles are these six."""
    assert profile_names() == NAMES


@pytest.mark.parametrize("one", all_profiles(), ids=lambda one: one.name)
def test_a_profile_says_what_it_is(one: Profile) -> None:
    """A title without a full stop, one sentence, a main file among its files, and no file that it does not name."""
    assert not one.title.endswith(".")
    assert one.about.endswith(".")
    assert one.main in one.files
    there = {path.name for path in one.folder.iterdir() if not path.name.endswith((PROFILE_FILE, policy_tests.SUFFIX))}
    assert there == set(one.files)


@pytest.mark.parametrize("one", all_profiles(), ids=lambda one: one.name)
def test_every_policy_loads_and_every_rule_has_a_reason(one: Profile) -> None:
    """Each policy of a profile loads without a word, and each of its rules says why, in words of its own."""
    for path in files(one):
        for rule in policy(path).rules:
            assert rule.because, f"{rule.at}"


@pytest.mark.parametrize("one", all_profiles(), ids=lambda one: one.name)
def test_every_policy_is_documented_by_tests(one: Profile) -> None:
    """Beside each policy lie tests of it, at least two, that can be resolved."""
    tested: dict[str, int] = {}
    for path in one.folder.glob(f"*{policy_tests.SUFFIX}"):
        report = Report()
        found = policy_tests.load(path, report)
        assert found is not None, report.diagnostics
        tested[found.policy.path] = tested.get(found.policy.path, 0) + len(found.assertions)
    assert all(tested.get(str(path), 0) >= 2 for path in files(one))


def test_options_of_machines_are_off_until_somebody_says_yes() -> None:
    """No profile of a machine opens a server by itself: every option is no."""
    for name in ("workstation", "web-server", "mail-server", "kubernetes-node"):
        assert not any(option.value for option in policy(FOLDER / name / f"{name}.yaml").options.values())


def test_non_global_is_what_the_registries_say() -> None:
    """The perimeter's zone of forged sources is every unicast address that is not globally reachable, but documentation's."""
    found = policy(FOLDER / "provider-perimeter" / "provider-perimeter.yaml")
    assert found.zones["non-global"].addresses == UNICAST - globally_reachable() - DOCUMENTATION


def test_only_documentation_and_private_addresses_stand_in_profiles() -> None:
    """No zone of a profile but the one of forged sources holds an address that somebody could have."""
    private = AddressSet.of("10.0.0.0/8", "192.168.0.0/16", "fc00::/7")
    for one in all_profiles():
        for path in files(one):
            for zone in policy(path).named_zones:
                assert zone.name == "non-global" or zone.addresses <= DOCUMENTATION | private, zone.name


def test_the_vendors_file_asks_and_the_sites_answers() -> None:
    """The vendor's policy has six questions, and the one that follows from them; the site's has none left."""
    folder = FOLDER / "product-platform"
    asked = policy(folder / "product-platform.yaml")
    assert len([zone for zone in asked.questions if not zone.members]) == 6
    site = policy(folder / "site-north.yaml")
    assert not site.questions
    assert {wall.timeouts["tcp-established"] for wall in site.firewalls.values()} == {14_400}


def test_the_picture_lacks_submission() -> None:
    """The older picture's list of standard ports is the text's without submission, tcp/587."""
    text = policy(FOLDER / "provider-perimeter" / "provider-perimeter.yaml").services["standard"].term
    picture = policy(PICTURE).services["standard"].term
    assert set(text.transports) - set(picture.transports) == {
        one for one in text.transports if one.selectors == ((587, 587),)
    }
    assert set(picture.transports) < set(text.transports)
