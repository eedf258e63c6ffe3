"""What a camera wrote into a picture, as a plain list of names and texts (Exif 2.32, CIPA DC-008, 4.6.3 to 4.6.6)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

# names only: this submodule does not load Pillow's decoders
from PIL.ExifTags import GPS, Base

from scraper.tiff import ASCII, RATIONALS, UNDEFINED, Directories, DirectoryError, Entry

#: no more than this is kept of one picture
MAX_TAGS = 60
MAX_TEXT = 500

_MAX_NUMBERS_SHOWN = 32  # a tag with more is no statement about a picture

#: of the hundreds of known tags, those that tell about the picture and not about the file's inside
_WANTED = {
    tag.value: tag.name
    for tag in (
        *(Base.ImageDescription, Base.Make, Base.Model, Base.Orientation, Base.Software, Base.DateTime, Base.Artist),
        *(Base.Copyright, Base.HostComputer, Base.ExposureTime, Base.FNumber, Base.ExposureProgram),
        *(Base.ISOSpeedRatings, Base.SensitivityType, Base.RecommendedExposureIndex, Base.ExifVersion),
        *(Base.DateTimeOriginal, Base.DateTimeDigitized, Base.OffsetTime, Base.OffsetTimeOriginal),
        *(Base.OffsetTimeDigitized, Base.SubsecTime, Base.SubsecTimeOriginal, Base.SubsecTimeDigitized),
        *(Base.ShutterSpeedValue, Base.ApertureValue, Base.BrightnessValue, Base.ExposureBiasValue),
        *(Base.MaxApertureValue, Base.SubjectDistance, Base.MeteringMode, Base.LightSource, Base.Flash),
        *(Base.FocalLength, Base.UserComment, Base.ColorSpace, Base.ExposureMode, Base.WhiteBalance),
        *(Base.DigitalZoomRatio, Base.FocalLengthIn35mmFilm, Base.SceneCaptureType, Base.ImageUniqueID),
        *(Base.CameraOwnerName, Base.BodySerialNumber, Base.LensSpecification, Base.LensMake, Base.LensModel),
        *(Base.LensSerialNumber, Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject),
        *(Base.Rating,),
    )
}
_UTF_16 = frozenset({Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject})
_GPS_NAMES = {tag.value: tag.name for tag in GPS}
#: control characters, lone surrogates, and the marks that reverse a line of a terminal
_HARMFUL = (range(32), range(127, 160), range(0x202A, 0x202F), range(0x2066, 0x206A), range(0xD800, 0xE000))
_REMOVED = dict.fromkeys(code for codes in _HARMFUL for code in codes)


def read_exif(block: bytes) -> tuple[tuple[str, str], ...]:
    """What an Exif block says, as (name, text) in the order written; never an exception.

    Args:
        block: the block from its TIFF header on, or with the marker ``Exif`` and two zeros before it.
    """
    block = block.removeprefix(b"Exif\0\0")
    return tags_of(io.BytesIO(block), len(block))


def tags_of(file: BinaryIO, size: int) -> tuple[tuple[str, str], ...]:
    """As ``read_exif``, of a TIFF file, whose own directory holds the tags."""
    found: dict[str, str] = {}
    try:
        directories = Directories(file, size)
        for name, text in _legible(directories, directories.first):
            found.setdefault(name, text)
            if len(found) == MAX_TAGS:
                break
    except DirectoryError:
        pass  # what was legible before the fault is kept
    return tuple(found.items())


def _legible(
    directories: Directories, offset: int, *, inner: bool = False, gps: bool = False
) -> Iterator[tuple[str, str]]:
    """The tags of the directory at ``offset``, then those of the Exif and GPS directories it points to."""
    entries, _ = directories.read(offset)
    below: list[tuple[int, bool]] = []
    for entry in entries:
        try:
            if not inner and entry.tag in (Base.ExifOffset, Base.GPSInfo):
                below.append((int(directories.numbers_of(entry, 1)[0]), entry.tag == Base.GPSInfo))
                continue
            name = _GPS_NAMES.get(entry.tag) if gps else _WANTED.get(entry.tag)
            text = _text(directories, entry) if name else ""
        except (DirectoryError, IndexError):
            continue  # one tag that points nowhere does not hide the others
        if name and text:
            yield name, text
    for place, is_gps in below:
        yield from _legible(directories, place, inner=True, gps=is_gps)


def _text(directories: Directories, entry: Entry) -> str:
    if entry.tag in _UTF_16:
        raw = directories.bytes_of(entry, 4 * MAX_TEXT)
        return clean(raw.decode("utf-16-le", "replace"))
    if entry.type in (ASCII, UNDEFINED):
        raw = directories.bytes_of(entry, 4 * MAX_TEXT)
        if entry.tag == Base.UserComment:
            raw = raw[8:]  # after the eight bytes that name its character set
        elif entry.type == UNDEFINED and not raw.isascii():
            return ""
        try:
            # the standard says ASCII; cameras write UTF-8, old programs Latin-1
            return clean(raw.partition(b"\0")[0].decode("utf-8"))
        except UnicodeDecodeError:
            return clean(raw.partition(b"\0")[0].decode("cp1252", "replace"))
    numbers = directories.numbers_of(entry, _MAX_NUMBERS_SHOWN)
    if entry.type in RATIONALS:
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return ", ".join(_ratio(int(top), int(bottom), entry.tag) for top, bottom in pairs)
    return ", ".join(f"{number:g}" if isinstance(number, float) else str(number) for number in numbers)


def _ratio(top: int, bottom: int, tag: int) -> str:
    """``1/250`` for a shutter's time, else the number as people write it; 0/0 means unknown."""
    if bottom == 0:
        return f"{top}/{bottom}"
    if tag == Base.ExposureTime and 0 < top < bottom:
        return f"1/{bottom // top}" if bottom % top == 0 else f"{top}/{bottom}"
    return f"{top / bottom:.9g}"


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """``text`` on one line of at most ``limit`` characters, without NUL, control characters and lone surrogates."""
    return " ".join(" ".join(text.split()).translate(_REMOVED).split())[:limit]
