"""One small library for all tests of the viewer, scanned once: odd names, formats and turned pictures in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from phototag.cli.main import run
from phototag.handle import Library
from phototag.serve.access import Access
from phototag.serve.app import make_app
from tests import make

NICE, SYDNEY = (43.7, 7.26), (-33.87, 151.21)
ODD_NAMES = (
    'it\'s "odd" <b>&amp;.jpg',
    "per%2Fcent #1?.jpg",
    "naïve ümlaut 写真.jpg",
    os.fsdecode(b"latin-\xe9.jpg"),
    "two\nlines.jpg",
)


def build(root: Path) -> Path:
    """Write and scan the library."""
    for number in range(30):
        make.jpeg(
            root / "2024" / f"IMG_{number:04}.jpg",
            size=(480, 320) if number % 3 else (240, 360),
            seed=number + 1,
            taken=f"2024:{number % 6 + 1:02}:{number % 27 + 1:02} 10:{number:02}:00",
            make="Canon" if number % 2 else "Nikon",
            model="EOS 80D" if number % 2 else "Z 6",
            gps=NICE if number % 2 else SYDNEY,
        )
    for name in ODD_NAMES:
        make.jpeg(root / "odd" / name, seed=len(name) + 40)
    make.jpeg(root / "turned.jpg", size=(90, 60), seed=70, orientation=6)
    (root / "scan.tif").write_bytes(make.encoded(make.picture((64, 48), seed=71), "TIFF"))
    assert run(["scan", str(root), "-q"]) == 0
    at = str(root / "2024")
    assert run(["rate", "5", f"{at}/IMG_0000.jpg", f"{at}/IMG_0001.jpg", "-q"]) == 0
    assert run(["caption", f"{at}/IMG_0000.jpg", "--text", "<script>alert(1)</script> a 'quoted' swim", "-q"]) == 0
    assert run(["tag-edit", f"{at}/IMG_0000.jpg", "--add", 'holiday "2024" & <sea>', "-q"]) == 0
    return root


@pytest.fixture(scope="session")
def root(sealed_session: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("viewer") / "photos")


@pytest.fixture(scope="session")
def library(root: Path) -> Library:
    return Library.open(str(root))


@pytest.fixture
def client(library: Library) -> Iterator[TestClient]:
    with client_of(library, Access("127.0.0.1")) as made:
        yield made


def client_of(library: Library, access: Access, base_url: str = "http://127.0.0.1:8420") -> TestClient:
    return TestClient(make_app(library, access), base_url=base_url, follow_redirects=False)
