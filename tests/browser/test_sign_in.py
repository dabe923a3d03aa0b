"""Signing in from another device: a plain name of the network, without the comforts that browsers give to loopback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from phototag.serve.access import Access
from tests.browser.conftest import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("browser")

TOKENS = ["correct-horse-battery", "another-word-entirely"]


def sign_in(page: Page, address: str, token: str) -> None:
    """Fill in the form."""
    page.goto(address)
    page.fill("#token", token)
    page.click("button.main")


def test_two_viewers_of_one_machine_let_in_who_knows_their_words(photos: Path, chromium: Browser) -> None:
    # Browsers send no Sec-Fetch-Site over plain HTTP to another machine, and one set of cookies to all its ports.
    one, two = (Access("0.0.0.0", token) for token in TOKENS)
    with served(photos, one) as first, served(photos, two) as second, chromium.new_context() as context:
        page = context.new_page()
        for port, token in zip((first, second), TOKENS, strict=True):
            sign_in(page, f"http://photos.lan:{port}/?sort=path", "wrong")
            assert page.locator("#wrong").inner_text() == "That is not the token."
            sign_in(page, f"http://photos.lan:{port}/?sort=path", token)
            page.wait_for_selector(".tile")
            assert page.url == f"http://photos.lan:{port}/?sort=path"
        page.goto(f"http://photos.lan:{first}/")
        page.wait_for_selector(".tile")
