"""When a picture was taken: dates as they are written, and which of them counts."""

from collections.abc import Sequence

import pytest

from phototag.imaging.dates import parse_date, parse_day, parse_offset
from phototag.imaging.exif import read_exif
from phototag.sidecar.model import Exif
from tests.imaging.blocks_made import XMP, XMP_HEAD, Entry, iptc, jpeg_with, of, text, tiff


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024:05:01 10:11:12", "2024-05-01T10:11:12"),
        ("2024-05-01T10:11:12", "2024-05-01T10:11:12"),
        ("2024:05:01 10:11:12.250", "2024-05-01T10:11:12.250"),
        ("2024/05/01 10:11:12", "2024-05-01T10:11:12"),
        ("2024:02:29 00:00:00", "2024-02-29T00:00:00"),
        ("2023:02:29 00:00:00", None),
        ("0000:00:00 00:00:00", None),
        ("2024:13:01 10:11:12", None),
        ("2024:05:32 10:11:12", None),
        ("2024:05:01 25:11:12", None),
        ("2024:05:01 10:61:12", None),
        ("2024:05:01 10:11", "2024-05-01T10:11:00"),
        ("2024: 5: 1  9: 5: 3", "2024-05-01T09:05:03"),
        ("2024:05:01 10:11:60", "2024-05-01T10:11:59"),
        ("2024:05:01 10:11:61", None),
        ("2024:05:01 01:02:03 PM", "2024-05-01T13:02:03"),
        ("2024:05:01 12:02:03 am", "2024-05-01T00:02:03"),
        ("2024:05:01 13:02:03 PM", "2024-05-01T13:02:03"),
        ("0001:01:01 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(written: str, expected: str | None) -> None:
    assert parse_date(written)[0] == expected
    assert of(shot=[text(0x9003, written.encode() + b"\0")] if written else []).taken == expected


def test_offsets() -> None:
    assert parse_offset("+05:30") == "+05:30"
    assert parse_offset("-0800") == "-08:00"
    assert parse_offset("+15:00") is None
    assert parse_offset("   :  ") is None
    assert parse_date("2024-05-01T10:11:12Z") == ("2024-05-01T10:11:12", "+00:00")


def test_the_moment_of_the_shot_wins_and_an_impossible_one_does_not() -> None:
    edited, shot, digitised = b"2025:01:01 00:00:00\0", b"2024:05:01 10:00:00\0", b"2024:05:02 10:00:00\0"
    assert of([text(0x132, edited)], [text(0x9003, shot), text(0x9004, digitised)]).taken == "2024-05-01T10:00:00"
    bad = text(0x9003, b"0000:00:00 00:00:00\0")
    assert of([text(0x132, edited)], [bad, text(0x9004, digitised)]).taken == "2024-05-02T10:00:00"
    assert of([text(0x132, edited)], [bad]).taken == "2025-01-01T00:00:00"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1975-07-04", "1975-07-04"),
        ("1975-07", "1975-07"),
        ("1975", "1975"),
        ("1975-07-00", "1975-07"),
        ("1975-00-00", "1975"),
        ("1975-13-01", None),
        ("1975-02-30", None),
        ("0000-00-00", None),
        ("1700", None),
        ("1975-7", None),
        ("July 1975", None),
        ("", None),
    ],
)
def test_days(written: str, expected: str | None) -> None:
    assert parse_day(written) == expected


def dated(
    xmp: str = "", main: Sequence[Entry] = (), shot: Sequence[Entry] = (), *records: tuple[int, int, bytes]
) -> Exif:
    packet = XMP.replace(b'xmp:Rating="4"', xmp.encode())
    segments = [(0xE1, b"Exif\0\0" + tiff(main, shot)), (0xE1, XMP_HEAD + packet), (0xED, iptc(*records))]
    return read_exif(jpeg_with(*segments), "jpeg")[0]


CREATED = 'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:DateCreated="{}"'


def test_a_date_of_the_picture_beats_a_date_of_the_file() -> None:
    changed, scanned = [text(0x132, b"2021:01:01 00:00:00\0")], [text(0x9004, b"2019:02:03 04:05:06\0")]
    assert dated('xmp:CreateDate="2011-06-14T15:47+02:00"', changed).taken == "2011-06-14T15:47:00"
    assert dated('xmp:CreateDate="2011-06-14T15:47+02:00"', changed).offset == "+02:00"
    assert dated(CREATED.format("1975-07-04"), changed).taken == "1975-07-04"
    assert dated(CREATED.format("1975"), changed, scanned).taken == "1975"
    assert dated("", changed, scanned, (2, 55, b"19750704")).taken == "1975-07-04"
    assert dated("", changed, scanned, (2, 55, b"19750000")).taken == "1975"
    assert dated("", changed, scanned, (2, 55, b"19750704"), (2, 60, b"123000+0100")).taken == "1975-07-04T12:30:00"
    assert dated("", changed, [], (2, 62, b"20190203")).taken == "2019-02-03"
    assert dated("", changed).taken == "2021-01-01T00:00:00"


def test_a_day_takes_the_hour_that_a_camera_knew() -> None:
    scanned = [text(0x9004, b"2019:02:03 04:05:06\0"), text(0x9292, b"5\0"), text(0x9012, b"+02:00\0")]
    found = dated(CREATED.format("2019-02-03"), [text(0x132, b"2019:02:03 23:00:00\0")], scanned)
    assert (found.taken, found.offset) == ("2019-02-03T04:05:06.5", "+02:00")
    alone = dated(CREATED.format("2019-02-03"), [text(0x132, b"2019:02:03 23:00:00\0")])
    assert (alone.taken, alone.offset) == ("2019-02-03", None)


def test_an_impossible_date_of_a_program_leaves_the_word_to_the_next() -> None:
    assert dated(CREATED.format("0000-00-00") + ' xmp:CreateDate="1975-07-04T12:30"').taken == "1975-07-04T12:30:00"
