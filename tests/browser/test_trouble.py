"""What a person sees when answers come late, in another order, or not at all, and when the library changes meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from phototag.serve import present
from tests.browser.conftest import PHOTOS, Watched

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.xdist_group("browser")

Open = Callable[..., Watched]

CLOSED = "#lightbox:not([open])"


def opened(page: Page, number: int = 0) -> None:
    """Open one of the photos of the grid."""
    page.locator(".tile a").nth(number).click()
    page.wait_for_selector(f"#lightbox[open] .picture[src*='IMG_{number:04}'].shown")


def test_a_photo_that_does_not_come_is_said_and_can_be_asked_for_again(watched: Open) -> None:
    one = watched(intercepted=True)
    one.expected = "Failed to load resource"
    page = one.go("/?sort=path")
    page.route("**/photo/**", lambda route: route.abort())
    page.locator(".tile a").first.click()
    page.wait_for_selector("body > .notice:has-text('does not answer')")
    page.unroute("**/photo/**")
    opened(page)
    page.route("**/photo/**", lambda route: route.abort())
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#lightbox > .notice:has-text('does not answer')")
    assert "IMG_0000" in page.url
    page.unroute("**/photo/**")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#lightbox .picture[src*='IMG_0001'].shown")
    page.wait_for_selector("#lightbox > .notice", state="detached")
    page.wait_for_url("**/photo/IMG_0001.jpg*")


def test_a_photo_that_is_gone_is_said(watched: Open) -> None:
    one = watched(intercepted=True)
    one.expected = "Failed to load resource"
    page = one.go("/?sort=path")
    opened(page)
    page.route("**/photo/IMG_0001.jpg*", lambda route: route.fulfill(status=404, body="gone"))
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#lightbox > .notice:has-text('not in the library any more')")


def test_photos_that_did_not_come_can_be_asked_for_again(watched: Open) -> None:
    one = watched(700, 500, intercepted=True)
    one.expected = "Failed to load resource"
    one.page.route("**/tiles?*", lambda route: route.abort())
    page = one.go("/?sort=path")
    page.evaluate("document.querySelectorAll('.page')[1].scrollIntoView()")
    page.wait_for_selector(".page:nth-child(2) .failed")
    page.unroute("**/tiles?*")
    page.locator(".page:nth-child(2) .failed button").click()
    page.wait_for_selector(".page:nth-child(2) .tile")
    page.wait_for_selector(".page:nth-child(2) .failed", state="detached")


def test_a_library_that_changed_is_said(watched: Open) -> None:
    def one_more(route: Route) -> None:
        answer = route.fetch()
        body = answer.text().replace(f'data-total="{PHOTOS}"', f'data-total="{PHOTOS + 1}"')
        route.fulfill(response=answer, body=body)

    one = watched(700, 500, intercepted=True)
    one.page.route("**/?sort=path", one_more, times=1)  # one of them is gone when the next page is asked for
    page = one.go("/?sort=path")
    page.evaluate("document.querySelectorAll('.page')[1].scrollIntoView()")
    page.wait_for_selector(".notice:has-text('has changed')")
    with page.expect_navigation():
        page.locator(".notice button", has_text="Show it as it is now").click()
    page.wait_for_selector(".tile")
    page.evaluate("document.querySelectorAll('.page')[1].scrollIntoView()")
    page.wait_for_selector(".page:nth-child(2) .tile")
    assert page.locator(".notice").count() == 0


def test_esc_twice_is_not_back_twice(watched: Open) -> None:
    page = watched().go("/?sort=-rating")
    page.goto(page.url.replace("-rating", "path"))
    opened(page)
    page.evaluate(
        "() => { for (const n of [1, 2]) document.body.dispatchEvent("
        "new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true })); }"
    )
    page.wait_for_selector(CLOSED, state="attached")
    page.wait_for_url("**/?sort=path")
    page.go_back()
    page.wait_for_url("**/?sort=-rating")


def test_back_while_a_photo_is_on_its_way(watched: Open) -> None:
    page = watched(intercepted=True).go("/?sort=path")
    opened(page)
    page.go_back()
    page.wait_for_selector(CLOSED, state="attached")
    page.route("**/photo/IMG_0000.jpg*", lambda route: None)  # on its way for ever
    with page.expect_request("**/photo/IMG_0000.jpg*"):
        page.evaluate("history.forward()")
    with page.expect_event("requestfailed", lambda request: "IMG_0000" in request.url):
        page.evaluate("history.back()")
    page.wait_for_url("**/?sort=path")
    page.wait_for_selector("#lightbox:not([open]):not(.waiting)", state="attached")


def test_a_photo_that_comes_after_the_closing_stays_away(watched: Open) -> None:
    page = watched(intercepted=True).go("/?sort=path")
    opened(page)
    page.route("**/photo/IMG_0001.jpg*", lambda route: None)  # on its way for ever
    with page.expect_request("**/photo/IMG_0001.jpg*"):
        page.keyboard.press("ArrowRight")
    with page.expect_event("requestfailed", lambda request: "IMG_0001" in request.url):
        page.keyboard.press("Escape")
    page.wait_for_selector(CLOSED, state="attached")
    page.wait_for_url("**/?sort=path")
    page.wait_for_function("() => document.activeElement.matches('.tile a[href*=IMG_0000]')")


def test_a_held_key_waits_for_the_photo(watched: Open) -> None:
    page = watched(intercepted=True).go("/?sort=path")
    opened(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/photo/IMG_0001.jpg*", hold)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    for _ in range(3000):
        if held:
            break
        page.wait_for_timeout(20)
    held[0].continue_()
    page.wait_for_selector("#lightbox .picture[src*='IMG_0001'].shown")
    page.wait_for_url("**/photo/IMG_0001.jpg*")
    assert len(held) == 1


def test_a_box_that_the_system_closed_leaves_nothing_behind(watched: Open) -> None:
    page = watched().go("/?sort=path")
    opened(page)
    page.evaluate("document.getElementById('lightbox').close()")
    page.wait_for_url("**/?sort=path")
    page.wait_for_function("() => !document.querySelector('#lightbox').firstElementChild")
    opened(page, 2)


def test_esc_closes_the_menu_of_orders(watched: Open) -> None:
    page = watched().go("/?sort=path")
    page.locator(".sort summary").click()
    page.wait_for_selector(".sort[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector(".sort:not([open])")
    assert page.evaluate("document.activeElement.matches('.sort summary')")


def test_countries_have_their_names(watched: Open) -> None:
    page = watched(locale="en-GB").go()
    shown = page.evaluate(
        """async () => {
          const { nameCountries } = await import("/static/countries.js");
          const made = ["FR", "ZZZ"].map((code) => {
            const label = document.createElement("span");
            label.dataset.country = label.textContent = code;
            document.body.append(label);
            return label;
          });
          nameCountries();
          return made.map((label) => label.textContent);
        }"""
    )
    assert shown == ["France", "ZZZ"]


def test_a_picture_that_turns_out_damaged_says_why(watched: Open) -> None:
    drawing = (Path(present.__file__).parent / "static" / "no-picture.svg").read_text()
    reason = {"x-phototag-reason": "damaged%20JPEG%20file%3A%20caf%C3%A9"}
    one = watched(intercepted=True)
    one.page.route(
        "**/view/IMG_0001.jpg",
        lambda route: route.fulfill(status=200, content_type="image/svg+xml", body=drawing, headers=reason),
    )
    page = one.go("/?sort=path")
    opened(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#lightbox .picture[alt='IMG_0001.jpg cannot be shown: damaged JPEG file: café']")
    for place in (".stage .unseen", ".panel .cannot"):
        assert page.locator(place).text_content() == "This picture cannot be shown: damaged JPEG file: café."
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("#lightbox .picture[src*='IMG_0000'].shown")
    assert page.locator(".unseen").count() == 0
