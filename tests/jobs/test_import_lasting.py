"""Imports of any size and imports that are killed: memory stays flat, the same command ends what was begun."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

pytestmark = pytest.mark.proof

_PEAK = """
import resource, subprocess, sys
status = subprocess.run([sys.executable, "-m", "jobs", *sys.argv[1:]], stdout=subprocess.DEVNULL).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def peak(*arguments: Any) -> tuple[int, int]:
    """The exit status of a command and the most memory that it had, in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *map(str, arguments)], capture_output=True, text=True, timeout=900, check=True
    )
    status, memory = map(int, re.findall(r"\d+", done.stdout))
    return status, memory


def write_warc(path: Path, megabytes: int) -> None:
    """A feed with one post, among so many answers of a megabyte that are nobody's."""
    with path.open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        item = "<item><guid>1</guid><title>T</title><pubDate>Sat, 03 Dec 2016 10:00:00 GMT</pubDate></item>"
        feed = f'<?xml version="1.0"?><rss version="2.0"><channel>{item}</channel></rss>'.encode()
        pages = [("https://blog.example/feed/", feed, "application/rss+xml")]
        pages += [(f"https://other.example/{n}", os.urandom(2**20), "image/png") for n in range(megabytes)]
        for url, body, kind in pages:
            http = StatusAndHeaders("200 OK", [("Content-Type", kind)], protocol="HTTP/1.1")
            headers = {"WARC-Date": "2017-01-01T00:00:00Z"}
            record = writer.create_warc_record(url, "response", io.BytesIO(body), len(body), "", headers, "", http)
            writer.write_record(record)


def test_a_large_warc_needs_no_more_memory(tmp_path: Path) -> None:
    """Ten times the size, the same memory within a tenth."""
    peaks = []
    for megabytes in (20, 200):
        path = tmp_path / f"{megabytes}.warc.gz"
        write_warc(path, megabytes)
        status, memory = peak(
            "import", "warc", path, "--archive", tmp_path / f"a{megabytes}", "--kind", "feed", "--url",
            "https://blog.example/feed/",
        )  # fmt: skip
        assert status == 0
        peaks.append(memory)
        path.unlink()
    assert peaks[1] < 1.1 * peaks[0], peaks


def test_a_large_jsonl_needs_no_more_memory(tmp_path: Path) -> None:
    """Records of a hundred kilobytes, most of them twice: ten times as many, the same memory within a tenth."""
    peaks = []
    for count in (200, 2000):
        path = tmp_path / f"{count}.jsonl"
        with path.open("w") as out:
            for number in range(count):
                post = {"id": str(number % 50), "text": "Salut", "author_url": "https://x.example/" + "a" * 100_000}
                out.write(json.dumps(post) + "\n")
        status, memory = peak("import", "jsonl", path, "--archive", tmp_path / f"a{count}")
        assert status == 0
        peaks.append(memory)
    assert peaks[1] < 1.1 * peaks[0], peaks


@pytest.mark.parametrize("held", [0, 1, 300, 700])
def test_an_import_that_is_killed_is_ended_by_the_same_command(tmp_path: Path, held: int) -> None:
    """With so many pictures held: the archive opens, verifies clean, and has all posts and pictures at the end."""
    (tmp_path / "p").mkdir()
    with (tmp_path / "posts.jsonl").open("w") as out:
        for number in range(900):
            made = io.BytesIO()
            Image.new("RGB", (8, 8), (number % 256, number // 256, 7)).save(made, "PNG")
            (tmp_path / f"p/{number}.png").write_bytes(made.getvalue())
            out.write(json.dumps({"id": str(number), "text": f"Salut {number}", "media": f"p/{number}.png"}) + "\n")
    archive = tmp_path / "archive"
    command = ["import", "jsonl", str(tmp_path / "posts.jsonl"), "--archive", str(archive), "--json"]
    process = subprocess.Popen([sys.executable, "-m", "jobs", *command], stdout=subprocess.DEVNULL)
    while sum(1 for _ in archive.glob("media/*/*/*")) < held and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = subprocess.run([sys.executable, "-m", "jobs", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)["jsonl-posts"]
    assert (report["posts_found"], report["media_pending"]) == (900, 0)
    verified = subprocess.run(
        [sys.executable, "-m", "jobs", "verify", "--archive", str(archive)], capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stdout
    assert "900 pictures" in verified.stdout
