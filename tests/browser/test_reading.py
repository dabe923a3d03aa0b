"""What is read: on paper, in a narrow window, by a screen reader, and from the help."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import Watched
from tests.browser.test_viewer import shows

pytestmark = pytest.mark.xdist_group("browser")

Open = Callable[..., Watched]


def test_paper_has_rows_of_its_own_width(watched: Open) -> None:
    """Printing lays nothing out again: what the script did for the window must not count."""
    page = watched().go("/?sort=path")
    page.wait_for_selector(".tile.laid")
    page.emulate_media(media="print")
    page.evaluate("document.body.style.width = '700px'")
    edges = page.evaluate(
        """() => { const rows = {}; for (const tile of document.querySelectorAll('.page:first-child .tile')) {
        const box = tile.getBoundingClientRect(); rows[Math.round(box.top)] = Math.round(box.right); }
        return Object.values(rows); }"""
    )
    assert all(abs(edge - 700) <= 1 for edge in edges[:-1])
    assert len(edges) < 40
    for selector in (".skip", ".bar", ".filters", ".sort", ".turn"):
        assert not page.locator(selector).first.is_visible(), selector
    assert page.evaluate("document.querySelector('.page:last-child').offsetHeight") == 0, "not loaded"
    page.emulate_media(media="screen")
    page.evaluate("document.body.style.width = ''")
    page.locator(".tile a").first.click()
    page.wait_for_selector("#lightbox[open] .picture.shown")
    page.emulate_media(media="print")
    assert not page.locator(".layout").is_visible()
    assert page.locator("#lightbox .panel").is_visible()


@pytest.mark.parametrize("width", [360, 1280])
def test_a_long_filter_keeps_its_end_in_sight(watched: Open, width: int) -> None:
    long = "a very long tag that nobody would write by hand but a program did and then some more of it"
    one = watched(width)
    page = one.go(f"/?tag={long.replace(' ', '%20')}&rating=5")
    value, cross = page.locator(".chip .value").first, page.locator(".chip .icon").first
    assert (
        value.evaluate("node => node.scrollWidth > node.clientWidth && getComputedStyle(node).textOverflow")
        == "ellipsis"
    )
    box = page.locator(".chip").first.bounding_box()
    end = cross.bounding_box()
    assert box is not None
    assert end is not None
    assert end["x"] + end["width"] <= box["x"] + box["width"] <= width
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert value.get_attribute("title") == long


def test_help_and_search_from_a_photo(watched: Open) -> None:
    page = watched().go("/?sort=path")
    page.locator(".tile a").nth(2).click()
    page.wait_for_selector("#lightbox[open] .picture.shown")
    page.keyboard.press("?")
    shows(page, "#keys[open]", 1)
    page.keyboard.press("Escape")
    shows(page, "#keys[open]", 0)
    shows(page, "#lightbox[open]", 1)
    page.keyboard.press("/")
    page.wait_for_selector("#lightbox:not([open])", state="attached")
    page.wait_for_url("**/?sort=path")
    page.wait_for_function("() => document.activeElement.id === 'search'")
    page.goto(page.url.replace("/?sort", "/photo/IMG_0007.jpg?sort"))
    page.wait_for_selector("body.single .picture.shown")
    page.keyboard.press("?")
    shows(page, "#keys[open]", 1)
    page.keyboard.press("Escape")
    shows(page, "#keys[open]", 0)
    page.keyboard.press("/")
    page.wait_for_selector("body.browse .tile")
    page.wait_for_function("() => document.activeElement.id === 'search'")


def test_stars_are_said(watched: Open) -> None:
    page = watched().go("/?rating=5")
    assert page.get_by_role("img", name="5 stars").count() == 1
    page.locator(".tile a").click()
    page.wait_for_selector("#lightbox[open] .picture.shown")
    assert page.get_by_role("img", name="5 of 5 stars").count() == 1


def test_a_photo_is_said_when_it_comes(watched: Open) -> None:
    """A screen reader says what is focused: the photo's name, or what it shows where the panel is hidden."""
    page = watched().go("/?sort=path")
    page.locator(".tile a").nth(2).focus()
    page.keyboard.press("Enter")
    focused = "() => { const one = document.activeElement; return one.ariaLabel ?? one.alt ?? one.tagName; }"
    page.wait_for_function(f"() => ({focused})() === 'What is known of IMG_0002.jpg'")
    page.keyboard.press("i")
    assert page.evaluate(focused) == page.locator("#lightbox .picture").get_attribute("alt")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#lightbox[open] .picture[src*='IMG_0003'].shown")
    assert page.evaluate(focused) == page.locator("#lightbox .picture").get_attribute("alt")
    page.keyboard.press("i")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => ({focused})() === 'What is known of IMG_0004.jpg'")


def test_stars_that_were_not_given_are_not_seen_as_given(watched: Open) -> None:
    page = watched(forced_colors="active").go("/photo/IMG_0011.jpg")
    assert page.locator(".rating").inner_text() == "★★"
