"""Small pictures in the table of ``cupola query``: on a terminal that can, by its environment, and nowhere else."""

import base64
import io
import os
import pty
import re
import struct
import subprocess
import sys
import zlib
from contextlib import suppress

import pytest
from PIL import Image
from rich.cells import cell_len

from jobs.cli.previews import Means, means
from jobs.cli.thumbnails import MAX_PIXELS, thumbnails

TRUE = {"COLORTERM": "truecolor"}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def picture(form="JPEG", size=(600, 400), colour=(200, 30, 30), **options):
    """Synthetic: one colour above, blue below."""
    image = Image.new("RGB", size, colour)
    image.paste((20, 40, 180), (0, size[1] // 2, *size))
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def bomb(width, height):
    """A PNG that says it has so many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


@pytest.fixture
def shown(held):
    """Runs ``cupola query`` on an archive with one picture, at a terminal; gives what the terminal got."""
    held.add("1", fr="La nuit sur Paris.", en="Night over Paris.", pictures=({"data": picture()},))

    def run(*arguments, columns=120, stderr=None, **environment):
        keyboard, terminal = pty.openpty()
        plain = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        plain |= {"TERM": "xterm-256color", "COLUMNS": str(columns), "PYTHONUTF8": "1"} | environment
        command = [sys.executable, "-m", "jobs", "query", "--archive", str(held.folder), *arguments]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=terminal, stderr=stderr, env=plain) as process:
            os.close(terminal)
            got = b""
            # a terminal that nobody writes to any more ends in an error
            with suppress(OSError):
                while piece := os.read(keyboard, 100_000):
                    got += piece
            assert process.wait(30) == 0
        os.close(keyboard)
        return got.decode().replace("\r\n", "\n")

    return run


@pytest.mark.parametrize(
    ("environment", "width", "asked", "found"),
    [
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, 80, None, Means.KITTY),
        ({"TERM": "xterm-ghostty"}, 80, None, Means.KITTY),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, 80, None, Means.KITTY),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, 80, None, Means.ITERM2),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, 80, None, Means.ITERM2),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, 80, None, Means.ITERM2),
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, 80, False, None),
        # inside tmux and screen the outer terminal's variables say nothing
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, 80, None, None),
        ({"TERM": "screen-256color", "TERM_PROGRAM": "iTerm.app"}, 80, True, Means.BLOCKS),
        ({"TERM": "xterm-256color", "TMUX": "x", "LC_TERMINAL": "iTerm2", **TRUE}, 120, None, Means.BLOCKS),
        ({"TERM": "xterm-256color", **TRUE}, 120, None, Means.BLOCKS),
        ({"TERM": "xterm-256color", "COLORTERM": "24bit"}, 200, None, Means.BLOCKS),
        ({"TERM": "xterm-256color", **TRUE}, 119, None, None),
        ({"TERM": "xterm-256color", **TRUE}, 80, True, Means.BLOCKS),
        ({"TERM": "xterm-256color", **TRUE, "NO_COLOR": "1"}, 120, True, None),
        ({"TERM": "xterm-256color"}, 200, None, None),
        ({"TERM": "dumb", **TRUE}, 200, None, None),
        ({}, 200, None, None),
    ],
)
def test_the_environment_tells_what_a_terminal_can(environment, width, asked, found):
    """No question is put to the terminal; half blocks unasked only in wide ones with 24-bit colour."""
    assert means(environment, width, asked=asked) is found


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_half_blocks_have_the_colours_of_the_picture(shown, columns):
    """The upper half is red, the lower half blue, and no line is wider than the terminal."""
    text = shown("--previews", columns=columns, **TRUE)
    lines = [line for line in text.split("\n") if "▀" in line]
    assert len(lines) == {80: 4, 120: 6, 200: 8}[columns]
    assert re.search(r"\x1b\[38;2;(19|20)\d;2\d|3\d;2\d|3\d;48;2;(19|20)\d;", lines[0])
    colour = [int(part) for part in re.findall(r"38;2;(\d+);(\d+);(\d+)", lines[-1])[0]]
    assert colour[2] > 120 > colour[0]
    plain = COLOURS.sub("", text)
    assert "\x1b" not in plain
    assert max(map(cell_len, plain.split("\n"))) <= columns
    assert "La nuit" in plain
    assert "Night" in plain
    assert "1 picture" in plain


def test_pictures_are_for_terminals_alone(shown, cupola, held):
    """A pipe gets none, though they are asked for, and is told so; nor does a narrow terminal, or one with NO_COLOR."""
    assert "▀" in shown(**TRUE)
    assert "▀" not in shown("--no-previews", **TRUE)
    assert "▀" not in shown(columns=100, **TRUE)
    text = shown(**TRUE, NO_COLOR="1")
    assert "▀" not in text
    assert "38;" not in text
    answer = cupola("query", "--archive", held.folder, "--previews", columns=200)
    assert "▀" not in answer.out
    assert "\x1b" not in answer.out
    assert answer.err == "No previews: this is no terminal.\n"
    assert cupola("query", "--archive", held.folder, columns=200).err == ""


def test_kitty_gets_a_picture_over_blanks(shown):
    """PNG in pieces of 4,096 letters, to the box of the row, without an answer; the cursor is where it was."""
    text = shown(KITTY_WINDOW_ID="1")
    (placed,) = re.findall(r"\x1b7\x1b\[5A\x1b\[18D(.*?)\x1b8", text, re.DOTALL)
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", placed)
    assert "".join(f"\x1b_G{keys};{data}\x1b\\" for keys, data in pieces) == placed
    assert pieces[0][0].startswith("a=T,f=100,C=1,q=2,c=18,r=6,m=")
    assert [keys[-3:] for keys, _ in pieces] == ["m=1"] * (len(pieces) - 1) + ["m=0"]
    assert max(len(data) for _, data in pieces) <= 4096
    image = Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in pieces))))
    assert image.size == (18 * 12, 6 * 24)
    red, _, blue, _ = image.getpixel((5, 5))
    assert red > 150 > blue
    plain = COLOURS.sub("", text.replace(placed, ""))
    row = next(number for number, line in enumerate(plain.split("\n")) if "La nuit" in line)
    assert [line[:18] for line in plain.split("\n")[row : row + 6]] == [" " * 18] * 6


def test_iterm2_gets_a_jpeg(shown):
    """Inline, to the box of the row, and its shape is kept."""
    text = shown(TERM_PROGRAM="iTerm.app", columns=80)
    (how, data) = re.search(r"\x1b7\x1b\[3A\x1b\[12D\x1b\]1337;File=([^:]*):([^\x07]*)\x07\x1b8", text).groups()
    assert how == "inline=1;width=12;height=4;preserveAspectRatio=1;doNotMoveCursor=1"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (144, 96)


def test_hits_are_marked_in_colour(shown):
    """On a terminal what was found is highlighted; without colour it stands in brackets there, too."""
    assert "\x1b[30;43mnuit\x1b[0m" in shown("--text", "nuits")
    text = shown("--text", "nuits", NO_COLOR="1")
    assert "[nuit]" in text
    assert "43m" not in text


def test_a_picture_that_cannot_be_shown_is_left_out(tmp_path):
    """Damaged, hostile, too large, not there, no file: none of them; the others are there all the same, upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    files = {
        "good.jpg": picture(),
        "turned.jpg": picture(exif=exif),
        "odd.jpg": picture(exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 60),
        "good.png": picture("PNG"),
        "good.webp": picture("WEBP"),
        "good.gif": picture("GIF"),
        "cut.jpg": picture()[:-200],
        "bomb.png": bomb(60_000, 60_000),
        "lying.png": bomb(300, 200),
        "text.jpg": b"<html>no picture</html>",
        "script.jpg": b"%!PS-Adobe-3.0 EPSF\n(x) run",
        "empty.jpg": b"",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    os.mkfifo(tmp_path / "pipe.jpg")
    paths = [tmp_path / name for name in (*files, "pipe.jpg", "nowhere.jpg", ".")]
    found = thumbnails([*paths, None], (18, 12))
    assert len(found) == len(paths) + 1
    sizes = {path.name: image.size for path, image in zip(paths, found, strict=False) if image is not None}
    assert sizes == {
        "good.jpg": (18, 12),
        "turned.jpg": (8, 12),
        "odd.jpg": (18, 12),
        "good.png": (18, 12),
        "good.webp": (18, 12),
        "good.gif": (18, 12),
    }
    assert all(image.mode == "RGB" for image in found if image is not None)


def test_what_is_decoded_for_a_table_is_bounded(tmp_path, monkeypatch):
    """Pictures behind so many pixels have none."""
    file = tmp_path / "a.png"
    file.write_bytes(picture("PNG", size=(100, 100)))
    monkeypatch.setattr("jobs.cli.thumbnails.ALL_PIXELS", 25_000)
    assert [image is not None for image in thumbnails([file] * 4, (18, 12))] == [True, True, False, False]
    assert MAX_PIXELS < Image.MAX_IMAGE_PIXELS


def test_an_archive_without_its_files_is_listed_without_pictures(shown, held):
    """A row whose file is gone is told as ever."""
    for file in (held.folder / "media").rglob("*.jpg"):
        file.unlink()
    text = COLOURS.sub("", shown(**TRUE))
    assert "La nuit sur Paris." in text
    assert "1/1" in text
