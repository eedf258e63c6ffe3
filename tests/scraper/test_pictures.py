"""Pictures by their bytes alone; all synthetic, written by Pillow here and held against Pillow's own reading."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import Base
from PIL.TiffImagePlugin import IFDRational

from scraper.exif import MAX_TAGS, MAX_TEXT, clean, read_exif
from scraper.pictures import NotAPicture, Picture, examine, recognise

CAP = 500_000_000


def look(body: bytes, max_pixels: int = CAP) -> Picture:
    return examine(io.BytesIO(body), len(body), max_pixels=max_pixels)


def told(body: bytes) -> Picture | str:
    """The picture, or the words in which it is refused."""
    try:
        return look(body)
    except NotAPicture as error:
        return str(error)


def drawn(form: str, size: tuple[int, int] = (61, 37), mode: str = "RGB", **options: object) -> bytes:
    picture = Image.linear_gradient("L").resize(size).convert(mode)
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def animated(form: str, **options: object) -> bytes:
    frames = [Image.new("RGB", (40, 30), (shade, 10, 10)) for shade in (0, 90, 180)]
    file = io.BytesIO()
    frames[0].save(file, form, save_all=True, append_images=frames[1:], duration=100, **options)
    return file.getvalue()


def tiff_of_two() -> bytes:
    file = io.BytesIO()
    first, second = Image.new("RGB", (61, 37), "red"), Image.new("L", (20, 10), 9)
    first.save(file, "TIFF", save_all=True, append_images=[second])
    return file.getvalue()


WHOLE: dict[str, tuple[str, str, bytes]] = {
    "jpeg": ("image/jpeg", "jpg", drawn("JPEG")),
    "jpeg-progressive": ("image/jpeg", "jpg", drawn("JPEG", progressive=True)),
    "jpeg-grey": ("image/jpeg", "jpg", drawn("JPEG", mode="L")),
    "jpeg-cmyk": ("image/jpeg", "jpg", drawn("JPEG", mode="CMYK")),
    "jpeg-restarts": ("image/jpeg", "jpg", drawn("JPEG", restart_marker_rows=1)),
    "png": ("image/png", "png", drawn("PNG")),
    "png-palette": ("image/png", "png", drawn("PNG", mode="P")),
    "png-animated": ("image/png", "png", animated("PNG")),
    "gif": ("image/gif", "gif", drawn("GIF", mode="P")),
    "gif-animated": ("image/gif", "gif", animated("GIF")),
    "webp": ("image/webp", "webp", drawn("WEBP")),
    "webp-lossless": ("image/webp", "webp", drawn("WEBP", lossless=True)),
    "webp-alpha": ("image/webp", "webp", drawn("WEBP", mode="RGBA", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")),
    "webp-animated": ("image/webp", "webp", animated("WEBP")),
    "tiff": ("image/tiff", "tif", drawn("TIFF")),
    "tiff-packed": ("image/tiff", "tif", drawn("TIFF", compression="tiff_lzw")),
    "tiff-of-two": ("image/tiff", "tif", tiff_of_two()),
    "bmp": ("image/bmp", "bmp", drawn("BMP")),
    "bmp-palette": ("image/bmp", "bmp", drawn("BMP", mode="P")),
    "avif": ("image/avif", "avif", drawn("AVIF")),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_picture_is_known_by_its_bytes(name: str) -> None:
    """Type and extension are told without a name, and the size is the one that Pillow reads."""
    media_type, extension, body = WHOLE[name]
    found = look(body)
    with Image.open(io.BytesIO(body)) as picture:
        assert (found.width, found.height) == picture.size
    assert (found.media_type, found.extension) == (media_type, extension)


@pytest.mark.parametrize("name", WHOLE)
def test_a_picture_cut_short_anywhere_is_refused(name: str) -> None:
    """Without its last byte, without half of it, at every place: never taken, and worth another try."""
    body = WHOLE[name][2]
    end = len(body) - (16 if name == "tiff-of-two" else 0)  # to which Pillow pads it with zeros
    for cut in {*range(1, end - 1, 7), end // 2, end - 2, end - 1}:
        with pytest.raises(NotAPicture) as caught:
            look(body[:cut])
        assert not caught.value.lasting, f"{cut} of {len(body)}: {caught.value}"


@pytest.mark.parametrize("name", [name for name in WHOLE if not name.startswith(("webp", "avif"))])
def test_a_little_padding_at_the_end_is_no_damage(name: str) -> None:
    """Zeros or line ends behind the last mark, as servers and cameras append them, are taken with the picture."""
    body = WHOLE[name][2]
    assert look(body + b"\0" * 300).width
    assert look(body + b"\r\n").width


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(WHOLE)),
    edits=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 10**6),
)
def test_no_bytes_make_it_fail_in_another_way(name: str, edits: list[tuple[int, int]], cut: int) -> None:
    """Whatever is changed in a picture, it is examined or refused: no other error, no warning."""
    body = bytearray(WHOLE[name][2])
    for place, value in edits:
        body[place % min(len(body), 400)] = value
    body = body[: len(body) - cut % 40]
    verdict = told(bytes(body))
    assert isinstance(verdict, str) or verdict.width * verdict.height <= CAP


@given(body=st.binary(max_size=600))
def test_any_bytes_at_all_are_told_in_words(body: bytes) -> None:
    """Bytes from anywhere are refused with a sentence that can be printed."""
    verdict = told(body)
    assert isinstance(verdict, str)
    assert verdict == clean(verdict, 1000)


@pytest.mark.parametrize(
    ("body", "words", "lasting"),
    [
        (b"", "zero bytes", False),
        (b"<!DOCTYPE html><html><title>Page &lt;not&gt; found\n</title>", "an HTML page.*: “Page <not> found”", False),
        (b"\xef\xbb\xbf  <HTML><body>no title", "an HTML page", False),
        ("<html><title>\x1b[31mred\x07\u202etxet</title>".encode(), r"“\[31mredtxet”", False),
        ("<html><title>Zürich</title>".encode("utf-16"), "“Zürich”", False),
        (b"<html><title>" + b"x" * 5000, "an HTML page in place of a picture$", False),
        (b'{"error": "The access token is invalid"}', "JSON.*access token is invalid", False),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "an XML document", False),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing", True),
        (b"<svg onload='alert(1)'/>", "an SVG drawing", True),
        (b"Too many requests", "text.*“Too many requests”", False),
        (b"%PDF-1.7\n" + b"x" * 300, "application/pdf", True),
        (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + b"\0" * 300, "video/mp4", True),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 300, "image/heic", True),
        (b"PK\x03\x04" + b"\0" * 300, "application/zip", True),
        (bytes(range(128, 256)) * 4, "no known kind", False),
        (b"\0" * 600, "no known kind", False),
    ],
)
def test_what_stands_in_place_of_a_picture_is_named(body: bytes, words: str, lasting: bool) -> None:
    """Pages, errors, drawings, films and rubbish are told apart; only what it really is will not be asked for again."""
    with pytest.raises(NotAPicture, match=words) as caught:
        look(body)
    assert caught.value.lasting is lasting
    with pytest.raises(NotAPicture):
        recognise(body[:512])


def png(width: int, height: int, *parts: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), *parts, (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    body = b"\x89PNG\r\n\x1a\n"
    for name, held in chunks:
        body += struct.pack(">I", len(held)) + name + held + struct.pack(">I", zlib.crc32(name + held))
    return body


def gif(width: int, height: int, *frames: tuple[int, int]) -> bytes:
    body = b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0)
    for frame in frames:
        body += b"\x21\xf9\x04\x08\0\0\0\0" + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x44\x01\0"
    return body + b";"


def jpeg(width: int, height: int, *, frame: int) -> bytes:
    body = WHOLE["jpeg"][2]
    place = body.index(b"\xff\xc0")
    return (
        body[: place + 1]
        + bytes([frame])
        + body[place + 2 : place + 5]
        + struct.pack(">HH", height, width)
        + body[place + 9 :]
    )


BOMBS: dict[str, Callable[[], bytes]] = {
    "png": lambda: png(50_000, 50_000),
    "png-frame": lambda: png(
        10,
        10,
        (b"acTL", struct.pack(">II", 2, 0)),
        (b"fcTL", struct.pack(">IIIIIHHBB", 0, 60_000, 60_000, 0, 0, 1, 1, 0, 0)),
    ),
    "gif": lambda: gif(65_535, 65_535, (1, 1)),
    "gif-frame": lambda: gif(1, 1, (1, 1), (65_535, 65_535)),
    "jpeg": lambda: jpeg(65_500, 65_500, frame=0xC0),
    "jpeg-progressive": lambda: jpeg(65_500, 65_500, frame=0xC2),
    "webp": lambda: WHOLE["webp-alpha"][2].replace(
        struct.pack("<I", 60)[:3] + struct.pack("<I", 36)[:3], b"\xff\xff\x00" * 2, 1
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_pixel_bomb_is_refused_by_its_header(name: str) -> None:
    """A small file that claims more pixels than the cap, in any frame, is refused for good and never decoded."""
    body = BOMBS[name]()
    assert len(body) < 10_000
    with pytest.raises(NotAPicture, match="over the cap of 500,000,000") as caught:
        look(body)
    assert caught.value.lasting


def test_the_cap_counts_width_times_height() -> None:
    """A picture of exactly the cap is taken, one pixel less is not; Pillow's own limits are left as they are."""
    limits = Image.MAX_IMAGE_PIXELS
    assert look(png(20_000, 20_000), max_pixels=400_000_000).width == 20_000
    with pytest.raises(NotAPicture, match="20000 x 20000"):
        look(png(20_000, 20_000), max_pixels=399_999_999)
    assert limits == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("body", [png(0, 10), gif(0, 0, (1, 1)), gif(5, 5), jpeg(0, 10, frame=0xC0)])
def test_a_picture_without_pixels_is_damaged(body: bytes) -> None:
    """A width or height of zero, or no frame at all, is no picture."""
    with pytest.raises(NotAPicture, match="a damaged"):
        look(body)


def test_a_changed_byte_in_a_png_is_found() -> None:
    """The checksums are computed, of the picture's data too."""
    body = bytearray(WHOLE["png"][2])
    body[body.index(b"IDAT") + 10] ^= 1
    with pytest.raises(NotAPicture, match="checksum of its IDAT"):
        look(bytes(body))


def test_an_end_mark_inside_the_thumbnail_does_not_make_a_jpeg_whole() -> None:
    """A JPEG that carries a whole small JPEG in its Exif and was cut short afterwards is refused."""
    small = drawn("JPEG", (8, 8))
    block = b"Exif\0\0" + b"II*\0\x08\0\0\0\0\0\0\0\0\0" + small
    body = WHOLE["jpeg"][2]
    body = body[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + body[2:]
    assert look(body).width == 61
    with pytest.raises(NotAPicture, match="end mark is missing"):
        look(body[:-2])


def test_a_film_behind_a_jpeg_is_kept_with_it() -> None:
    """Phones append seconds of film behind the end mark: the picture before it is whole."""
    assert look(WHOLE["jpeg"][2] + b"\0\0\0\x18ftypmp42" + b"\x01" * 300_000).width == 61


def test_bytes_between_two_parts_of_a_jpeg_are_passed_over() -> None:
    """Like decoders do, a little junk before a segment is skipped, and a lot of it is damage."""
    body = WHOLE["jpeg"][2]
    assert look(body[:2] + b"\xff\xff\xff" + body[3:]).width == 61
    place = body.index(b"\xff\xdb")
    assert look(body[:place] + b"\x00\x01junk" + body[place:]).width == 61
    with pytest.raises(NotAPicture, match="no segment"):
        look(body[:place] + b"junk" * 5000 + body[place:])


class Counted(io.BytesIO):
    """Remembers the largest piece that was asked for at once."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self.largest = max(self.largest, len(block))
        return block


def test_a_large_picture_is_read_in_small_pieces() -> None:
    """However large a part claims to be and is, no more than a piece of it is in memory."""
    huge = b"\x01" * 6_000_000
    for body in (
        png(100, 100, (b"teSt", huge)),
        WHOLE["jpeg"][2][:-2] + huge + b"\xff\xd9",
        WHOLE["bmp"][2] + huge,
        WHOLE["tiff"][2] + huge,
    ):
        file = Counted(body)
        assert examine(file, len(body), max_pixels=CAP).width
        assert file.largest <= 2**20


def exif_of(picture_exif: Image.Exif, form: str = "JPEG") -> dict[str, str]:
    return dict(look(drawn(form, exif=picture_exif.tobytes())).exif)


def cameras() -> Image.Exif:
    """What the camera of the demo's mission wrote: synthetic."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "NIKON CORPORATION", "NIKON D4"
    exif[0x0112], exif[0x013B], exif[0x8298] = 1, "Thomas Pesquet", "ESA/NASA"
    exif[0x010E] = "The Alps from the ISS"
    inner = exif.get_ifd(0x8769)
    inner[0x9003], inner[0x9011] = "2016:12:03 10:11:12", "+00:00"
    inner[0x829A], inner[0x829D] = IFDRational(1, 250), IFDRational(28, 10)
    inner[0x8827], inner[0x920A], inner[0xA434] = 200, IFDRational(400), "AF-S 400mm f/2.8"
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (IFDRational(45), IFDRational(50), IFDRational(125, 10))
    return exif


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_what_the_camera_wrote_is_kept_as_text(form: str) -> None:
    """Names as the standard has them, values as people write them, from every kind of picture that can carry them."""
    found = exif_of(cameras(), form)
    assert {
        "Make": "NIKON CORPORATION",
        "Model": "NIKON D4",
        "Orientation": "1",
        "Artist": "Thomas Pesquet",
        "Copyright": "ESA/NASA",
        "ImageDescription": "The Alps from the ISS",
        "DateTimeOriginal": "2016:12:03 10:11:12",
        "OffsetTimeOriginal": "+00:00",
        "ExposureTime": "1/250",
        "FNumber": "2.8",
        "ISOSpeedRatings": "200",
        "FocalLength": "400",
        "LensModel": "AF-S 400mm f/2.8",
        "GPSLatitudeRef": "N",
        "GPSLatitude": "45, 50, 12.5",
    }.items() <= found.items()


def test_hostile_text_in_exif_is_made_harmless() -> None:
    """NUL, control characters, line ends and endless values do not come through; UTF-8 and Latin-1 are read."""
    exif = Image.Exif()
    exif[0x010F] = "a\x1b[2Jb\r\nc\u202ed été".encode()
    exif[0x0110] = "x" * 30_000
    exif[0x013B] = b"Andr\xe9"
    exif[0x9C9B] = "Titre – été \ud800".encode("utf-16-le", "surrogatepass")
    found = exif_of(exif)
    assert found["Make"] == "a[2Jb cd été"
    assert found["Model"] == "x" * MAX_TEXT
    assert found["Artist"] == "André"
    assert found["XPTitle"].startswith("Titre – été")
    assert all(text == clean(text) for text in found.values())


def test_no_more_than_sixty_tags_are_kept() -> None:
    """A block with every tag there is does not fill the archive."""
    names = sorted({tag.value for tag in Base} - {Base.ExifOffset, Base.GPSInfo})
    ours = [struct.pack("<HHI4s", tag, 2, 4, b"yes") for tag in names]
    ours.append(struct.pack("<HHII", Base.GPSInfo, 4, 1, 8 + 2 + 12 * (len(names) + 1) + 4))
    place = [struct.pack("<HHI4s", tag, 2, 4, b"yes") for tag in range(32)]
    block = b"II*\0\x08\0\0\0"
    for entries in (ours, place):
        block += struct.pack("<H", len(entries)) + b"".join(entries) + b"\0" * 4
    assert len(read_exif(block)) == MAX_TAGS


def blocks() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "no header", b"Exif\0\0not a TIFF header"
    yield "no directory", b"II*\0\xff\xff\xff\x7f"
    # a directory whose Exif pointer is itself
    yield "a loop", b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + b"\0" * 4
    yield (
        "a value of four gigabytes",
        b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x010E, 2, 2**32 - 1, 8) + b"\0" * 4,
    )
    yield "a division by zero", b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x829A, 5, 1, 26) + b"\0" * 12
    yield "an unknown type", b"MM\0*\0\0\0\x08" + struct.pack(">HHHII", 1, 0x0112, 99, 1, 1) + b"\0" * 4


@pytest.mark.parametrize("block", [block for _, block in blocks()], ids=[name for name, _ in blocks()])
def test_a_broken_exif_block_hides_nothing_and_breaks_nothing(block: bytes) -> None:
    """What cannot be read is left out: no error, no warning, and the picture is taken."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(len(text) <= MAX_TEXT for _, text in read_exif(block))
        if block:
            head = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block
            assert look(head + WHOLE["jpeg"][2][2:]).width == 61


@given(block=st.binary(max_size=400))
def test_exif_is_total(block: bytes) -> None:
    """Any bytes give a list of short clean texts."""
    for _, text in read_exif(b"II*\0\x08\0\0\0" + block):
        assert text == clean(text)
