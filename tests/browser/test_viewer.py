"""What a person sees and does: photos load, nothing jumps, the keyboard works, memory stays flat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import PATIENCE_MS, PHOTOS, Watched

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.xdist_group("browser")
"""One process, so that there is one browser and one library of photos."""

Open = Callable[..., Watched]

FOCUSED = "document.activeElement.closest('.tile') ? document.activeElement.getAttribute('href') : ''"
SHIFT = """
() => { window.shifted = 0; new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: 'layout-shift', buffered: true }); }
"""
CONTRAST = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const ground = (node) => { for (; node; node = node.parentElement) {
    const c = rgb(getComputedStyle(node).backgroundColor); if (c[3] > 250) return c; } return [255, 255, 255, 255]; };
  const seen = (colour, node, under) => { let share = 1;
    for (; node; node = node.parentElement) share *= getComputedStyle(node).opacity;
    return colour.map((value, at) => value * share + under[at] * (1 - share)); };
  const poor = [];
  for (const node of document.querySelectorAll('h1, h2, a, dt, dd, summary, .number, .chip, .chip .kind, p, label')) {
    if (!node.checkVisibility() || !node.textContent.trim() || node.closest('.hidden, .stars, .skip')) continue;
    const under = ground(node), a = light(seen(rgb(getComputedStyle(node).color), node, under)), b = light(under);
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.push(`${node.tagName}.${node.className} ${ratio.toFixed(2)} ${node.textContent.trim().slice(0, 30)}`);
  }
  return poor;
}
"""
NAMELESS = """
() => [...document.querySelectorAll('button, a, input:not([type=hidden]), dialog, aside, nav, form')].filter(node =>
  !(node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') || node.textContent.trim() || node.title ||
  node.querySelector('img[alt]:not([alt=""])')))
  .filter(node => !node.matches('form[method=dialog]')).map(node => node.outerHTML.slice(0, 120))
"""


def shows(page: Page, selector: str, count: int) -> None:
    """Wait until the page holds just so many of something: a click returns before the next page is all there."""
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_have_count(count, timeout=PATIENCE_MS)


def test_photos_load_and_nothing_jumps(watched: Open) -> None:
    page = watched().go()
    page.evaluate(SHIFT)
    page.wait_for_function(
        "() => [...document.images].every(i => i.getBoundingClientRect().top >= innerHeight || i.naturalWidth)"
    )
    page.mouse.wheel(0, 1200)
    page.wait_for_timeout(400)
    assert page.evaluate("window.shifted") < 0.02


@pytest.mark.parametrize("width", [1280, 1111, 390, 391])
def test_rows_are_filled_and_photos_are_whole(watched: Open, width: int) -> None:
    page = watched(width).go("/?sort=path")
    boxes = page.evaluate(
        """[...document.querySelectorAll('.page:first-child .tile')].map(t => { const b = t.getBoundingClientRect(),
        i = t.querySelector('img'); return [Math.round(b.top), b.left, b.right, b.width / b.height, i.width / i.height,
        i.getAttribute('width') / i.getAttribute('height')]; })"""
    )
    rows: dict[int, list[list[float]]] = {}
    for box in boxes:
        rows.setdefault(box[0], []).append(box)
    full = list(rows.values())[:-1]
    edge = page.evaluate("document.querySelector('.page').getBoundingClientRect().right")
    assert max(abs(row[-1][2] - edge) for row in full) < 2
    for row in full:
        for box in row:
            assert box[3] == pytest.approx(box[5], rel=0.08)


def test_memory_stays_flat_while_scrolling(watched: Open) -> None:
    page = watched(700, 500).go()
    shows(page, ".page", -(-PHOTOS // 120))
    most = 0
    for _ in range(60):
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(30)
        most = max(most, page.locator(".tile").count())
    page.wait_for_function("() => scrollY + innerHeight > document.documentElement.scrollHeight - 400")
    page.wait_for_selector(".page:last-child .tile")
    shows(page, ".page:first-child .tile", 0)
    assert most <= 3 * 120
    page.keyboard.press("Home")
    page.wait_for_selector(".page:first-child .tile")


def test_keyboard_in_the_grid(watched: Open) -> None:
    page = watched().go()
    page.keyboard.press("ArrowRight")
    first = page.evaluate(FOCUSED)
    assert "at=0" in first
    page.keyboard.press("ArrowRight")
    assert "at=1" in page.evaluate(FOCUSED)
    page.keyboard.press("ArrowDown")
    below = page.evaluate(FOCUSED)
    assert below not in (first, "")
    page.keyboard.press("ArrowUp")
    assert "at=1" in page.evaluate(FOCUSED)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("?t/")
    assert page.input_value("#search") == "?t/"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") != "search"
    page.keyboard.press("?")
    shows(page, "#keys[open]", 1)
    page.keyboard.press("Escape")
    shows(page, "#keys[open]", 0)


@pytest.mark.parametrize("width", [1280, 390])
def test_every_stop_of_the_tab_key_can_be_seen(watched: Open, width: int) -> None:
    page = watched(width).go("/?rating=5")
    unseen = []
    for _ in range(24):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => { const node = document.activeElement, shown = node.matches('#show-filters') ?
            document.querySelector('label.narrow') : node, box = shown.getBoundingClientRect(),
            style = getComputedStyle(shown), ring = style.outlineStyle !== 'none' || style.boxShadow !== 'none' ||
            getComputedStyle(shown, '::after').borderTopWidth === '3px';
            return node === document.body || node.matches('.skip') || (box.width > 4 && ring) ? '' : node.outerHTML.slice(0, 99); }"""
        )
        unseen += [stop] if stop else []
    assert unseen == []


def test_a_photo_opens_turns_and_closes(watched: Open) -> None:
    page = watched().go("/?sort=path")
    page.locator(".tile a").nth(2).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#lightbox[open] .picture.shown")
    page.wait_for_url("**/photo/IMG_0002.jpg*")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#lightbox[open] .picture[src*='IMG_0003'].shown")
    page.wait_for_url("**/photo/IMG_0003.jpg*")
    shows(page, "#lightbox .rating", 1)
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("#lightbox[open] .picture[src*='IMG_0002'].shown")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#lightbox[open] .picture[src*='IMG_0003'].shown")
    page.keyboard.press("i")
    assert not page.locator(".panel").is_visible()
    page.keyboard.press("i")
    assert page.locator(".panel").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_selector("#lightbox:not([open])", state="attached")
    page.wait_for_url("**/?sort=path")
    page.wait_for_function(f"() => ({FOCUSED}).includes('IMG_0003')")


def test_back_closes_and_a_reload_shows_the_photo(watched: Open) -> None:
    page = watched().go()
    page.locator(".tile a").first.click()
    page.wait_for_selector("#lightbox[open] .picture")
    page.go_back()
    page.wait_for_selector("#lightbox:not([open])", state="attached")
    page.go_forward()
    page.wait_for_selector("#lightbox[open] .picture")
    page.reload()
    page.wait_for_selector("body.single .picture")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**at=1*")
    page.keyboard.press("Escape")
    page.wait_for_selector("body.browse .tile")


def test_turning_past_the_page_and_closing_there(watched: Open) -> None:
    page = watched().go("/?sort=path")
    page.evaluate("document.querySelectorAll('.tile a')[119].click()")
    page.wait_for_selector("#lightbox[open] .picture[src*='IMG_0119']")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#lightbox[open] .picture[src*='IMG_0120']")
    page.keyboard.press("Escape")
    page.wait_for_function(f"() => ({FOCUSED}).includes('IMG_0120')")


def test_searching_and_filtering(watched: Open) -> None:
    page = watched().go()
    page.keyboard.press("/")
    page.keyboard.type("canon")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=canon*")
    page.locator(".group a", has_text="★★★★★").click()
    page.wait_for_url("**rating=5*")
    shows(page, ".tile", 1)
    page.locator(".chip").click()
    page.wait_for_selector(".tile >> nth=5")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(watched: Open, scheme: str) -> None:
    one = watched(color_scheme=scheme)
    page = one.go("/?rating=5")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(250, 249, 247)", "dark": "rgb(20, 19, 18)"}[scheme]
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(NAMELESS) == []
    page.locator(".tile a").click()
    page.wait_for_selector("#lightbox[open] .picture.shown")
    page.locator(".history summary").click()
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(NAMELESS) == []


def test_the_theme_is_kept(watched: Open) -> None:
    page = watched(color_scheme="light").go()
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("t")
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert before != after
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after


def test_a_phone(watched: Open) -> None:
    page = watched(390, 844, has_touch=True, is_mobile=True).go()
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(wide)
    assert not page.locator("#filters").is_visible()
    page.locator("label[for=show-filters]").first.tap()
    page.wait_for_function("() => document.querySelector('#filters').getBoundingClientRect().left >= 0")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelector('#filters').getBoundingClientRect().right <= 0")
    page.locator(".tile a").first.tap()
    page.wait_for_selector("#lightbox[open] .picture.shown")
    assert not page.evaluate(wide)
    assert page.evaluate("document.querySelector('.stage').getBoundingClientRect().height") > 400


def test_without_a_script(watched: Open) -> None:
    page = watched(java_script_enabled=False).go("/?sort=path")
    shows(page, ".tile", 120)
    page.locator("a[rel=next]").click()
    page.wait_for_url("**offset=120*")
    page.locator(".tile a").first.click()
    page.wait_for_url("**/photo/IMG_0120.jpg*")
    page.locator("a[rel=next]").click()
    page.wait_for_url("**/photo/IMG_0121.jpg*")
    page.locator(".over a").first.click()
    page.wait_for_url("**offset=120*")
    shows(page, ".tile", 120)


def test_what_the_browser_gives_up_on_is_rendered(watched: Open) -> None:
    one = watched()
    one.page.route("**/view/*", lambda route: route.fulfill(status=200, content_type="image/png", body=b"no picture"))
    page = one.go("/photo/IMG_0005.jpg")
    page.wait_for_selector(".picture.shown")
    assert "/thumb/2048/" in page.evaluate("document.querySelector('.picture').currentSrc")
