"""Make the sample library and photograph the report of its clusters and the viewer into docs/img.

``python examples/screenshots.py [report] [viewer] [--out docs/img] [--work FOLDER]`` needs chromium and playwright (the
dev group); nothing is fetched.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

REPOSITORY = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DESKTOP, PHONE = (1200, 760), (390, 844)
REPORT, TALL = (1280, 1000), (1280, 1500)
PAGES = {"overview": "index.html", "map": "map.html", "cluster": "clusters/0000.html"}
RATED = "2023/Reykjavik/DSC_4120.jpg"
LARGEST = 300_000
"""Bytes of a picture: it is loaded with the README."""


def main() -> None:
    """Make every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", help="report, viewer.  [default: both]")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "img")
    parser.add_argument("--work", type=Path, help="Where library and report go.  [default: a temporary folder]")
    options = parser.parse_args()
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is installed")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # Nobody's cache, settings or device take part.
        os.environ |= {f"XDG_{name}_HOME": os.path.join(folder, name) for name in ("CACHE", "STATE", "DATA", "CONFIG")}
        work = options.work or Path(folder)
        library = work / "Sample library"
        phototag("demo", "--out", str(library))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            if not options.what or "report" in options.what:
                photograph_report(browser, make_report(library, work / "report"), options.out)
            if not options.what or "viewer" in options.what:
                say_something(library)
                with served(library) as address:
                    photograph_viewer(browser, address, options.out)
            browser.close()


def phototag(*args: str) -> None:
    """Run one command."""
    subprocess.run([sys.executable, "-m", "phototag", *args, "-q"], check=True, stdout=subprocess.DEVNULL)


def make_report(library: Path, report: Path) -> Path:
    """Cluster and report; return the report's folder."""
    phototag("cluster", str(library))
    phototag("report", str(library), "--out", str(report))
    return report


def say_something(library: Path) -> None:
    """Rate, caption and tag one photo."""
    photo = str(library / RATED)
    phototag("rate", "4", photo)
    phototag("caption", photo, "--text", "The last evening, seen from the jetty.")
    phototag("tag-edit", photo, "--add", "holiday", "--add", "family/iceland")


@contextmanager
def served(library: Path) -> Iterator[str]:
    """Run the viewer on a free port; yield its address."""
    command = [sys.executable, "-m", "phototag", "serve", str(library), "--port", "0", "--no-open", "--json", "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = "".join(process.stdout.readline() for _ in range(3))
            yield json.loads(said)["address"].rstrip("/")
        finally:
            process.terminate()


def photograph_report(browser: Browser, report: Path, out: Path) -> None:
    """Photograph overview, map and one cluster: light, dark, and on a phone."""
    for name, file in PAGES.items():
        for theme in ("light", "dark"):
            page = opened(browser, TALL if name == "cluster" else REPORT, theme)
            page.goto((report / file).as_uri())
            save(page, out / f"report-{name}-{theme}.png")
        page = opened(browser, PHONE, "light")
        page.goto((report / file).as_uri())
        save(page, out / f"report-{name}-phone.png")


def photograph_viewer(browser: Browser, address: str, out: Path) -> None:
    """Photograph the grid and one photo, light and dark, and both on a phone."""
    for theme, suffix in (("light", ""), ("dark", "-dark")):
        page = opened(browser, DESKTOP, theme)
        page.goto(f"{address}/")
        save(page, out / f"viewer{suffix}.png")
        page.goto(f"{address}/?q=golden%20hour%20-is%3Aduplicate")
        page.locator(".tile a").first.focus()
        save(page, out / f"viewer-search{suffix}.png")
        page.goto(f"{address}/photo/{RATED}?at=10")
        page.wait_for_selector(".picture.shown")
        save(page, out / f"viewer-photo{suffix}.png")
    page = opened(browser, PHONE, "light")
    page.goto(f"{address}/")
    save(page, out / "viewer-phone.png")
    page.goto(f"{address}/photo/{RATED}?at=10")
    page.wait_for_selector(".picture.shown")
    save(page, out / "viewer-phone-photo.png")


def opened(browser: Browser, size: tuple[int, int], theme: str) -> Page:
    """Return a page of a size in a colour scheme."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if theme == "dark" else "light"
    )
    return context.new_page()


def save(page: Page, out: Path) -> None:
    """Write what the page shows as a PNG of few enough colours to stay below ``LARGEST``."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)  # what is drawn on a canvas comes after the files
    with Image.open(io.BytesIO(page.screenshot())) as shot:
        image = shot.convert("RGB")
    for colours in (256, 128, 64):
        few = image.quantize(palette=image.quantize(colours, kmeans=2))  # dithered against the best palette
        data = io.BytesIO()
        few.save(data, "PNG", optimize=True)
        if data.tell() <= LARGEST:
            break
    out.write_bytes(data.getvalue())
    print(f"{out}  {data.tell():,} bytes")


if __name__ == "__main__":
    main()
