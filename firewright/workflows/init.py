"""Begin a policy: a profile's files, and where a vendor asks questions a site's own file with the answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from firewright import document, profiles
from firewright.diagnostic import Report, harmless, nearest
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import load
from firewright.readers.policy_yaml.values import BadValue, parse_yes_no
from firewright.source import Source, UnreadableSource, read

PROFILE_FILE = "profile.yaml"
SITE_FILE = "site.yaml"
_TEST_SUFFIX = ".test.yaml"
_TESTED = re.compile(r"^policy:\s*(\S+)", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]*")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a profile: what to call the answer, the question, and for an option what holds if nothing is said."""

    name: str
    question: str
    default: str = ""

    @property
    def is_option(self) -> bool:
        """Whether the answer is yes or no."""
        return bool(self.default)


@dataclass(frozen=True, slots=True)
class Profile:
    """Policies to start from: `files` in the order to read them, the `main` one the one to look at first."""

    name: str
    title: str
    about: str
    main: str
    files: tuple[str, ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class Start:
    """The texts to write by their names, the file to look at first, and the questions that nobody answered yet."""

    texts: Mapping[str, str]
    main: str
    open: tuple[Asked, ...]


def profile_names() -> tuple[str, ...]:
    """Every profile that comes with the program, sorted."""
    return tuple(sorted(path.parent.name for path in _folder().glob(f"*/{PROFILE_FILE}")))


def all_profiles() -> tuple[Profile, ...]:
    """Every profile, in order of names."""
    return tuple(_profile(name) for name in profile_names())


def find_profile(name: str, report: Report) -> Profile | None:
    """The profile of that name, or None after saying in the report which there are."""
    if name in profile_names():
        return _profile(name)
    near = nearest(name, profile_names())
    way_out = f"did you mean {near}?" if near else f"there are: {', '.join(profile_names())}"
    report.error("no-profile", f"there is no profile {harmless(name, 60)!r}", help=way_out)
    return None


def questions_of(profile: Profile) -> tuple[Asked, ...]:
    """What a profile asks of whoever installs it: zones to fill in, and the options of the file that asks."""
    vendor = _vendor_of(profile)
    if vendor is None:
        return ()
    policy, source = vendor
    zones = tuple(Asked(zone.name, zone.question) for zone in policy.questions if not zone.members)
    said = _comments_on_options(source)
    options = (Asked(one.name, said.get(one.name, ""), "yes" if one.value else "no") for one in policy.options.values())
    return (*zones, *options)


def start(profile: Profile, answers: Mapping[str, str], folder: Path, report: Report) -> Start | None:
    """The files of a profile with these answers, or None after saying in the report what is wrong with them."""
    vendor = _vendor_of(profile)
    if vendor is None:
        return _with_options(profile, answers, report)
    policy, source = vendor
    asked = questions_of(profile)
    strangers = [name for name in answers if name not in {one.name for one in asked}]
    for name in strangers:
        near = nearest(name, (one.name for one in asked))
        way_out = f"did you mean {near}?" if near else f"it asks for {', '.join(one.name for one in asked)}"
        report.error("unknown-option", f"{profile.name} does not ask for {harmless(name, 60)}", help=way_out)
    text = site_text(policy.name, source.path, asked, answers)
    texts = {source.path: source.text, **_tests_of(profile, (source.path,)), SITE_FILE: text}
    if not _reads(SITE_FILE, texts, folder, report):
        return None
    left = tuple(one for one in asked if one.name not in answers and not one.is_option)
    return Start(texts, SITE_FILE, left)


def has_answers(source: Source) -> bool:
    """Whether a site's file says anything of its own: answers, names, rules; what cannot be read may."""
    tree = document.parse(source, Report())
    if tree is None:
        return True
    entries = tree.root.entries if isinstance(tree.root, document.Mapping) else ()
    return any(
        key.text not in ("policy", "uses") and not (isinstance(value, document.Scalar) and value.text in ("", "none"))
        for key, value in entries
    )


def site_text(vendor: str, uses: str, asked: tuple[Asked, ...], answers: Mapping[str, str]) -> str:
    """A site's file: what it uses, its answers, and as comments what it has not answered."""
    zones, options = [one for one in asked if not one.is_option], [one for one in asked if one.is_option]
    lines = [
        f"# This site's answers to what {vendor} asks. The vendor's file stays as it is: change this one.",
        "policy: site",
    ]
    lines += [f"uses: [{uses}]", *_section("fill-in", zones, answers), *_section("set", options, answers)]
    lines += ["rules: none                    # what only this site needs beside the vendor's rules goes here"]
    return "\n".join(lines) + "\n"


def _section(key: str, asked: list[Asked], answers: Mapping[str, str]) -> Iterator[str]:
    """The answers of one kind under their key; without any, the key is a comment as well."""
    given = [one for one in asked if one.name in answers]
    if asked:
        yield f"{key}:" if given else f"# {key}:"
    for one in asked:
        question = f"   # {harmless(one.question)}" if one.question else ""
        if one in given:
            yield f"  {one.name}: {_value(one, answers[one.name])}{question}"
        else:
            yield f"{'  # ' if given else '#   '}{one.name}: {one.default or '...'}{question}"


def _value(one: Asked, answer: str) -> str:
    if one.is_option:
        return answer.strip() if _PLAIN.fullmatch(answer.strip()) else json.dumps(answer)
    words = [word if _PLAIN.fullmatch(word) else json.dumps(word) for word in answer.replace(",", " ").split()]
    return words[0] if len(words) == 1 else f"[{', '.join(words)}]"


def _reads(main: str, texts: Mapping[str, str], folder: Path, report: Report) -> bool:
    """Whether the texts are policies; whatever is wrong is in the report, and nothing of it was written yet."""

    def reading(path: Path) -> Source:
        if path.name not in texts:
            raise UnreadableSource(f"there is no file {path.name}")
        return Source(str(path), texts[path.name])

    return load(Source(str(folder / main), texts[main]), report, reading=reading, with_exceptions=False) is not None


def _with_options(profile: Profile, answers: Mapping[str, str], report: Report) -> Start | None:
    """A profile without questions: its files, the values of options in its main file as they were answered."""
    texts = {name: read(profile.folder / name).text for name in profile.files}
    options = _options_of(Source(profile.main, texts[profile.main]))
    lines = texts[profile.main].split("\n")
    for name, answer in answers.items():
        if name not in options:
            near = nearest(name, options)
            way_out = f"did you mean {near}?" if near else f"its options are {', '.join(options) or 'none'}"
            report.error("unknown-option", f"{profile.name} has no option {harmless(name, 60)}", help=way_out)
            continue
        try:
            word = "yes" if parse_yes_no(answer.strip()) else "no"
        except BadValue as bad:
            report.error(bad.name, f"{name}: {bad.message}", help=bad.help)
            continue
        at = options[name].at
        line = lines[at.line - 1]
        lines[at.line - 1] = f"{line[: at.column - 1]}{word}{line[at.column - 1 + at.width :]}"
    if report.has_errors():
        return None
    texts[profile.main] = "\n".join(lines)
    tests = {} if answers else _tests_of(profile, profile.files)
    return Start({**texts, **tests}, profile.main, ())


def _tests_of(profile: Profile, files: tuple[str, ...]) -> dict[str, str]:
    """The tests of a profile that are about these files."""
    found = {}
    for path in sorted(profile.folder.glob(f"*{_TEST_SUFFIX}")):
        text = read(path).text
        named = _TESTED.search(text)
        if (named[1] if named else path.name.removesuffix(_TEST_SUFFIX) + ".yaml") in files:
            found[path.name] = text
    return found


def _vendor_of(profile: Profile) -> tuple[Policy, Source] | None:
    """The file of a profile that asks questions, with what it says; None if none does."""
    for name in profile.files:
        report = Report()
        policy = load(profile.folder / name, report)
        if policy is not None and policy.questions and len(policy.paths) == 1:
            return policy, Source(name, read(profile.folder / name).text)
    return None


def _options_of(source: Source) -> dict[str, document.Scalar]:
    """The values of a policy's options, by name."""
    tree = document.parse(source, Report())
    if tree is None or not isinstance(tree.root, document.Mapping):
        return {}
    table = next((value for key, value in tree.root.entries if key.text == "options"), None)
    entries = table.entries if isinstance(table, document.Mapping) else ()
    return {key.text: value for key, value in entries if isinstance(value, document.Scalar)}


def _comments_on_options(source: Source) -> dict[str, str]:
    """What a policy's file says behind each option: the question that it asks."""
    tree = document.parse(source, Report())
    if tree is None:
        return {}
    return {name: tree.comment_behind(value).lstrip("# ") for name, value in _options_of(source).items()}


def _folder() -> Path:
    return Path(profiles.__file__).parent


def _profile(name: str) -> Profile:
    folder = _folder() / name
    source = Source(f"profiles/{name}/{PROFILE_FILE}", read(folder / PROFILE_FILE).text)
    tree = document.parse(source, Report())
    if tree is None or not isinstance(tree.root, document.Mapping):
        raise ValueError(f"{source.path} is no profile")
    texts = {key.text: value.text for key, value in tree.root.entries if isinstance(value, document.Scalar)}
    lists = {key.text: value.items for key, value in tree.root.entries if isinstance(value, document.Sequence)}
    files = tuple(item.text for item in lists["files"] if isinstance(item, document.Scalar))
    return Profile(name, texts["title"], texts["about"], texts["main"], files, folder)
