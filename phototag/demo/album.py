"""Which pictures the sample library holds: scene, seed, camera, when and where."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial

import msgspec

from phototag.demo import close, nature, night, town, water
from phototag.demo.cameras import EOS, EOS_TELE, FUJI, IPHONE, NIKON_MACRO, NIKON_WIDE, PIXEL, Camera
from phototag.demo.canvas import Canvas

LANDSCAPE, PORTRAIT, PHONE, PHONE_UPRIGHT = (1600, 1067), (1067, 1600), (1600, 1200), (1200, 1600)
SLOW = Fraction(8)
DIM = Fraction(1, 15)


class Shot(msgspec.Struct, frozen=True):
    """One photo that is drawn."""

    path: str
    draw: Callable[[Canvas], None]
    taken: str
    camera: Camera
    place: str | None = None
    size: tuple[int, int] = LANDSCAPE
    exposure: Fraction | None = None
    iso: int = 200
    flash: bool = False
    finish: Callable[[Canvas], None] | None = None
    """What went wrong or was done afterwards: blur, dark, black and white."""
    sideways: bool = False
    """The sensor was turned: stored lying on its side, EXIF says how to right it."""


def blurred(canvas: Canvas) -> None:
    """Focus missed."""
    canvas.blur(13)


def underexposed(canvas: Canvas) -> None:
    """Much too dark."""
    canvas.px *= 0.16


def noisy(canvas: Canvas) -> None:
    """Sensitivity turned up too far."""
    canvas.grain(0.09)


SHOTS: tuple[Shot, ...] = (
    # 2019: the first trips
    Shot("2019/Zermatt/IMG_0412.jpg", partial(nature.mountains, stops=nature.DAWN), "2019-07-18T06:02:11+02:00", EOS, "Zermatt"),
    Shot("2019/Zermatt/IMG_0437.jpg", partial(nature.mountains, stops=nature.DAY, sun=None, lake=True), "2019-07-18T11:20:45+02:00", EOS, "Zermatt"),
    Shot("2019/Zermatt/IMG_0451.jpg", nature.meadow, "2019-07-19T13:05:09+02:00", EOS, "Zermatt"),
    Shot("2019/Nice/IMG_0610.jpg", water.beach, "2019-08-02T12:31:40+02:00", EOS, "Nice"),
    Shot("2019/Nice/IMG_0633.jpg", partial(water.sunset_sea, boat=True), "2019-08-02T20:38:02+02:00", EOS, "Nice"),
    Shot("2019/Nice/IMG_0641.jpg", town.harbour, "2019-08-03T10:12:56+02:00", EOS, "Nice"),
    Shot("2019/Valensole/IMG_0702.jpg", nature.rows_of_flowers, "2019-07-10T20:55:31+02:00", EOS, "Valensole"),
    # 2020: at home
    Shot("2020/IMG_1004.jpg", nature.forest, "2020-04-12T08:40:00+02:00", EOS, "Berlin"),
    Shot("2020/IMG_1019.jpg", partial(nature.forest, fog="#e8cfa8", leaves="#c4611c"), "2020-10-25T10:22:33+01:00", EOS, "Berlin"),
    Shot("2020/IMG_1022.jpg", town.autumn_road, "2020-10-25T11:03:12+01:00", EOS, "Berlin"),
    Shot("2020/IMG_1088.jpg", close.flower, "2020-05-30T15:44:21+02:00", NIKON_MACRO, "Berlin"),
    Shot("2020/IMG_1091.jpg", partial(close.flower, petal="#f4b400", heart="#6b3f12", ground="#4a6fa0"), "2020-07-04T16:10:10+02:00", NIKON_MACRO, "Berlin"),
    Shot("2020/IMG_1150.jpg", nature.winter, "2020-12-29T11:48:00+01:00", EOS, "Bergen"),
    Shot("2020/IMG_1163.jpg", partial(nature.mountains, stops=nature.OVERCAST, sun=None), "2020-12-30T12:15:00+01:00", EOS, "Bergen", finish=lambda c: c.grey()),
    # 2021: cities
    Shot("2021/New York/DSCF2101.jpg", night.city_night, "2021-11-12T21:40:17-05:00", FUJI, "New York", exposure=DIM, iso=1600),
    Shot("2021/New York/DSCF2109.jpg", night.light_trails, "2021-11-12T22:15:40-05:00", FUJI, "New York", exposure=SLOW, iso=100),
    Shot("2021/New York/DSCF2133.jpg", town.facade, "2021-11-13T11:09:05-05:00", FUJI, "New York"),
    Shot("2021/New York/DSCF2150.jpg", night.rainy_window, "2021-11-13T20:31:52-05:00", FUJI, "New York", exposure=DIM, iso=3200),
    Shot("2021/San Francisco/DSCF2240.jpg", water.bridge, "2021-11-18T16:52:30-08:00", FUJI, "San Francisco"),
    Shot("2021/San Francisco/DSCF2258.jpg", partial(night.city_night, blue_hour=True, top="#1c2f6b"), "2021-11-18T17:21:08-08:00", FUJI, "San Francisco", exposure=DIM, iso=800),
    Shot("2021/San Francisco/DSCF2261.jpg", night.moonrise, "2021-11-19T18:04:44-08:00", EOS_TELE, "San Francisco", exposure=Fraction(1, 60), iso=400),
    Shot("2021/Lisbon/PXL_20210906_143012.jpg", close.tiles, "2021-09-06T14:30:12+01:00", PIXEL, "Lisbon", PHONE),
    Shot("2021/Lisbon/PXL_20210906_192240.jpg", partial(water.sunset_sea, stops=nature.DAWN, sun=0.6), "2021-09-06T19:48:40+01:00", PIXEL, "Lisbon", PHONE),
    # 2022: deserts and islands
    Shot("2022/Morocco/DSC_3004.jpg", nature.dunes, "2022-03-15T16:20:00+01:00", NIKON_WIDE, "Merzouga"),
    Shot("2022/Morocco/DSC_3011.jpg", partial(nature.dunes, stops=nature.SUNSET, sand="#e08a4a", shade="#5a2a35"), "2022-03-15T19:12:00+01:00", NIKON_WIDE, "Merzouga"),
    Shot("2022/Morocco/DSC_3020.jpg", night.milky_way, "2022-03-15T23:50:00+01:00", NIKON_WIDE, "Merzouga", exposure=Fraction(20), iso=3200),
    Shot("2022/Santorini/DSC_3302.jpg", town.hill_town, "2022-06-08T10:44:10+03:00", NIKON_WIDE, "Oia"),
    Shot("2022/Santorini/DSC_3310.jpg", water.sails, "2022-06-08T14:02:27+03:00", EOS_TELE, "Oia"),
    Shot("2022/Santorini/DSC_3325.jpg", partial(water.sunset_sea, stops=nature.SUNSET, sun=0.3), "2022-06-08T20:20:59+03:00", NIKON_WIDE, "Oia"),
    Shot("2022/Santorini/DSC_3331.jpg", partial(water.sunset_sea, stops=nature.SUNSET, sun=0.7), "2022-06-08T20:26:13+03:00", NIKON_WIDE, "Oia", finish=blurred),
    Shot("2022/Cappadocia/DSC_3409.jpg", town.balloons, "2022-10-02T06:58:20+03:00", NIKON_WIDE, "Goreme"),
    # 2023: north and far south
    Shot("2023/Tromso/DSC_4001.jpg", night.aurora, "2023-02-11T22:35:00+01:00", NIKON_WIDE, "Tromso", exposure=Fraction(6), iso=1600),
    Shot("2023/Tromso/DSC_4012.jpg", nature.winter, "2023-02-12T12:10:00+01:00", NIKON_WIDE, "Tromso"),
    Shot("2023/Tromso/DSC_4015.jpg", night.aurora, "2023-02-12T21:02:00+01:00", NIKON_WIDE, "Tromso", exposure=Fraction(2), iso=6400, finish=underexposed),
    Shot("2023/Reykjavik/DSC_4120.jpg", partial(nature.mountains, stops=nature.SUNSET, lake=True), "2023-09-20T19:20:00+00:00", NIKON_WIDE, "Reykjavik"),
    Shot("2023/Sydney/IMG_5120.jpg", partial(night.fireworks), "2023-12-31T23:59:58+11:00", IPHONE, "Sydney", PHONE, exposure=Fraction(1, 4), iso=640),
    Shot("2023/Sydney/IMG_5088.jpg", partial(water.beach, palm=False, water="#2d8fc4"), "2023-12-30T13:22:00+11:00", IPHONE, "Sydney", PHONE),
    Shot("2023/Sydney/IMG_5094.jpg", water.underwater, "2023-12-30T14:40:19+11:00", IPHONE, "Sydney", PHONE, flash=True),
    # 2024: this and that, mostly from the phone
    Shot("2024/IMG_6002.jpg", close.fruit, "2024-02-03T15:20:00+01:00", IPHONE, "Vienna", PHONE),
    Shot("2024/Caf\u00e9 \u2013 W\u00e4hringer Stra\u00dfe \u2615.jpg", close.coffee, "2024-02-04T10:05:30+01:00", IPHONE, "Vienna", PHONE),
    Shot("2024/IMG_6014.jpg", nature.forest, "2024-04-21T09:31:11+02:00", IPHONE, "Vienna", PHONE_UPRIGHT, sideways=True),
    Shot("2024/IMG_6020.jpg", partial(close.flower, petal="#9a6fd0", heart="#f2d060", ground="#2f5a4a"), "2024-04-21T09:58:47+02:00", IPHONE, "Vienna", PHONE_UPRIGHT),
    Shot("2024/IMG_6031.jpg", partial(night.city_night, glow="#7fb2ff", top="#081226"), "2024-05-09T22:41:03+08:00", IPHONE, "Hong Kong", PHONE, exposure=DIM, iso=2500, finish=noisy),
    Shot("2024/IMG_6040.jpg", partial(nature.mountains, stops=nature.DAY, sun=None), "2024-06-29T14:15:00+02:00", IPHONE, "Zermatt", (2800, 800)),
    Shot("2024/IMG_6052.jpg", partial(nature.rows_of_flowers, bloom="#e3b23c", leaf="#4f7032", stops=nature.DAY), "2024-07-06T11:30:40+02:00", IPHONE, "Valensole", PHONE),
)  # fmt: skip
"""The drawn photos; ``making`` adds bursts, copies, screenshots and papers."""
