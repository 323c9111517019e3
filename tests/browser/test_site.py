"""The site plays without a kernel and without a network, from a folder on a stick."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

import stateviz
from tests.browser.test_live_in_browser import try_live
from tests.test_notebooks import COURSE, each_notebook
from tools.build_site import main
from tools.regenerate_notebooks import read_notebook
from tools.site.downloads import offers

pytestmark = pytest.mark.full

LARGEST_PAGE_BYTES = 3_000_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    assert main([str(folder), "--repository", ""]) == 0
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
    """The names that a page gives, and its links, each as often as it has them."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
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
                self.links.append(value)


def test_every_link_leads_somewhere_and_no_page_is_large(site: Path) -> None:
    pages = {path: Links(path) for path in site.rglob("*.html")}
    assert len(pages) > len(COURSE)
    broken = []
    for path, links in pages.items():
        assert path.stat().st_size < LARGEST_PAGE_BYTES, path.name
        for link in set(links.links):
            if re.match(r"[a-z]+:", link):
                continue
            file, name = urldefrag(link)
            target = (path.parent / unquote(file).partition("?")[0]).resolve() if file else path
            if not target.is_file() or (
                name and target in pages and name not in pages[target].names
            ):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def goes_back(player: Locator) -> None:
    """A step back from where it rests."""
    frame = player.get_attribute("data-frame") or ""
    player.locator("[data-action=previous]").click()
    expect(player).not_to_have_attribute("data-frame", frame)


@pytest.mark.parametrize("page", ["no-preference"], indirect=True)
def test_the_front_page_moves_by_itself(site: Path, page: Page) -> None:
    page.goto((site / "index.html").as_uri())
    player = page.locator(".stateviz-player").first
    expect(player).to_have_attribute("data-playing", "true")
    frame = player.get_attribute("data-frame") or ""
    expect(player).not_to_have_attribute("data-frame", frame)


@without_motion
def test_it_stands_still_for_whoever_asked_for_it(site: Path, page: Page) -> None:
    page.goto((site / "index.html").as_uri())
    player = page.locator(".stateviz-player").first
    expect(player).to_have_attribute("data-ready", "true")
    page.wait_for_timeout(500)
    assert player.get_attribute("data-playing") == "false"


def test_a_model_runs_on_the_front_page(site: Path, page: Page) -> None:
    page.goto((site / "index.html").as_uri())
    try_live(page.locator(".stateviz-live"))


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
        goes_back(player)
    asked = page.locator("p:text-is('Choose one, then open it.')")
    expect(asked).to_have_count(sum("Choose one, then open it." in html for html in saved))
    for question in asked.all():
        options = question.locator("xpath=following-sibling::details")
        for option in options.all():
            option.locator("summary").click()
            expect(option.locator("p")).to_have_text(re.compile("✓ Right|✗ Not quite"))
        assert options.filter(has_text="✓ Right").count() == 1
    for panel in page.locator(".stateviz-experiment").all():
        panel.locator(".stateviz-run").click()
        expect(panel.locator(".stateviz-player").last).to_have_attribute("data-ready", "true")
    lives = page.locator(".stateviz-live")
    expect(lives).to_have_count(sum('data-stateviz-live="' in html for html in saved))
    for live in lives.all():
        try_live(live)
    folded = page.locator("details.hide")
    assert folded.count() > 0
    assert not any(each.get_attribute("open") is not None for each in folded.all())


@pytest.mark.parametrize("width", [1280, 1024, 390])
def test_no_lesson_is_wider_than_its_window(site: Path, chromium: Browser, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})
    lessons = sorted((site / "notebooks").glob("*.html"))
    assert len(lessons) > 10
    wide = []
    for lesson in lessons:
        page.goto(lesson.as_uri())
        page.wait_for_timeout(300)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(lesson.name)
    assert wide == []
    page.close()


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_front_page_fits_and_rests_on_both_answers(
    site: Path, chromium: Browser, size: tuple[int, int]
) -> None:
    width, height = size
    page = chromium.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.goto((site / "index.html").as_uri())
    shown = page.locator(".front .stateviz-player:visible")
    expect(shown).to_have_count(1)
    expect(shown).to_have_attribute("data-ready", "true")
    words = shown.locator(".stateviz-readout > span").first
    expect(words).to_have_text("batch 4: LSTM(8) 5, LSTM(8, stateful=True) 1")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture = shown.locator(".stateviz-picture").bounding_box()
    assert picture is not None
    assert picture["x"] >= 0
    assert picture["x"] + picture["width"] <= width
    buttons = page.locator(".front-buttons").bounding_box()
    assert buttons is not None
    assert buttons["y"] + buttons["height"] <= height
    page.close()


def test_first_movement_within_a_second(site: Path, chromium: Browser) -> None:
    """From a disk, in the best of three: a machine may be busy."""
    took = []
    for _ in range(3):
        page = chromium.new_page()
        page.add_init_script(_WATCH)
        page.goto((site / "index.html").as_uri())
        page.wait_for_selector("html[data-moved]")
        took.append(float(page.locator("html").get_attribute("data-moved") or "inf"))
        page.close()
    assert min(took) < 1000, took


_WATCH = """
new MutationObserver((all, watching) => {
  const player = document.querySelector(".stateviz-player[data-ready]");
  if (!player || player.dataset.playing !== "true") return;
  watching.disconnect();
  document.documentElement.dataset.moved = performance.now();
}).observe(document, { attributes: true, childList: true, subtree: true });
"""


def test_the_reference_has_every_public_name(site: Path) -> None:
    names = Links(site / "api.html").names
    assert {f"stateviz.{name}" for name in stateviz.__all__} <= names
    # What is recorded has its shapes, and what a function raises is said.
    text = (site / "api.html").read_text(encoding="utf-8")
    assert text.count("(samples, timesteps, units)") > 3
    assert text.count("Raises") > 20


def test_words_of_the_glossary_lead_there(site: Path) -> None:
    known = Links(site / "docs" / "glossary.html").names
    assert "term-hidden-state" in known
    for path in COURSE:
        used = [
            link.partition("#")[2]
            for link in Links(site / "notebooks" / f"{path.stem}.html").links
            if "glossary.html#term-" in link
        ]
        assert len(used) == len(set(used)) > 3, path.name
        assert set(used) <= known


def test_a_lesson_can_be_downloaded_as_it_is(site: Path) -> None:
    for path in COURSE:
        assert (site / "notebooks" / path.name).read_bytes() == path.read_bytes()
        page = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        assert "mybinder.org" not in page  # nobody said where the repository is
        assert "Run this cell</b>" not in page
    asked = offers("a.ipynb", "one/two")
    assert (
        "https://mybinder.org/v2/gh/one/two/HEAD?urlpath=lab%2Ftree%2Fnotebooks%2Fa.ipynb" in asked
    )


@without_motion
def test_the_gallery_plays(site: Path, page: Page) -> None:
    page.goto((site / "docs" / "gallery.html").as_uri())
    expect(page.locator(".stateviz-player")).to_have_count(7)
    for player in page.locator(".stateviz-player").all():
        player.scroll_into_view_if_needed()
        expect(player).to_have_attribute("data-ready", "true")
        goes_back(player)
    assert all(each.is_hidden() for each in page.locator(".content details img").all())


@without_motion
def test_the_search_finds_without_a_server(site: Path, page: Page) -> None:
    page.goto(f"{(site / 'search.html').as_uri()}?q=shuffle")
    found = page.locator("#search-results li a")
    expect(found.first).to_have_text(re.compile("When the stream breaks"))
    found.first.click()
    expect(page.locator("h1")).to_contain_text("When the stream breaks")


ONE_OF_EACH_KIND = (
    "index.html",
    "search.html",
    "api.html",
    "docs/recipes.html",
    "docs/gallery.html",
    "docs/backends.html",
    "notebooks/00_when_does_keras_reset.html",
    "notebooks/04_resets.html",
)


@without_motion
@pytest.mark.parametrize(
    "names", [ONE_OF_EACH_KIND, pytest.param((), marks=pytest.mark.nightly)], ids=["some", "all"]
)
def test_every_page_is_for_everybody(site: Path, page: Page, names: tuple[str, ...]) -> None:
    """Axe finds nothing, and no page asks another host or fails while it is opened."""
    found = {}
    for path in [site / name for name in names] or sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        # Without its preload it asks for no style sheet again, which a page from a disk may not.
        result = Axe().run(page, options={"preload": False, "resultTypes": ["violations"]})
        if result.violations_count:
            found[path.name] = sorted({each["id"] for each in result.response["violations"]})
    assert found == {}


@without_motion
def test_on_paper_nothing_can_be_pressed(site: Path, page: Page) -> None:
    page.goto((site / "notebooks" / f"{COURSE[0].stem}.html").as_uri())
    player = page.locator(".stateviz-player").first
    expect(player).to_have_attribute("data-ready", "true")
    player.locator(".stateviz-slider").press("Home")
    shown = player.locator(".stateviz-readout span").first
    before = shown.inner_text()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert shown.inner_text() != before  # the telling frame, not the first
    for button in page.locator("button, .stateviz-slider, .skip-to-content").all():
        assert button.is_hidden(), button.evaluate("each => each.outerHTML.slice(0, 200)")
