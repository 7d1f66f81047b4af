"""The pages that show: each says what it is for, its lists are filtered and exported, its pictures have words; some is broken."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

import firewright
from firewright.drawing.palette import contrast
from firewright.model.account import Role
from firewright.store import snapshots
from firewright.store.database import Store
from firewright.web.views import history, hosts
from firewright.web.views.changes import policies_of
from firewright.workflows.requests.estate import read_estate
from tests.web.conftest import Client

PERIMETER = "internet-ports-regions-1-2"
SHOWN = {
    "/": (
        "Open to the internet now",
        "SSH 22",
        "the published list, inbound",
        "provider-perimeter.yaml",
        "not enforced",
    ),
    f"/zones?policy={PERIMETER}": ("tenants", "21 open", "not enforced"),
    f"/zones?policy={PERIMETER}&service=smb": ("smb only", "denied"),
    f"/zones/{PERIMETER}/internet/tenants": ("tcp/445", "over a VPN only", "perimeter", "stops", "Example"),
    "/status": ("internet", "No connectivity type", "version 1.3"),
    f"/status/{PERIMETER}": ("accreditor", "ports@provider.example", "picture.svg", "The same in words", "Reviewed"),
    "/paths?policy=tenant-a-edge": ("edge-a", "perimeter", "map.svg", "/zones/tenant-a-edge/internet/tenant-a"),
    "/ports": ("Databases", "smb"),
    "/ports?q=postgres": ("postgresql", "tcp/5432"),
    "/ports/445": ("WannaCry", "open nowhere", "microsoft-ds", "over a VPN only"),
    "/ports/tcp/445": ("WannaCry",),
    "/ask": ("From", "Service", "datalist"),
    "/ask?source=internet&destination=tenant-a&service=tcp/25": ("closed by edge-a", "perimeter", "passes", "stops"),
    "/ask?source=internet&destination=tenants&service=nonsense": ("There is no service",),
    "/compare": ("multipart/form-data", "File, at most 4 MiB"),
    "/audit": ("Open to the internet: rdp", "SARIF", "What was looked for"),
    "/audit?severity=error": ("Nothing fits",),
    "/generations": ("No host was heard of",),
}
EXPORTS = {
    "/?format=csv": "policy",
    f"/zones?policy={PERIMETER}&format=csv": "from, to",
    f"/zones/{PERIMETER}/internet/tenants?format=csv": "from",
    "/ports?format=csv": "name",
    "/ask?source=internet&destination=tenants&service=smb&format=csv": "policy",
    "/audit?format=csv": "severity",
    "/generations?format=csv": "host",
}


def test_each_page_says_what_it_is_for(client_of: Callable[..., Client]) -> None:
    """Every page stands, has what it is about, one heading of the first level, and its entry of the header marked."""
    viewer = client_of(Role.VIEWER)
    for path, words in SHOWN.items():
        text = viewer.get(path).text
        assert not [word for word in words if word not in text], path
        assert len(re.findall("<h1[ >]", text)) == 1 and text.count('aria-current="page"') == 2, path
        assert "style=" not in text and "<script>" not in text, path


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_the_heat_of_a_cell_can_be_read(is_dark: bool) -> None:
    """What is written in a warm, a hot and the hottest cell of the matrix stands out from its ground (WCAG 2.1, 1.4.3)."""
    sheet = (Path(firewright.__file__).parent / "web/static/firewright.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    colours = dict(re.findall(r"--(permitted[\w-]*): (#[0-9a-f]{6});", blocks[is_dark]))
    assert {*colours} >= {"permitted", "permitted-tint", "permitted-warm", "permitted-hot"}
    for ground in ("permitted-tint", "permitted-warm", "permitted-hot"):
        assert contrast(colours["permitted"], colours[ground]) >= 4.5


def test_each_list_is_a_file_too(client_of: Callable[..., Client]) -> None:
    """Every list is to be had as CSV, with as many cells in each row as its head has."""
    viewer = client_of(Role.VIEWER)
    for path, first in EXPORTS.items():
        answer = viewer.get(path)
        rows = list(csv.reader(io.StringIO(answer.text)))
        assert answer.headers["content-type"].startswith("text/csv") and rows[0][0] == first, path
        assert {len(row) for row in rows} == {len(rows[0])}, path
        assert "attachment" in answer.headers["content-disposition"], path


def test_pictures_are_files(client_of: Callable[..., Client]) -> None:
    """A picture is to be had as SVG, PNG, Markdown, text and as a page to publish, which names who answers for it."""
    viewer = client_of(Role.VIEWER)
    for base in (f"/status/{PERIMETER}/picture", f"/paths/{PERIMETER}/map"):
        assert ElementTree.fromstring(viewer.get(f"{base}.svg").content).tag.endswith("svg")
        assert viewer.get(f"{base}.png").content.startswith(b"\x89PNG")
        assert viewer.get(f"{base}.md").text.startswith("# Standard internet ports")
        html = viewer.get(f"{base}.html")
        assert "attachment" in html.headers["content-disposition"] and "<script" not in html.text
        said = ("Version 1.3", "perimeter-team", "accreditor", "Reviewed 2026-11-21", "ports@provider.example", "<svg")
        assert not [word for word in said if word not in html.text]
        assert viewer.get(f"{base}.gif").status_code == 404


def test_findings_are_files_for_tools(client_of: Callable[..., Client]) -> None:
    """The audit report is to be had as SARIF, JUnit, Markdown and JSON, narrowed as the page is."""
    viewer = client_of(Role.VIEWER)
    run = viewer.get("/audit?format=sarif&name=advice").json()["runs"][0]
    assert {one["ruleId"] for one in run["results"]} == {"advice"}
    assert ElementTree.fromstring(viewer.get("/audit?format=junit").content).tag == "testsuites"
    assert "rdp" in viewer.get("/audit?format=markdown&q=rdp").text
    found = viewer.get("/audit?format=json&policy=tenant-a-edge").json()["findings"]
    assert found and {one["at"]["file"] for one in found} == {"tenant-edge.yaml"}
    assert viewer.get("/audit?format=docx").status_code == 404


def test_search_as_you_type_is_the_list_alone(client_of: Callable[..., Client]) -> None:
    """What htmx asks for while somebody types is the list of hits, and the page without it has the same hits."""
    viewer = client_of(Role.VIEWER)
    part = viewer.get("/ports?q=postgres", headers={"HX-Request": "true", "HX-Target": "hits"}).text
    assert "<html" not in part and "/ports/postgresql" in part
    assert "/ports/postgresql" in viewer.get("/ports?q=postgres").text
    assert "Nothing is known" in viewer.get("/ports?q=zzzzzz").text
    assert viewer.get("/ports/zzzzzz").status_code == 404


def test_a_broken_exception_hides_its_policy_alone_and_is_named(client_of: Callable[..., Client], folder: Path) -> None:
    """The overview blames the file of the exception, with line and column, and every other policy is shown; a tenant reads no name."""
    (folder / "exceptions").mkdir()
    (folder / "exceptions" / "x.yaml").write_text("policy: tenant-a-edge\nrules: [\n", encoding="utf-8")
    text = client_of("viewer").get("/").text
    assert "tenant-edge.yaml cannot be read: " in text and " at exceptions/x.yaml:3:1." in text
    assert "the published list, inbound" in text
    names = client_of("viewer").get("/api/v1/policies").json()
    assert names["broken"] == ["tenant-edge.yaml"] and len(names["policies"]) == 3
    seen = client_of("viewer", "provider-perimeter/tenants").get("/").text
    assert "A policy of this folder cannot be read" in seen and "x.yaml" not in seen


def test_a_broken_policy_hides_no_other(client_of: Callable[..., Client], folder: Path) -> None:
    """Where a file cannot be read the overview stands, says so at its head, and still tells what the others open."""
    (folder / "tenant-edge.yaml").write_text("policy: tenant-a-edge\nrules:\n  - {form: internet}\n", encoding="utf-8")
    viewer = client_of(Role.VIEWER)
    text = viewer.get("/").text
    assert "tenant-edge.yaml cannot be read" in text and "the published list, inbound" in text
    assert "Nothing older is known" in text
    report = viewer.get("/audit?severity=error").text
    assert "tenant-edge.yaml:3" in report and "Way out" in report and "so of those nothing is proved" in report
    tenant = client_of(Role.REQUESTER, PERIMETER)
    seen = tenant.get("/").text
    assert "A policy of this folder cannot be read" in seen and "tenant-edge.yaml" not in seen


def test_no_policy_at_all(client_of: Callable[..., Client], folder: Path) -> None:
    """Every page stands in a folder without policies, and says that there are none, never that all is closed."""
    for file in folder.glob("*.yaml"):
        file.unlink()
    viewer = client_of(Role.VIEWER)
    for path in ("/", "/zones", "/status", "/paths", "/ports/445", "/audit", "/ask?source=a&destination=b"):
        answer = viewer.get(path)
        assert answer.status_code in (200, 422), path
        assert "Nothing is open to the internet" not in answer.text and "Proved" not in answer.text, path


def test_hostile_names_are_only_words(client_of: Callable[..., Client], folder: Path) -> None:
    """Whatever people write into a policy appears as they wrote it, and as nothing else."""
    bad = "<img src=x onerror=alert(1)>"
    text = f"""\
policy: web
about: "{bad}"
owner: "=cmd()"
zones: {{{"a-very-long-name-" * 3}end: [10.0.0.0/24]}}
firewalls: {{edge: {{between: [internet, {"a-very-long-name-" * 3}end]}}}}
rules:
  - {{from: internet, to: {"a-very-long-name-" * 3}end, allow: https, because: "{bad}"}}
"""
    for file in folder.glob("*.yaml"):
        file.unlink()
    (folder / "web.yaml").write_text(text, encoding="utf-8")
    viewer = client_of(Role.VIEWER)
    paths = ("/", "/zones", "/status", "/status/web", "/status/web/picture.svg", "/status/web/picture.html", "/paths",
             "/ports/443", "/audit", f"/zones/web/internet/{'a-very-long-name-' * 3}end", f"/ask?source={bad}&destination=x")  # fmt: skip
    for path in paths:
        assert "<img src=x" not in viewer.get(path).text, path
    assert "&lt;img src=x" in viewer.get("/").text


def test_two_thousand_rows_are_leaves(client_of: Callable[..., Client], folder: Path) -> None:
    """A long list is cut into leaves that say where they are; a filter narrows it; the file has all of it."""
    rules = "\n".join(
        f"  - {{from: internet, to: z, allow: tcp/{20000 + 2 * number}, because: number {number}}}"
        for number in range(2000)
    )
    text = (
        f"policy: many\nzones: {{z: [10.0.0.0/8]}}\nfirewalls: {{edge: {{between: [internet, z]}}}}\nrules:\n{rules}\n"
    )
    for file in folder.glob("*.yaml"):
        file.unlink()
    (folder / "many.yaml").write_text(text, encoding="utf-8")
    viewer = client_of(Role.VIEWER)
    first, last = viewer.get("/").text, viewer.get("/?page=20").text
    assert "1 to 100 of 2\u202f000 lines" in first and "1\u202f901 to 2\u202f000" in last
    assert first.partition('id="open"')[2].partition("</section>")[0].count("many.yaml:") == 100
    assert 'rel="next"' in first and 'rel="next"' not in last
    assert "many.yaml:1239:" in viewer.get("/?q=number+1234").text
    assert len(viewer.get("/?format=csv").text.splitlines()) == 2001
    pair = viewer.get("/zones/many/internet/z?page=21").text
    assert "of 2\u202f001 parts" in pair


def test_what_changed_is_told_in_flows(client_of: Callable[..., Client], folder: Path, store: Store) -> None:
    """The overview remembers how the policies were, and says what opened and closed since, by which lines, with a packet."""
    viewer = client_of(Role.VIEWER)
    assert "Nothing older is known" in viewer.get("/").text
    path = folder / "provider-perimeter.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("allow: [standard, rdp]", "allow: [standard, imap]"), encoding="utf-8"
    )
    text = viewer.get("/").text
    assert all(
        word in text for word in ("tcp/3389", "closes", "tcp/143", "opens", "provider-perimeter.yaml:67", "example")
    )
    assert "/nonexistent" not in text
    with store.reading() as c:
        assert len(history.formers(c, read_estate(datetime.now(UTC)))) == 1
    path.unlink()
    assert "This policy is gone" in viewer.get("/").text


def test_an_exception_makes_no_other_policy_new(client_of: Callable[..., Client], folder: Path, store: Store) -> None:
    """After two approvals the overview tells what the second opened in its policy, and nothing of policies that nobody changed."""
    viewer = client_of(Role.VIEWER)
    viewer.get("/")
    (folder / "exceptions").mkdir()
    for port in (11371, 11372):
        rule = f"{{name: r{port}, from: tenants, to: internet, allow: tcp/{port}, because: keys, owner: ann, until: 2999-01-31}}"
        text = f"policy: {PERIMETER}\nrules:\n  - {rule}\n"
        (folder / "exceptions" / f"r{port}.yaml").write_text(text, encoding="utf-8")
        said = viewer.get("/").text.partition('id="changed"')[2].partition("</section>")[0]
        assert f"tcp/{port}" in said
        assert "is new" not in said and "is gone" not in said
        assert "provider-elevated" not in said and "regions-5-6" not in said
    with store.reading() as c:
        formers = history.formers(c, read_estate(datetime.now(UTC)))
    assert len(formers) == 2
    assert {*policies_of(formers[0].body)} == {*policies_of(formers[1].body)} and len(policies_of(formers[0].body)) == 4


def test_texts_that_an_older_version_kept_are_not_compared_with(folder: Path, store: Store) -> None:
    """Kept texts that do not say whose each exception is are left out of what can be compared with, instead of being misread."""
    now = datetime.now(UTC)
    with store.writing() as c:
        snapshots.put(c, history.KIND, history.NAME, "0" * 64, '{"files": {}, "policies": {}}', now)
    with store.reading() as c:
        assert history.formers(c, read_estate(now)) == ()


@pytest.mark.parametrize("zone", ["", "tenants"])
def test_the_legend_has_what_the_cells_say(client_of: Callable[..., Client], zone: str) -> None:
    """Every word or code that begins a cell of the matrix stands below it with what it means, in words where cells have words."""
    text = client_of(Role.VIEWER).get(f"/zones?policy={PERIMETER}&zone={zone}").text
    table, _, rest = text.partition("</tbody></table>")
    legend = rest.partition("</dl>")[0]
    said = {
        re.sub(r"^\d+k?", "12", cell.split(";")[0]) for cell in re.findall(r'<td class="tone.*?">([^<]+)</a>', table)
    }
    assert len(said) > 1
    for word in said:
        assert f">{word.rstrip('*')}<" in legend, word
    assert ("*</dt>" in legend) is ("else …" not in legend)


def test_no_host_is_told_without_marks_of_markdown(client_of: Callable[..., Client]) -> None:
    """What fills the page of generations is told as text and code."""
    text = client_of(Role.VIEWER).get("/generations").text
    assert (
        "No host was heard of" in text
        and "`" not in text.partition("<main")[2]
        and "<code>firewright status HOST" in text
    )


def test_themes_are_spelt_as_people_write_them(client_of: Callable[..., Client]) -> None:
    """Abbreviations keep their capitals in the list of ports."""
    text = client_of(Role.VIEWER).get("/ports").text
    assert all(f">{theme} <span" in text for theme in ("IoT", "VPN and tunnels", "File sharing"))


def test_who_may_not_ask_is_not_told_to(client_of: Callable[..., Client]) -> None:
    """Where there is no request yet, only those who may ask are told that they may."""
    assert "Ask for a port" in client_of(Role.REQUESTER).get("/requests").text
    text = client_of(Role.APPROVER).get("/requests").text
    assert "No requests yet" in text and "Ask for a port" not in text


def test_a_question_gets_no_full_stop(client_of: Callable[..., Client]) -> None:
    """A way out that asks something ends with its question mark on the form of a request too."""
    until = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    form = {"policy": PERIMETER, "sources": "tenants", "destinations": "internet", "services": "htps", "because": "keys",
            "owner": "ann", "until": until, "act": "submit"}  # fmt: skip
    main = client_of(Role.REQUESTER).post("/requests", data=form).text.partition("<main")[2]
    assert "id you mean https?" in main and "?." not in main


def test_what_ends_soon_is_told(client_of: Callable[..., Client], folder: Path) -> None:
    """A permission that ends within thirty days is told with its days left and its owner, one that ends later is not."""
    soon, late = (datetime.now(UTC).date() + timedelta(days=days) for days in (5, 300))
    rules = "\n".join(
        f"  - {{from: internet, to: tenants, allow: tcp/{port}, until: {day}, because: for a while, owner: {owner}}}"
        for port, day, owner in ((7001, soon, "olga"), (7002, late, "oscar"))
    )
    path = folder / "provider-elevated.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("rules: none", f"rules:\n{rules}\n#"), encoding="utf-8")
    text = client_of(Role.VIEWER).get("/").text.partition('id="ends"')[2].partition("</section>")[0]
    assert "olga" in text and "oscar" not in text and re.search(r"in [56] days", text)


def test_the_link_to_a_request_has_what_was_asked(client_of: Callable[..., Client]) -> None:
    """Whoever may ask is led from an answer that is not open to the form for the same flow; a viewer is not."""
    path = "/ask?source=tenants&destination=internet&service=tcp/11371"
    link = f"/requests/new?policy={PERIMETER}&amp;sources=tenants&amp;destinations=internet&amp;services=tcp%2F11371"
    assert link in client_of(Role.REQUESTER).get(path).text
    assert "/requests/new" not in client_of(Role.VIEWER).get(path).text
    assert "/requests/new" not in client_of(Role.REQUESTER, name="other").get(f"{path[:-5]}443&policy={PERIMETER}").text


# --- comparing uploads ------------------------------------------------------------------------------------------------

RULES = "table inet f {\n chain i {\n  type filter hook input priority 0; policy drop\n  tcp dport 22 accept\n }\n}\n"
SAVED = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
POLICY = "policy: p\nzones: {z: [10.0.0.0/8]}\nfirewalls: {e: {between: [internet, z]}}\nrules:\n  - {from: internet, to: z, allow: %s}\n"


def upload(client: Client, before: str | bytes, after: str | bytes, names: tuple[str, str]) -> str:
    """What the page says of two files, as text."""
    files = {"before": (names[0], before), "after": (names[1], after)}
    text: str = client.post("/compare", files=files).text
    return text


def test_uploads_are_compared(client_of: Callable[..., Client]) -> None:
    """Two files are compared in flows with an example and both lines, and the result is to be had as files."""
    viewer = client_of(Role.VIEWER)
    text = upload(viewer, POLICY % "https", POLICY % "[https, smb]", ("a.yaml", "b.yaml"))
    assert all(word in text for word in ("Different", "opens", "tcp/445", "Example", "after-b.yaml"))
    assert "Equivalent, proved" in upload(viewer, POLICY % "https", POLICY % "tcp/443", ("a.yaml", "b.yaml"))
    saved = viewer.post("/compare/save", data={"text": '{"kind": "comparison"}', "format": "json"})
    assert "attachment" in saved.headers["content-disposition"] and json.loads(saved.text) == {"kind": "comparison"}
    assert viewer.post("/compare/save", data={"text": "x", "format": "html"}).status_code == 404


def test_rulesets_are_compared_in_a_namespace(client_of: Callable[..., Client]) -> None:
    """An nftables text is loaded by nft itself, apart from this machine's ruleset, and compared with what iptables saved."""
    from firewright.live import nft

    try:
        nft.list_back(RULES)
    except nft.NftError as error:
        pytest.skip(f"nft cannot load a ruleset apart here: {error}")
    text = upload(client_of(Role.VIEWER), RULES, RULES.replace("22", "{ 22, 443 }"), ("a.nft", "b.nft"))
    assert "tcp/443" in text and "opens" in text


def test_a_comparison_with_nothing_in_it_gives_back_what_was_typed(client_of: Callable[..., Client]) -> None:
    """Where one side is missing the form says so, and the other side's text and the choice stand there still."""
    files = {"after_text": (None, "policy: <mine>"), "kind": (None, "policy")}
    answer = client_of("viewer").post("/compare", files=files)
    assert answer.status_code == 422 and "There is nothing before." in answer.text
    assert "policy: &lt;mine&gt;</textarea>" in answer.text and '<option value="policy" selected>' in answer.text


def test_a_comparison_keeps_what_was_typed(client_of: Callable[..., Client]) -> None:
    """Beside an answer both texts stand in the form still; one that is too long for that is left out, and the form says so."""
    before, after = POLICY % "https", POLICY % "[https, smb]"
    viewer = client_of(Role.VIEWER)
    fields = {"before_text": (None, before), "after_text": (None, after), "kind": (None, "policy")}
    text = viewer.post("/compare", files=fields).text
    assert "Different" in text and "too long" not in text
    filled = [unescape(one.strip()) for one in re.findall(r"<textarea[^>]*>(.*?)</textarea>", text, re.DOTALL)]
    assert filled == [before.strip(), after.strip()]
    fields["after_text"] = (None, after + "# and more\n" * 20_000)
    text = viewer.post("/compare", files=fields).text
    filled = [unescape(one.strip()) for one in re.findall(r"<textarea[^>]*>(.*?)</textarea>", text, re.DOTALL)]
    assert filled == [before.strip(), ""] and text.count("too long to stand here again") == 1


def test_an_arrow_in_a_field_of_a_question_is_refused(client_of: Callable[..., Client]) -> None:
    """A field says one end: signs that would make another question of it are told, and `<b>` is told back whole."""
    viewer = client_of("viewer")
    answer = viewer.get("/ask", params={"source": "internet -> tenants", "destination": "tenants"})
    assert answer.status_code == 422 and "A field has an arrow" in answer.text
    assert "&lt;b&gt;" in viewer.get("/ask", params={"source": "<b>", "destination": "tenants"}).text


def test_texts_are_compared(client_of: Callable[..., Client]) -> None:
    """What is put into the fields is compared as files are."""
    fields = {"before_text": SAVED, "after_text": SAVED.replace("22", "23"), "kind": "rules"}
    text = client_of(Role.VIEWER).post("/compare", data=fields).text
    assert "tcp/23" in text and "tcp/22" in text and "closes" in text


def test_no_upload_reads_a_file_of_the_server(client_of: Callable[..., Client], folder: Path) -> None:
    """Whatever an upload names stays unread: included rulesets, used policies, absolute and relative."""
    viewer = client_of(Role.VIEWER)
    (folder / "secret.nft").write_text("very-secret-text\n", encoding="utf-8")
    for inside in (
        f'include "{folder}/secret.nft"',
        f"include '{folder}/secret.nft'",
        f'include\\\n "{folder}/secret.nft"',
    ):
        text = upload(viewer, RULES, f"{inside}\n{RULES}", ("a.nft", "b.nft"))
        assert "No comparison" in text and "very-secret-text" not in text
    for name in (f"{folder}/provider-perimeter.yaml", "../provider-perimeter.yaml", "provider-perimeter.yaml"):
        text = upload(viewer, POLICY % "https", f"uses: [{name}]\n{POLICY % 'https'}", ("a.yaml", "b.yaml"))
        assert "No comparison" in text and "the published list" not in text


def test_uploads_are_bounded(client_of: Callable[..., Client]) -> None:
    """Too long, no text, nothing: each is answered with what is wrong and the way out."""
    viewer = client_of(Role.VIEWER)
    many = {"before": ("a.nft", b"#" * (4 * 2**20 + 1)), "after": ("b.nft", b"x")}
    assert viewer.post("/compare", files=many).status_code == 413
    assert (
        viewer.post("/compare", files={"before": ("a.nft", b"\xff\xfe\x00"), "after": ("b", b"x")}).status_code == 422
    )
    assert viewer.post("/compare", data={"before_text": ""}).status_code == 422


# --- hosts ------------------------------------------------------------------------------------------------------------


def status(policy: str, drifted: bool = False, time: int = 1_800_000_000) -> str:
    """What a host says of itself."""
    gap = {"witness": "tcp 192.0.2.1:5 -> 10.0.0.1:22", "should": {"verdict": "drop", "place": "web.yaml:6", "rule": "r"},
           "does": {"verdict": "accept", "place": "inet f i", "rule": "accept"}}  # fmt: skip
    drift = {"host": "h", "drifted": drifted, "generation": 3, "difference": gap if drifted else None}
    tree = {"schema_version": "1", "kind": "status", "time": time, "policy": policy, "firewall": "edge", "generation": 3,
            "state": "confirmed", "mode": "enforcing", "loaded": 1_700_000_000, "boot": "generation 3", "drift": drift,
            "ends": [{"instant": 1_900_000_000, "rule": "for a while"}], "findings": []}  # fmt: skip
    return json.dumps(tree)


def test_hosts_stand_as_they_said(client_of: Callable[..., Client], store: Store) -> None:
    """Hosts with drift come first, those that were not heard of are said to be so, and each has its history."""
    now = datetime.now(UTC)
    with store.writing() as c:
        hosts.keep(c, "good", status(PERIMETER), now)
        hosts.keep(c, "drifting", status("tenant-a-edge", drifted=True), now)
        hosts.keep(c, "silent", status(PERIMETER), now - timedelta(days=3))
        assert not hosts.keep(c, "good", status(PERIMETER, time=1_800_000_600), now)
        hosts.keep(
            c,
            "good",
            json.dumps({"kind": "drift", "time": 1, "policy": PERIMETER, "drifted": False, "generation": 4}),
            now,
        )
    viewer = client_of(Role.VIEWER)
    text = viewer.get("/generations").text
    assert text.index("drifting") < text.index("silent") < text.index(">good<")
    assert "not heard of since" in text
    assert "as it should be" in viewer.get("/generations?q=good").text
    shown = viewer.get("/generations/drifting").text
    assert all(word in shown for word in ("tcp 192.0.2.1:5 -&gt; 10.0.0.1:22", "web.yaml:6", "for a while", "Drift"))
    assert viewer.get("/generations/nobody").status_code == 404
    tenant = client_of(Role.REQUESTER, PERIMETER)
    assert "drifting" not in tenant.get("/generations").text and "silent" in tenant.get("/generations").text


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"kind": "status"}', '{"kind": "other", "time": 1, "policy": "p"}', "[" * 100_000, "x" * 1_000_001,
     '{"kind": "status", "time": "now", "policy": "p"}'],
)  # fmt: skip
def test_what_is_no_report_is_refused(text: str) -> None:
    """Whatever is not what a host says of itself is refused with a sentence, and never kept."""
    with pytest.raises(hosts.BadReport, match=r"\w+ \w+"):
        hosts.accept(text)


@pytest.mark.parametrize("key", ["drift", "findings", "ends", "loaded", "generation", "boot"])
@pytest.mark.parametrize("value", [None, 7, -1, "x", [1], {"a": []}, [None], 1e9])
def test_strange_reports_are_shown_without_what_is_strange(key: str, value: object) -> None:
    """A report with a value of another kind somewhere is shown without it."""
    tree = json.loads(status("p"))
    assert hosts.accept(json.dumps({**tree, key: value}))["policy"] == "p"
