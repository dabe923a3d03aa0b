"""What is in every camera roll and is no photo: screenshots, charts, a letter, a receipt, a note."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

INK = "#1f2430"
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

LETTER = (
    "Dear neighbours,",
    "",
    "the summer party in our yard takes place on Saturday the",
    "14th of June, from four in the afternoon. There will be a",
    "grill, two long tables and, if the weather is kind to us, a",
    "small band. Please bring a salad or a cake, and a chair of",
    "your own if you can carry one.",
    "",
    "Who can help to put up the lights on Friday evening? Ring",
    "twice at number nine, or write your name on the list that",
    "hangs beside the letter boxes.",
    "",
    "We look forward to seeing all of you!",
    "",
    "The people from number nine",
)
CODE = (
    ("#c678dd", "def ", "#61afef", "tides", "#abb2bf", "(station, day):"),
    ("#98c379", '    """Return the high waters of a day."""', "", "", "", ""),
    ("#abb2bf", "    curve = ", "#61afef", "harmonics", "#abb2bf", "(station)"),
    ("#c678dd", "    for ", "#abb2bf", "minute ", "#c678dd", "in range(0, 1440, 6):"),
    ("#abb2bf", "        level = curve.at(day, minute)", "", "", "", ""),
    ("#c678dd", "        if ", "#abb2bf", "level.is_peak:", "", ""),
    ("#c678dd", "            yield ", "#abb2bf", "minute, level", "", ""),
)


def font(size_px: float) -> Font:
    """Return the font that comes with Pillow."""
    return ImageFont.load_default(round(size_px))


def phone_chat(seed: int) -> Image.Image:
    """Return a screenshot of a chat, portrait."""
    image = Image.new("RGB", (828, 1792), "#f2f2f7")
    draw = ImageDraw.Draw(image)
    status_bar(draw, "#f9f9fb", INK)
    draw.rectangle((0, 70, 828, 190), fill="#f9f9fb")
    draw.ellipse((372, 78, 456, 162), fill="#7aa5d8")
    draw.text((414, 120), "SV", fill="white", font=font(34), anchor="mm")
    lines = (
        ("Are we still on for Sunday?", 0),
        ("Yes! The train leaves at 9:12", 1),
        ("Platform 4, last carriage", 1),
        ("I bring the sandwiches", 0),
        ("And the map this time :)", 0),
        ("Deal. I bring coffee", 1),
        ("Weather says sun until four", 1),
        ("Then we should start early", 0),
        ("See you at the station!", 1),
    )
    y = 260
    for number, (text, mine) in enumerate(lines):
        wide = draw.textlength(text, font=font(36)) + 64
        x = 798 - wide if mine else 30
        draw.rounded_rectangle((x, y, x + wide, y + 86), 40, fill="#2f7cf6" if mine else "#e4e4ea")
        draw.text((x + 32, y + 43), text, fill="white" if mine else INK, font=font(36), anchor="lm")
        same = number + 1 < len(lines) and lines[number + 1][1] == mine
        y += 100 if same else 134
    draw.rounded_rectangle((30, 1650, 700, 1730), 40, outline="#c8c8d0", width=3)
    draw.text((64, 1690), "Message", fill="#9a9aa6", font=font(34), anchor="lm")
    draw.ellipse((724, 1650, 804, 1730), fill="#2f7cf6")
    return image


def phone_weather(seed: int) -> Image.Image:
    """Return a screenshot of a weather app, portrait."""
    rows = np.linspace(0, 1, 1792)[:, None, None]
    top, bottom = np.array([58, 120, 196]), np.array([142, 196, 232])
    image = Image.fromarray(np.repeat(top * (1 - rows) + bottom * rows, 828, 1).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    status_bar(draw, None, "white")
    draw.text((414, 260), "Lisbon", fill="white", font=font(76), anchor="mm")
    draw.text((430, 420), "24°", fill="white", font=font(210), anchor="mm")
    draw.text((414, 570), "Mostly sunny  H: 27°  L: 17°", fill="white", font=font(38), anchor="mm")
    draw.rounded_rectangle((40, 660, 788, 900), 36, fill="#4f8fcb")
    for hour in range(6):
        x = 110 + hour * 122
        draw.text((x, 712), f"{11 + hour}", fill="white", font=font(34), anchor="mm")
        draw.ellipse((x - 28, 754, x + 28, 810), fill="#ffd84d" if hour % 4 else "#f2f5fa")
        draw.text((x, 852), f"{23 + (hour > 1) + (hour > 3)}°", fill="white", font=font(38), anchor="mm")
    draw.rounded_rectangle((40, 940, 788, 1690), 36, fill="#4f8fcb")
    for day, name in enumerate(("Today", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")):
        y = 1000 + day * 100
        draw.text((84, y), name, fill="white", font=font(40), anchor="lm")
        low, high = 15 + (day * 3 + seed) % 4, 24 + (day * 5 + seed) % 6
        draw.text((400, y), f"{low}°", fill="#cfe3f5", font=font(38), anchor="mm")
        draw.rounded_rectangle((450, y - 6, 650, y + 6), 6, fill="#3a76b0")
        draw.rounded_rectangle((450 + (low - 14) * 14, y - 6, 450 + (high - 14) * 12, y + 6), 6, fill="#ffcf5c")
        draw.text((710, y), f"{high}°", fill="white", font=font(38), anchor="mm")
    return image


def status_bar(draw: ImageDraw.ImageDraw, ground: str | None, ink: str) -> None:
    """Draw the top line of a phone: time, signal, battery."""
    if ground:
        draw.rectangle((0, 0, 828, 70), fill=ground)
    draw.text((90, 38), "9:41", fill=ink, font=font(34), anchor="mm")
    for bar in range(4):
        draw.rectangle((640 + bar * 13, 48 - bar * 6, 648 + bar * 13, 50), fill=ink)
    draw.rounded_rectangle((716, 26, 772, 50), 6, outline=ink, width=3)
    draw.rectangle((721, 31, 756, 45), fill=ink)


def desktop_code(seed: int) -> Image.Image:
    """Return a screenshot of an editor, 1920 x 1080."""
    image = Image.new("RGB", (1920, 1080), "#282c34")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1920, 44), fill="#1f2229")
    for number, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        draw.ellipse((18 + number * 34, 13, 36 + number * 34, 31), fill=colour)
    draw.text((960, 22), "tides.py - harbour", fill="#9aa2b1", font=font(20), anchor="mm")
    draw.rectangle((0, 44, 300, 1080), fill="#21252b")
    for number, name in enumerate(
        ("harbour", "  stations.py", "  tides.py", "  waves.py", "tests", "  test_tides.py", "README.md")
    ):
        if "tides.py" in name and "test" not in name:
            draw.rectangle((0, 62 + number * 36, 300, 98 + number * 36), fill="#2c313a")
        draw.text((28, 80 + number * 36), name, fill="#abb2bf", font=font(21), anchor="lm")
    for number in range(30):
        y = 84 + number * 32
        draw.text((370, y), str(number + 1), fill="#4b5263", font=font(21), anchor="rm")
        if number % 9 < len(CODE):
            x = 400.0
            line = CODE[number % 9]
            for colour, text in zip(line[::2], line[1::2], strict=True):
                draw.text((x, y), text, fill=colour or None, font=font(22), anchor="lm")
                x += draw.textlength(text, font=font(22))
    draw.rectangle((0, 1050, 1920, 1080), fill="#3a6ea8")
    draw.text(
        (20, 1065), "main   0 problems   Ln 12, Col 34   UTF-8   Python", fill="white", font=font(18), anchor="lm"
    )
    return image


def bar_chart(seed: int) -> Image.Image:
    """Return a chart exported from a spreadsheet, with transparency around it."""
    image = Image.new("RGBA", (1280, 800), (255, 255, 255, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((20, 20, 1260, 780), 24, fill="#ffffff")
    draw.text((80, 86), "Visitors at the lighthouse", fill=INK, font=font(44), anchor="lm")
    rng = np.random.default_rng(seed)
    values = 30 + 55 * np.sin(np.linspace(0.2, 3.0, 12)) + rng.uniform(-6, 6, 12)
    for step in range(5):
        y = 680 - step * 125
        draw.line((110, y, 1210, y), fill="#e2e5ea", width=2)
        draw.text((96, y), str(step * 25), fill="#7b8494", font=font(24), anchor="rm")
    for month, value in enumerate(values):
        x = 140 + month * 90
        colour = "#e8824a" if value == values.max() else "#4a86c5"
        draw.rounded_rectangle((x, 680 - value * 5, x + 58, 680), 8, fill=colour)
        draw.text((x + 29, 716), "JFMAMJJASOND"[month], fill="#7b8494", font=font(26), anchor="mm")
    return image


def line_chart(seed: int) -> Image.Image:
    """Return a line chart on white."""
    image = Image.new("RGB", (1280, 800), "white")
    draw = ImageDraw.Draw(image)
    draw.text((80, 70), "Sea level, hours after midnight (m)", fill=INK, font=font(40), anchor="lm")
    for step in range(7):
        draw.line((100, 140 + step * 95, 1220, 140 + step * 95), fill="#e6e8ec", width=2)
    for phase, colour in ((0.0, "#2b6cb0"), (0.7, "#dd6b20"), (1.5, "#38a169")):
        points = [(100 + x, 425 - 210 * math.sin(x / 150 + phase + seed)) for x in range(0, 1121, 8)]
        draw.line(points, fill=colour, width=6, joint="curve")
    draw.line((100, 140, 100, 710), fill=INK, width=3)
    draw.line((100, 710, 1220, 710), fill=INK, width=3)
    return image


def letter(seed: int) -> Image.Image:
    """Return a letter as a flatbed scanner sees it: grey paper, a little askew."""
    page = Image.new("L", (1240, 1754), 244)
    draw = ImageDraw.Draw(page)
    draw.text((140, 190), "Number Nine", fill=40, font=font(58))
    draw.line((140, 280, 1100, 280), fill=90, width=3)
    for number, line in enumerate(LETTER):
        draw.text((140, 380 + number * 62), line, fill=45, font=font(34))
    return scanned(page, seed, 0.7)


def receipt(seed: int) -> Image.Image:
    """Return a till receipt, photographed flat."""
    page = Image.new("L", (760, 1500), 248)
    draw = ImageDraw.Draw(page)
    draw.text((380, 100), "CORNER BAKERY", fill=30, font=font(56), anchor="mm")
    draw.text((380, 170), "Harbour Street 4", fill=60, font=font(34), anchor="mm")
    goods = (("Rye bread", 4.20), ("Rolls x6", 3.60), ("Apple cake", 5.80), ("Coffee", 2.90), ("Butter", 2.35))
    for number, (name, price) in enumerate(goods):
        y = 300 + number * 78
        draw.text((80, y), name, fill=40, font=font(40))
        draw.text((680, y), f"{price:.2f}", fill=40, font=font(40), anchor="ra")
    draw.line((80, 720, 680, 720), fill=60, width=3)
    draw.text((80, 760), "TOTAL", fill=20, font=font(54))
    draw.text((680, 760), f"{sum(price for _, price in goods):.2f}", fill=20, font=font(54), anchor="ra")
    rng = np.random.default_rng(seed)
    x = 120.0
    while x < 640:
        wide = float(rng.integers(2, 9))
        draw.rectangle((x, 1100, x + wide, 1280), fill=25)
        x += wide + float(rng.integers(3, 10))
    draw.text((380, 1370), "Thank you, see you soon", fill=60, font=font(34), anchor="mm")
    return scanned(page, seed, -1.1)


def scanned(page: Image.Image, seed: int, turn_degrees: float) -> Image.Image:
    """Return ``page`` turned a little, unevenly lit, with the noise of paper."""
    turned = page.rotate(turn_degrees, Image.Resampling.BICUBIC, fillcolor=232).filter(ImageFilter.GaussianBlur(0.7))
    pixels = np.asarray(turned, np.float32)
    rng = np.random.default_rng(seed)
    light = np.linspace(1.0, 0.93, pixels.shape[1], dtype=np.float32)[None, :]
    paper = pixels * light + rng.normal(0, 2.2, pixels.shape).astype(np.float32)
    tint = np.array([1.0, 0.985, 0.95], np.float32)
    return Image.fromarray(np.clip(paper[..., None] * tint, 0, 255).astype(np.uint8))
