"""An exported WARC file in a real Wayback Machine: pywb indexes it and gives back what was recorded, byte for byte."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen
from subprocess import run as call
from typing import Any

import pytest

pytestmark = [pytest.mark.proof, pytest.mark.parametrize("address", [None], ids=["sqlite"])]

PAGE = '<html><body><p>Vue d’en haut</p><img src="https://media.example/terre.jpg"></body></html>'.encode()
Get = Callable[[str], tuple[str, bytes]]


@pytest.fixture
def manager(tmp_path: Path) -> Callable[..., None]:
    """Runs ``wb-manager`` in a folder of its own."""
    if importlib.util.find_spec("pywb") is None:
        why = "pywb is not installed: pip install '.[dev]'"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    place = tmp_path / "wayback"
    place.mkdir()

    def run(*arguments: str) -> None:
        call([sys.executable, "-m", "pywb.manager.manager", *arguments], cwd=place, check=True, capture_output=True)

    return run


@pytest.fixture
def wayback(tmp_path: Path) -> Iterator[Callable[[], Get]]:
    """Starts ``wayback`` in that folder, and gives what fetches a path of it: the type and the body."""
    started: list[Popen[bytes]] = []

    def start() -> Get:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        command = [sys.executable, "-m", "pywb.apps.cli", "-b", "127.0.0.1", "-p", str(port)]
        started.append(Popen(command, cwd=tmp_path / "wayback", stdout=DEVNULL, stderr=DEVNULL))

        def get(path: str) -> tuple[str, bytes]:
            url = path if path.startswith("http:") else f"http://127.0.0.1:{port}{path}"
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.headers.get_content_type(), answer.read()

        while True:
            assert started[0].poll() is None, "it has ended by itself"
            try:
                get("/")
            except urllib.error.HTTPError:
                return get
            except OSError:
                time.sleep(0.05)
            else:
                return get

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.wait()


def test_a_wayback_machine_replays_it(
    kept: Any, tmp_path: Path, manager: Callable[..., None], wayback: Callable[[], Get]
) -> None:
    """An answer, a page and its picture come out as they were recorded, and the page leads to the picture."""
    kept.page("https://social.example/page", kept.entry("100001", "Vue d’en haut", "terre"), body=PAGE)
    number = kept.page("https://social.example/api/1?max=2", kept.entry("100002", "Paris, la nuit", "paris"))
    kept.take()
    answer = next(found for found in kept.archive.captures.newest_first("iss") if found.id == number).capture
    kept.export("warc", tmp_path / "out.warc.gz")
    manager("init", "voyage")
    manager("add", "voyage", str(tmp_path / "out.warc.gz"))
    get = wayback()
    at = "20161203210405id_"
    assert get(f"/voyage/{at}/https://social.example/page")[1] == PAGE
    assert get(f"/voyage/{at}/https://social.example/api/1?max=2") == ("application/json", answer.body)
    for name in ("terre", "paris"):
        assert get(f"/voyage/{at}/https://media.example/{name}.jpg") == ("image/jpeg", kept.pictures[name])
    shown = get("/voyage/20161203210405mp_/https://social.example/page")[1].decode()
    source = re.search(r'<img src="([^"]+)"', shown)
    assert source is not None
    assert get(source[1])[1] == kept.pictures["terre"]
    with pytest.raises(urllib.error.HTTPError):
        get(f"/voyage/{at}/https://media.example/nowhere.jpg")
