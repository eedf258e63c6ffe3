"""Pictures that nobody has looked at are: by the command and by the daemon's chore, as often as it takes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import pytest
from PIL import Image

from jobs.demo.pictures import SCENES
from jobs.errors import Interrupted
from jobs.fingerprinting import look_at_pictures
from jobs.visit import Means, Unplugged
from scraper.settings import HttpSettings
from storage.archive import Archive
from storage.fingerprints import number_unseen
from storage.settings import ArchiveSettings

NOW = datetime(2017, 6, 2, 12, tzinfo=UTC)


def saved(image: Image.Image, quality: int = 90) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


@pytest.fixture
def pictured(held: Any) -> Any:
    """Two posts of one picture in two sizes, one of another, one of a grey one, one of a broken one; synthetic."""
    reef, city = (SCENES[name]((300, 200), Random(7)).convert("RGB") for name in ("reef", "city"))
    bodies = {
        "large": saved(reef),
        "small": saved(reef.resize((120, 80)), 60),
        "city": saved(city),
        "grey": saved(Image.new("RGB", (60, 40), "grey")),
        "broken": saved(city)[:400],
    }
    for day, (name, body) in enumerate(bodies.items(), 1):
        held.add(name, published=datetime(2016, 12, day, tzinfo=UTC), pictures=({"data": body},))
    return held


@pytest.fixture
def means() -> Means:
    return Means(web=Unplugged(), http=HttpSettings(), missions=(), now=lambda: NOW, stop=Event())


def test_held_pictures_are_looked_at_and_their_posts_linked(pictured: Any, cupola: Callable[..., Any]) -> None:
    """Once each; then the large and the small one are alike, and a query finds one by the other."""
    place = ("--archive", pictured.folder)
    assert cupola("fingerprint", *place).out == (
        "5 pictures looked at, 2 without a fingerprint (of one shade, or not to be decoded).\n"
    )
    assert json.loads(cupola("fingerprint", "--json", *place).out) == dict.fromkeys(
        ("pictures", "without", "missing", "left"), 0
    )
    like = cupola("query", "--like", "esa-proxima:small", "--format", "ids", *place)
    assert like.out.split() == ["esa-proxima:small", "esa-proxima:large"]
    told = json.loads(cupola("show", "esa-proxima:small", "--json", *place).out)
    assert told["variant_of"] == "esa-proxima:large"
    (link,) = told["links"]
    assert (link["key"], link["kind"], link["first"]) == ("esa-proxima:large", "alike", True)
    shown = cupola("show", "esa-proxima:large", *place, columns=120).out
    assert "looks alike" in shown
    assert "esa-proxima:small, after it" in shown
    asked = [json.loads(line) for line in cupola("query", "--format", "jsonl", *place).out.splitlines()]
    assert [post["variant_of"] for post in asked if post["variant_of"]] == ["esa-proxima:large"]


def test_an_unknown_post_has_no_like(pictured: Any, cupola: Callable[..., Any]) -> None:
    """It is told in a sentence, with the status of wrong use."""
    answer = cupola("query", "--like", "esa-proxima:nothing", "--archive", pictured.folder)
    assert (answer.status, answer.out) == (2, "")
    assert "esa-proxima:nothing" in answer.err


def test_a_file_that_is_not_there_is_told_and_looked_at_another_time(pictured: Any, cupola: Callable[..., Any]) -> None:
    """What can be looked at is; the status says that something is left."""
    next(iter(sorted((pictured.folder / "media").rglob("*.jpg")))).unlink()
    answer = cupola("fingerprint", "--archive", pictured.folder)
    assert answer.status == 1
    assert "4 pictures looked at" in answer.out
    assert "the files of 1 are not there" in answer.out


def test_where_it_was_stopped_it_goes_on(pictured: Any, means: Means, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch is kept: by a budget of time, by a wish to stop, and what was done is not done again."""
    monkeypatch.setattr("jobs.fingerprinting.BATCH", 2)
    clock = (NOW + timedelta(minutes=minute) for minute in count())
    with Archive.open(ArchiveSettings(folder=pictured.folder)) as archive:
        looked = look_at_pictures(archive, replace(means, now=lambda: next(clock)), budget=timedelta(minutes=1))
        assert (looked.pictures, looked.left) == (2, 3)

        def stop(done: int, total: int) -> None:
            means.stop.set()

        with pytest.raises(Interrupted):
            look_at_pictures(archive, means, progress=stop)
        assert number_unseen(archive.database) == 1
        means.stop.clear()
        assert look_at_pictures(archive, means).pictures == 1
        assert look_at_pictures(archive, means).pictures == 0


def test_there_is_nothing_to_look_at_in_no_archive(tmp_path: Path, cupola: Callable[..., Any]) -> None:
    """None is made."""
    answer = cupola("fingerprint", "--archive", tmp_path / "nothing")
    assert answer.status == 3
    assert not (tmp_path / "nothing").exists()
