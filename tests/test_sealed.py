"""The seal around the tests holds, here and in the processes they start; the small makers make what they say."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from tests import make


@pytest.mark.parametrize("host", ["93.184.216.34", "example.com"])
def test_no_network(host: str) -> None:
    with pytest.raises(RuntimeError, match="sealed"):
        socket.create_connection((host, 80), timeout=2)


def test_no_network_in_child_processes() -> None:
    code = "import urllib.request as r; r.urlopen('http://example.com/', timeout=2)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "sealed from the network" in done.stderr


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        server.accept()[0].close()


def test_home_is_not_the_persons(tmp_path: Path, sealed: Path) -> None:
    assert os.environ["HOME"] == str(sealed)
    assert not list(tmp_path.iterdir())
    assert os.environ["XDG_CACHE_HOME"].startswith(str(sealed))


def test_made_jpegs_carry_exif(tmp_path: Path) -> None:
    path = make.jpeg(
        tmp_path / "a.jpg", taken="2024:05:01 10:00:00", model="X100", orientation=6, gps=(-33.8688, 151.2093)
    )
    with Image.open(path) as image:
        found = image.getexif()
        assert found[ExifTags.Base.Orientation] == 6
        assert found.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2024:05:01 10:00:00"
        gps = found.get_ifd(ExifTags.IFD.GPSInfo)
        assert gps[ExifTags.GPS.GPSLatitudeRef] == "S"
        d, m, s = map(float, gps[ExifTags.GPS.GPSLatitude])
        assert -(d + m / 60 + s / 3600) == pytest.approx(-33.8688, abs=1e-5)
