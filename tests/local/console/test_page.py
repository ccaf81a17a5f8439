"""The page in headless Chromium: what it shows, that nothing in it is taken for HTML, and that a keyboard is enough."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lambent.local import daemon
from lambent.local.console.invocation_store import InvocationStore
from support.chromium import Chromium, Page, browsing, find_chromium
from support.executions import make_execution
from support.local_service import Service, serving

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")

HOSTILE = """\
def handler(event, context):
    print('<img src=x onerror="document.title=1"><script>document.title=2</script>')
    print("\\x1b[31mred\\x1b[0m \\u202egnp.exe \\x07")
    return {"statusCode": 200, "body": "<script>document.title=3</script>"}
"""
EVENT = {
    "rawPath": "/<img src=x onerror=alert(1)>",
    "requestContext": {"http": {"method": "GET"}},
    "headers": {"authorization": "Bearer hunter2", "accept": "text/html"},
}
STORED = 10_000
NEWEST = '.row[aria-rowindex="2"]'
CHOSEN = '.row[aria-selected="true"]'


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A local Lambda that has many invocations already, and a function that prints what should never be HTML."""
    state = tmp_path_factory.mktemp("state")
    store = InvocationStore(state)
    store.save([make_execution(number, answer={"statusCode": 200}) for number in range(1, STORED + 1)])
    store.close()
    with serving(state) as running:
        running.function("hostile", HOSTILE)
        client = running.client("lambda")
        client.create_alias(
            FunctionName="hostile", Name="live", FunctionVersion=client.publish_version(FunctionName="hostile")["Version"]
        )
        yield running


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    assert CHROMIUM is not None
    with browsing(CHROMIUM, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(service: Service, chromium: Chromium) -> Page:
    """The console, with one invocation of the hostile function."""
    page = chromium.open(daemon.console_address(service.state))
    page.wait("document.querySelectorAll('.rows .row').length > 5 && document.querySelector('#connection.live')")
    service.client("lambda").invoke(FunctionName="hostile", Qualifier="live", Payload=json.dumps(EVENT).encode())
    page.wait("document.querySelector('.rows .row .function')?.innerText.startsWith('hostile:1')")  # it came by itself
    return page


def show(page: Page, address: str, selector: str) -> None:
    page.run(f"location.hash = {json.dumps(address)}")
    page.wait(f"document.querySelector({json.dumps(selector)})")


def names(page: Page) -> dict[str, list[str]]:
    """Return what a screen reader is told: the names of things by their role."""
    found: dict[str, list[str]] = {}
    for node in page.send("Accessibility.getFullAXTree")["nodes"]:
        if not node.get("ignored"):
            role = str(node["role"]["value"])
            found.setdefault(role, []).append(str(node.get("name", {}).get("value", "")))
    return found


def test_only_visible_rows_are_in_the_document(page: Page) -> None:
    assert int(page.run("document.querySelector('#grid').getAttribute('aria-rowcount')")) > STORED - 100
    assert page.run("document.querySelectorAll('.rows .row').length") < 80
    page.run("document.querySelector('#grid').scrollTop = 1e9")
    page.wait("[...document.querySelectorAll('.rows .row')].some(row => +row.getAttribute('aria-rowindex') > 9900)")
    page.run("document.querySelector('#grid').scrollTop = 0")
    page.wait(f"document.querySelector('{NEWEST}')")


def test_hostile_output_is_text(page: Page) -> None:
    show(page, "#/invocations", NEWEST)
    page.click(NEWEST)
    page.wait("document.querySelectorAll('.log li').length >= 4")
    log = page.text(".log")
    assert '<img src=x onerror="document.title=1"><script>document.title=2</script>' in log
    assert "red ⟨U+202E⟩gnp.exe ␇" in log
    assert page.text("#details h3") == "GET /<img src=x onerror=alert(1)>"
    page.run("document.querySelector('#detail-tab-2').click()")
    assert "<script>document.title=3</script>" in page.text("#detail-panel")
    assert page.run("document.title") == "lambent console"
    assert page.run("document.querySelectorAll('main img, main script').length") == 0


def test_secrets_are_shown_on_demand(page: Page) -> None:
    page.run("document.querySelector('#detail-tab-1').click()")
    assert "hunter2" not in page.text("#detail-panel") and "text/html" in page.text("#detail-panel")
    page.click("#detail-panel input[type=checkbox]")
    assert "hunter2" in page.text("#detail-panel")


def test_keyboard_is_enough(page: Page) -> None:
    show(page, "#/invocations", NEWEST)
    page.run("document.querySelector('#grid').focus()")
    for key, row in (
        ("ArrowDown", "== 2"),
        ("ArrowDown", "== 3"),
        ("ArrowUp", "== 2"),
        ("End", f">= {STORED}"),
        ("Home", "== 2"),
    ):
        page.press(key)
        page.wait(f"+document.querySelector('{CHOSEN}')?.getAttribute('aria-rowindex') {row}")
        active = page.run("document.querySelector('#grid').getAttribute('aria-activedescendant')")
        assert active == page.run(f"document.querySelector('{CHOSEN}').id")
    page.wait("document.querySelector('#details h3')")
    page.press("Enter")
    page.wait("document.activeElement.tagName === 'H3'")
    page.press("Escape")
    page.wait("document.activeElement.id === 'grid'")
    page.press("Escape")
    page.wait("document.querySelector('#details').hidden")
    page.run("document.querySelector('#tab-invocations').focus()")
    page.press("ArrowRight")
    page.wait("document.activeElement.id === 'tab-functions' && !document.querySelector('#view-functions').hidden")


def test_replay_leads_to_the_new_invocation(page: Page) -> None:
    show(page, "#/invocations", NEWEST)
    page.click(NEWEST)
    page.wait("document.querySelector('#replay')")
    first = page.run("location.hash")
    page.click("#replay")
    page.wait(f"location.hash !== {json.dumps(first)} && document.querySelector('.facts a')")
    assert page.run("document.querySelector('.facts a').hash") == first
    page.run("document.querySelector('#detail-tab-0').click()")
    page.wait("document.querySelectorAll('.log li').length >= 4")


def test_a_paused_list_stays_as_it_is(service: Service, page: Page) -> None:
    show(page, "#/invocations", NEWEST)
    newest = page.run(f"document.querySelector('{NEWEST}').id")
    page.click("#pause")
    service.client("lambda").invoke(FunctionName="hostile", Payload=b"{}")
    page.wait("document.querySelector('#count').value === '1 new'")
    assert page.run(f"document.querySelector('{NEWEST}').id") == newest
    page.click("#pause")
    page.wait(f"document.querySelector('{NEWEST}').id !== {json.dumps(newest)}")


def test_functions_sizes_and_imports(page: Page) -> None:
    show(page, "#/functions", "#view-functions table")
    assert "live" in page.text("#view-functions") and "lambda-url" not in page.text("#view-functions")
    show(page, "#/sizes", ".treemap .cell")
    assert "app.py" in page.text("#view-sizes table")
    show(page, "#/imports", "#measure")
    page.click("#measure")
    page.wait("document.querySelector('.frame')")
    assert "modules in" in page.text("#imports-status") and "slowest" in page.text("#view-imports table")
    page.run("document.querySelectorAll('#view-imports .frame')[1].click()")
    assert page.text("#view-imports .crumbs button") == "all imports" != page.text("#view-imports .crumbs b")
    page.run("document.querySelector('#view-imports .crumbs button').click()")
    assert page.text("#view-imports .crumbs") == "all imports"


@pytest.mark.parametrize("address", ["#/invocations", "#/functions", "#/sizes", "#/imports"])
def test_everything_has_a_name(page: Page, address: str) -> None:
    show(page, address, f"#view-{address[2:]}:not([hidden]) *")
    if address == "#/invocations":
        page.click(NEWEST)
        page.wait("document.querySelector('#replay')")
    found = names(page)
    for role in (
        "button",
        "link",
        "combobox",
        "searchbox",
        "checkbox",
        "radio",
        "tab",
        "tabpanel",
        "grid",
        "img",
        "table",
        "meter",
    ):
        assert all(found.get(role, [])), (role, found[role])
    assert found["tab"][:4] == ["Invocations", "Functions", "Sizes", "Imports"]
    for width in (1280, 420):
        page.resize(width, 800)
        assert page.run("document.documentElement.scrollWidth <= innerWidth"), f"{address} is wider than {width}"
    page.resize(1280, 800)


def test_text_can_be_read_in_both_colour_schemes(page: Page) -> None:
    show(page, "#/invocations", NEWEST)
    for scheme in ("light", "dark"):
        page.prefer(prefers_color_scheme=scheme)
        for text, background in (("text", "panel"), ("muted", "page"), ("failed-text", "failed-soft"), ("fine", "fine-soft"),
                                 ("accent", "panel"), ("warning-text", "panel"), ("accent-text", "accent")):  # fmt: skip
            ratio = contrast(colour(page, text), colour(page, background))
            assert ratio >= 4.5, f"{scheme}: --{text} on --{background} has {ratio:.2f}"
    page.prefer(prefers_color_scheme="light")


def test_the_browser_has_nothing_to_complain_about(page: Page) -> None:
    assert page.complaints() == []


def test_page_without_a_token(service: Service, chromium: Chromium) -> None:
    chromium.send("Storage.clearCookies")
    page = chromium.open(f"http://lambent-console.localhost:{service.port}/")
    page.wait("document.body?.innerText.includes('lambent open --console')")


def colour(page: Page, name: str) -> list[float]:
    value = str(page.run(f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()"))
    return [int(value[index : index + 2], 16) / 255 for index in (1, 3, 5)]


def contrast(*colours: Any) -> float:
    """WCAG 2's contrast ratio of two colours."""
    light, dark = sorted((luminance(each) for each in colours), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(channels: list[float]) -> float:
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
