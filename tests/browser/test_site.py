"""The site plays without a kernel and without a network, from a folder on a stick."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.test_notebooks import COURSE, each_notebook
from tools.build_site import main
from tools.regenerate_notebooks import read_notebook

pytestmark = pytest.mark.slow

LARGEST_PAGE_BYTES = 3_000_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    assert main([str(folder)]) == 0
    return folder


@pytest.fixture(params=["no-preference", "reduce"])
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """A page that may ask nobody for anything, and may not fail."""
    context = chromium.new_context(reduced_motion=request.param)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on(
        "request",
        lambda asked: (
            None if asked.url.startswith(("file:", "data:", "blob:")) else wrong.append(asked.url)
        ),
    )
    opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    yield opened
    context.close()
    assert wrong == []


without_motion = pytest.mark.parametrize("page", ["reduce"], indirect=True)


class Links(HTMLParser):
    """The names that a page gives, and where it points to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.to: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.names.add(value)
            if value and (tag, name) in {
                ("a", "href"),
                ("img", "src"),
                ("script", "src"),
                ("link", "href"),
            }:
                self.to.add(value)


def test_every_link_leads_somewhere_and_no_page_is_large(site: Path) -> None:
    pages = {path: Links(path) for path in site.rglob("*.html")}
    assert len(pages) > len(COURSE)
    broken = []
    for path, links in pages.items():
        assert path.stat().st_size < LARGEST_PAGE_BYTES, path.name
        for link in links.to:
            if re.match(r"[a-z]+:", link):
                continue
            file, name = urldefrag(link)
            target = (path.parent / unquote(file).partition("?")[0]).resolve() if file else path
            if not target.is_file() or (
                name and target in pages and name not in pages[target].names
            ):
                broken.append(f"{path.name}: {link}")
    assert broken == []


@pytest.mark.parametrize("page", ["no-preference"], indirect=True)
def test_the_front_page_moves_by_itself(site: Path, page: Page) -> None:
    page.goto((site / "index.html").as_uri())
    expect(page.locator(".stateviz-player")).to_have_attribute("data-playing", "true")
    expect(page.locator(".stateviz-player")).not_to_have_attribute("data-frame", "0")


@without_motion
def test_it_stands_still_for_whoever_asked_for_it(site: Path, page: Page) -> None:
    page.goto((site / "index.html").as_uri())
    expect(page.locator(".stateviz-player")).to_have_attribute("data-ready", "true")
    page.wait_for_timeout(500)
    assert page.locator(".stateviz-player").get_attribute("data-playing") == "false"
    # Without its preload it asks for no style sheet again, which a page from a disk may not.
    found = Axe().run(page, context={"include": [["article"]]}, options={"preload": False})
    assert found.violations_count == 0, found.generate_report()


@without_motion
@each_notebook
def test_a_lesson_is_alive(site: Path, page: Page, path: Path) -> None:
    saved = [
        output.data["text/html"]
        for cell in read_notebook(path).cells
        for output in cell.get("outputs", ())
        if "text/html" in output.get("data", {})
    ]
    page.goto((site / "notebooks" / f"{path.stem}.html").as_uri())
    players = page.locator(".stateviz-player")
    expect(players).to_have_count(sum('data-stateviz="' in html for html in saved))
    for player in players.all():
        player.scroll_into_view_if_needed()
        expect(player).to_have_attribute("data-ready", "true")
        player.locator("[data-action=next]").click()
        expect(player).not_to_have_attribute("data-frame", "0")
    for panel in page.locator(".stateviz-experiment").all():
        panel.locator(".stateviz-run").click()
        expect(panel.locator(".stateviz-player").last).to_have_attribute("data-ready", "true")
    folded = page.locator("details.hide")
    assert folded.count() > 0
    assert not any(each.get_attribute("open") is not None for each in folded.all())
