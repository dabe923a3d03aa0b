"""Opening a picture: one plugin a format, the header before the pixels, salvage of what a damaged file still holds."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from PIL import Image, ImageFile

from phototag.errors import ImageError
from phototag.imaging import formats
from phototag.imaging.exif import orientation_of
from phototag.imaging.quiet import hush

if TYPE_CHECKING:
    import numpy as np

GREY = 128
"""The colour of rows that a damaged file no longer holds."""
_FILL: dict[str, Any] = {"L": GREY, "RGB": (GREY,) * 3, "RGBA": (GREY,) * 3 + (255,), "LA": (GREY, 255)}
_CLEARER = {
    "not identified by this driver": "its header cannot be read",
    "Truncated File Read": "it ends before the picture begins",
    "no marker found": "its header cannot be read",
}
"""Pillow's words that say nothing to a person."""
_UNREAD = "unknown pixel mode"
"""Pillow's words for a whole file of a kind that it does not know: 16-bit colour, float colour, CMYK with alpha."""
_PHOTOMETRIC, _SAMPLE_FORMAT, _WHITE_IS_ZERO, _UNSIGNED = 262, 339, 0, 1
"""Tags of TIFF 6.0, and values of theirs."""
_FEED_LIMIT = 1 << 30
"""Bytes that Pillow's decoder is given at once: it counts them in a C int."""
_END_OF_IMAGE = b"\xff\xd9"
_SUBFILE_TYPE, _REDUCED = 254, 1
"""The TIFF tag that says what a page is, and its bit for a smaller copy of another page."""
_FLIP_TO_ORIENTATION = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}
"""LibRaw's rotation flags as EXIF orientations."""


class Raster(msgspec.Struct):
    """One decoded raster, as stored unless ``orientation`` is None."""

    image: Image.Image
    """Loaded; may be scaled down by the decoder."""
    width_px: int
    """Of the stored raster at full size."""
    height_px: int
    orientation: int | None = None
    """EXIF orientation still to be applied; None: whatever the file's EXIF says."""
    truncated: bool = False
    frames: int = 1


Limit = Callable[[int, int], int]
"""(width_px, height_px) -> the shorter side wanted. Raises ImageError for a picture that is too large."""


def open_raster(data: bytes, fmt: str, limit: Limit) -> Raster:
    """Decode ``data``. Raises ImageError with a one-line reason, whatever the bytes are."""
    hush()
    try:
        if fmt == formats.RAW:
            return _open_raw(data, limit)
        if fmt == formats.HEIF:
            return _open_heif(data, limit)
        return _open_plain(data, fmt, limit)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError("not enough memory to decode it", lasting=False) from error
    except Exception as error:
        if str(error) == _UNREAD:
            raise ImageError(f"a kind of {fmt.upper()} that is not read: its colours have an unusual depth") from error
        raise ImageError(f"damaged {fmt.upper()} file: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())[:160]
    return _CLEARER.get(text, text) or type(error).__name__


def _plugin(fmt: str) -> type[ImageFile.ImageFile]:
    """Return Pillow's class for ``fmt``: called directly, no other plugin has a say and none is searched for."""
    from PIL import (
        AvifImagePlugin,
        BmpImagePlugin,
        GifImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    return {
        formats.JPEG: JpegImagePlugin.JpegImageFile,
        formats.PNG: PngImagePlugin.PngImageFile,
        formats.WEBP: WebPImagePlugin.WebPImageFile,
        formats.GIF: GifImagePlugin.GifImageFile,
        formats.TIFF: TiffImagePlugin.TiffImageFile,
        formats.BMP: BmpImagePlugin.BmpImageFile,
        formats.AVIF: AvifImagePlugin.AvifImageFile,
    }[fmt]


def read_header(data: bytes, fmt: str) -> tuple[int, int, int | None, int]:
    """Return (width_px, height_px, orientation, frames) of the ``Raster`` that ``open_raster`` finds, decoding no pixel.

    Of any format but RAW. Raises ImageError with a one-line reason.
    """
    hush()
    try:
        if fmt == formats.HEIF:
            return *_heif(data).size, 1, 1
        image, _ = _header(data, fmt)
        return *image.size, _orientation(image, fmt), _frames(image, fmt, data)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(f"damaged {fmt.upper()} file: {_reason(error)}") from error


def _header(data: bytes, fmt: str) -> tuple[ImageFile.ImageFile, bool]:
    """Return the picture with no pixels decoded yet, and whether it had to be mended for that."""
    plugin = _plugin(fmt)
    try:
        return plugin(io.BytesIO(data)), False
    except Exception:
        mended = _mended(data, fmt)
        if not mended:
            raise
        return plugin(io.BytesIO(mended)), True


def _orientation(image: ImageFile.ImageFile, fmt: str) -> int | None:
    """Return what ``Raster.orientation`` is."""
    if fmt == formats.TIFF:
        return 1  # Pillow's TIFF reader turns the raster itself
    if fmt == formats.AVIF:
        return orientation_of(image.info.get("exif", b""))  # the file's irot and imir, not its EXIF
    return None


def _open_plain(data: bytes, fmt: str, limit: Limit) -> Raster:
    image, damaged = _header(data, fmt)
    width, height = image.size
    side = limit(width, height)
    if fmt == formats.TIFF:
        _check_tiles(image, limit)
    if fmt == formats.JPEG:
        image.draft(None, (side, side))
        # Pillow feeds its decoder 64 KiB at a time and takes the interpreter's lock between: sixty times a photo,
        # and each time it may wait for another thread's whole analysis.
        image.decodermaxblock = min(len(data), _FEED_LIMIT)
    frames = _frames(image, fmt, data)
    orientation = _orientation(image, fmt)
    try:
        image.load()
    except Exception as error:  # noqa: BLE001
        image, damaged = _salvage(data, fmt, _plugin(fmt), side, error), True
    shown = _deep_grey(image) if fmt == formats.TIFF else image
    return Raster(shown, width, height, orientation, damaged, frames)


def _deep_grey(image: ImageFile.ImageFile) -> Image.Image:
    """Return a grey TIFF of 16 or 32 bits as it is meant: Pillow heeds neither a white zero nor a missing sign."""
    import numpy as np

    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        return _with_info(0xFFFF - np.asarray(image).astype(np.uint16), image)
    if image.mode == "I" and tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))[0] == _UNSIGNED:
        values = np.asarray(image)
        if values.min() < 0:
            return _with_info(values.astype(np.uint32).astype(np.float32), image)
    return image


def _with_info(values: np.ndarray[Any, Any], image: Image.Image) -> Image.Image:
    made = Image.fromarray(values)
    made.info = image.info
    return made


def _salvage(
    data: bytes, fmt: str, plugin: type[ImageFile.ImageFile], side: int, error: Exception
) -> ImageFile.ImageFile:
    """Decode as far as the file goes on a grey ground. Raises ImageError when not one pixel can be had."""
    if fmt == formats.JPEG:
        image = plugin(io.BytesIO(data + _END_OF_IMAGE))  # libjpeg then fills the rest grey, progressive ones too
        image.draft(None, (side, side))
    else:
        image = plugin(io.BytesIO(_png_pixels_only(data) if fmt == formats.PNG else data))
    if image.mode in _FILL and fmt != formats.WEBP:
        image.im = Image.core.fill(  # type: ignore[attr-defined]
            image.mode, image.size, _FILL[image.mode]
        )
    try:
        image.load()
    except Exception:  # noqa: BLE001
        image.tile = []
    if image._im is None or _is_blank(image):
        raise ImageError(f"damaged {fmt.upper()} file, no part of the picture can be read: {_reason(error)}")
    return image


def _is_blank(image: Image.Image) -> bool:
    extrema: Any = image.getextrema()
    pairs = extrema if isinstance(extrema[0], tuple) else (extrema,)
    colours = pairs[:-1] if image.mode in ("RGBA", "LA") else pairs
    wanted = (GREY - 1, GREY, GREY + 1) if image.mode in _FILL else (0,)
    return all(low == high and low in wanted for low, high in colours)


def _mended(data: bytes, fmt: str) -> bytes:
    """Return ``data`` so that a decoder may take it up; nothing where that is not known to help.

    A WebP that was cut short is filled up to the length in its header: a lossy one then shows what is there.
    """
    if fmt == formats.PNG:
        return _png_pixels_only(data)
    missing = struct.unpack_from("<I", data, 4)[0] + 8 - len(data) if fmt == formats.WEBP else 0
    return data + bytes(missing) if 0 < missing <= len(data) else b""


def _png_pixels_only(data: bytes) -> bytes:
    """Return the signature and the chunks that make the pixels, their checksums mended; IDAT stays as it is.

    A broken text chunk then does no harm, and neither does a header whose checksum alone is wrong.
    """
    parts, at = [data[:8]], 8
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + size
        if kind == b"IDAT" or end > len(data):
            parts.append(data[at:end])
        elif kind[0] & 0x20 == 0 or kind in (b"tRNS", b"iCCP"):
            body = data[at + 4 : end - 4]
            parts.append(data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body)))
        at = end
    return b"".join(parts)


def _check_tiles(image: Any, limit: Limit) -> None:
    """Refuse a TIFF whose single tile is larger than any picture may be."""
    width, height = image.tag_v2.get(322), image.tag_v2.get(323)
    if isinstance(width, int) and isinstance(height, int):
        limit(width, height)


def _frames(image: Any, fmt: str, data: bytes) -> int:
    """Return how many pictures the file holds: frames of an animation, pages of a TIFF."""
    if fmt in (formats.WEBP, formats.AVIF, formats.PNG):
        return max(1, int(getattr(image, "n_frames", 1)))
    if fmt in (formats.GIF, formats.TIFF):
        try:
            again: Any = _plugin(fmt)(io.BytesIO(data))  # counting moves on to the last
            return _pages(again) if fmt == formats.TIFF else max(1, int(again.n_frames))
        except Exception:  # noqa: BLE001 - a damaged later frame is no reason to refuse the first
            return 1
    return 1


def _pages(image: Any) -> int:
    """Return how many pages a TIFF has; a smaller copy of one is none."""
    kinds = []
    for page in range(image.n_frames):
        image.seek(page)
        kinds.append(image.tag_v2.get(_SUBFILE_TYPE, 0))
    return max(1, sum(not kind & _REDUCED for kind in kinds))


def _heif(data: bytes) -> Any:
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError("HEIC needs an optional part that is not installed: pip install 'phototag[heic]'") from error
    return pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)


def _open_heif(data: bytes, limit: Limit) -> Raster:
    found = _heif(data)
    width, height = found.size
    limit(width, height)
    image = found.to_pillow()
    # libheif has turned the raster; what EXIF says about it is history
    return Raster(image, width, height, 1)


def _open_raw(data: bytes, limit: Limit) -> Raster:
    try:
        import rawpy
    except ImportError as error:
        raise ImageError(
            "camera RAW needs an optional part that is not installed: pip install 'phototag[raw]'"
        ) from error
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            return _develop(raw, rawpy, limit)
    except rawpy.LibRawError as error:
        if formats.sniff(data) == formats.TIFF:  # a plain TIFF that is called .dng or .nef
            return _open_plain(data, formats.TIFF, limit)
        raise ImageError(f"damaged or unknown RAW file: {_reason(error)}") from error


def _develop(raw: Any, rawpy: Any, limit: Limit) -> Raster:
    """Take the embedded preview where it is large enough, else develop the sensor's data at half size or full."""
    sizes = raw.sizes
    orientation = _FLIP_TO_ORIENTATION.get(sizes.flip, 1)
    stored = (sizes.width, sizes.height)
    side = limit(*stored)
    preview = _preview(raw, rawpy, side, stored, orientation)
    if preview is not None:
        return preview
    pixels: np.ndarray[Any, Any] = raw.postprocess(
        use_camera_wb=True, half_size=min(stored) // 2 >= side, output_bps=8, user_flip=0
    )
    return Raster(Image.fromarray(pixels), *stored, orientation)


def _preview(raw: Any, rawpy: Any, side: int, stored: tuple[int, int], orientation: int) -> Raster | None:
    try:
        thumb = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    if thumb.format == rawpy.ThumbFormat.BITMAP:
        image: Image.Image = Image.fromarray(thumb.data)
    elif thumb.format == rawpy.ThumbFormat.JPEG:
        try:
            jpeg = _open_plain(bytes(thumb.data), formats.JPEG, lambda width, height: side)
        except Exception:  # noqa: BLE001 - the sensor's data is still there
            return None
        image = jpeg.image
        if min(jpeg.width_px, jpeg.height_px) < min(side, *stored) or jpeg.truncated:
            return None
    else:
        return None
    if min(image.size) < min(side, *stored):
        return None
    turned = orientation in (5, 6, 7, 8) and (image.width > image.height) != (stored[0] > stored[1])
    return Raster(image, *stored, 1 if turned else orientation)
