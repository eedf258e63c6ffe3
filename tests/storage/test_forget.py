"""What is forgotten is nowhere any more: every byte of the archive's folder is searched for it."""

from __future__ import annotations

import gzip
import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, insert, select, text

from scraper.capture import Access, Capture, Request
from scraper.model import (
    Asset,
    Attachment,
    DateOrigin,
    Lang,
    MediaResult,
    MediaState,
    Post,
    Precision,
    Published,
    Reading,
    Segment,
    Split,
)
from storage.archive import Archive
from storage.changes import Change, Entry
from storage.curation import Say, decide
from storage.errors import ArchiveLocked, SourceBusy, UnknownAuthor, UnknownKey
from storage.forget import Forget, Forgotten
from storage.mending import ask_again
from storage.runs import Run, RunStatus
from storage.schema import BackupRecord, PostRecord, TombstoneRecord, rows_of
from storage.settings import ArchiveSettings
from storage.verify import verify

NOW = datetime(2016, 12, 3, 21, 4, 5, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
#: what is to be forgotten: what the post said, what it said before, its alt text, a tag and a note of a curator's
SECRET = {
    "now": "Mon adresse : 7 rue de l'Été étoilé, Vévey",
    "before": "Mon numéro est le zéro-un-deux, appelez après l'heure du thé",
    "alt": "Une façade très reconnaissable au numéro sept",
    "tag": "voisinage-à-taire",
    "note": "le curateur a écrit ceci de sa main",
    "correction": "La légende corrigée dit encore où c'est",
    "title": "Chez moi, côté jardin potager",
    "failure": "la rue de l'Été n'a pas pu être lue",
}
PICTURES = {name: f"bytes of {name} ".encode() * 40 for name in ("secret", "shared", "other", "new")}
HASH = {name: hashlib.sha256(data).hexdigest() for name, data in PICTURES.items()}


def entry(number: int, body: str, *pictures: str, title: str | None = None, alt: str | None = None) -> Entry:
    post = Post(
        source_id="iss",
        native_id=str(number),
        url=f"https://social.example/@iss/{number}",
        author="Thomas" if number < 3 else "Peggy",
        title=title,
        body=body,
        published=Published(at=NOW, precision=Precision.SECOND, origin=DateOrigin.API),
        attachments=tuple(Attachment(url=f"https://media.example/{name}-{number}.jpg", alt=alt) for name in pictures),
    )
    split = Split(segments=(Segment(lang=Lang.FR, text=body, start=0, end=len(body)),))
    return post, Reading(split=split, published=post.published)


def as_api(*entries: Entry) -> bytes:
    """As a Mastodon server answers: HTML in JSON, with escapes for all that is not ASCII."""
    return json.dumps(
        [
            {
                "id": post.native_id,
                "url": post.url,
                "content": "<p>" + "</p><p>".join(post.body.replace("'", "&#39;").split(", ")) + "</p>",
                "title": post.title,
                "media": [{"url": item.url, "description": item.alt} for item in post.attachments],
            }
            for post, _ in entries
        ]
    ).encode()


def as_page(*entries: Entry) -> bytes:
    """As a site shows it: HTML, in an old encoding."""
    parts = (f"<h2>{post.title}</h2><p>{post.body.replace(' ', '<br>', 1)}</p>" for post, _ in entries)
    return f"<html><body>{''.join(parts)}</body></html>".encode("cp1252", "xmlcharrefreplace")


class Story:
    """An archive with three posts, of which the second is to be forgotten; it stands on several pages."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        first = [entry(1, "Bonjour la Terre, vue d'en haut", "shared"),
                 entry(2, SECRET["before"], "secret", "shared", alt=SECRET["alt"]),
                 entry(3, "Bonsoir Paris et toutes ses lumières", "other")]  # fmt: skip
        second = [first[0], entry(2, SECRET["now"], "secret", "shared", title=SECRET["title"], alt=SECRET["alt"])]
        run = self.begin()
        self.page(run, "https://social.example/page/1", as_api(*first), first)
        self.page(run, "https://social.example/page/2", b"[]", [])
        self.page(run, "https://social.example/page/3", as_api(first[2]), [first[2]])
        self.pictures(run)
        self.end(run)
        run = self.begin()
        self.page(run, "https://social.example/page/1", as_api(*second), second)
        self.page(run, "https://social.example/html", as_page(*second), second)
        self.page(run, "https://social.example/html", as_page(*second), second)
        error = ValueError(SECRET["failure"])
        archive.journal.fail(run, "post", error, url="https://social.example/@iss/2", key="iss:2", now=NOW)
        archive.journal.fail(run, "page", ValueError("not this one"), url="https://social.example/9", now=NOW)
        self.end(run)
        says = [Say.tag(SECRET["tag"]), Say.note(SECRET["note"]), Say.text("caption_fr", SECRET["correction"])]
        decide(archive.database, ["iss:2"], says, who="Ana", now=NOW)
        decide(archive.database, ["iss:1"], [Say.tag("kept")], who="Ana", now=NOW)

    def begin(self) -> Run:
        return self.archive.journal.begin("iss", "mastodon", "https://social.example/@iss", now=NOW)

    def end(self, run: Run) -> None:
        self.archive.journal.close(run, RunStatus.COMPLETED, now=NOW)

    def page(self, run: Run, url: str, body: bytes, entries: list[Entry]) -> None:
        capture = Capture(request=Request(url=url, access=Access.API), url=url, status=200,
                          headers={"etag": '"x"'}, body=body, fetched_at=NOW)  # fmt: skip
        number = self.archive.captures.keep(run, capture)
        self.archive.record(run.id, number, entries, plan=lambda item: (MediaState.PENDING, None), now=NOW)
        self.archive.captures.save_validators("iss", url, number)

    def pictures(self, run: Run) -> None:
        results = []
        for wanted in self.archive.wanted("iss", NOW, limit=99):
            name = str(wanted.attachment.url).split("/")[-1].partition("-")[0]
            asset = Asset(sha256=HASH[name], media_type="image/jpeg", extension="jpg", size=len(PICTURES[name]),
                          width=4, height=3)  # fmt: skip
            incoming = self.archive.blobs.incoming()
            incoming.write(PICTURES[name])
            incoming.commit(asset.sha256, "jpg")
            result = MediaResult(
                state=MediaState.STORED, asset=asset, url=wanted.attachment.url, status=200, fetched_at=NOW
            )
            results.append((wanted.attachment_id, result))
        self.archive.record_media(run.id, results, NOW)

    def forget(self, *keys: str, **options: Any) -> Forgotten:
        work = Forget(self.archive.folder, self.archive.database)
        return work.forget(keys or ("iss:2",), reason="asked by the author", who="Ana", now=NOW, **options)


@pytest.fixture
def story(archive: Archive) -> Story:
    return Story(archive)


def found_in(folder: Path, texts: list[str]) -> set[str]:
    """Those of these texts that stand in any file of a folder: as they are, or in JSON, packed or not."""
    left = set()
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if path.suffix == ".gz":
                data += gzip.decompress(data)
            for text in texts:
                forms = {text.encode(), text.encode("cp1252", "replace"), json.dumps(text)[1:-1].encode()}
                forms |= {form.replace(b"'", b"&#39;") for form in forms}
                words = [word.encode() for word in text.split() if not word.isascii()]
                if any(form in data for form in forms) or any(word in data for word in words):
                    left.add(text)
            left |= {name for name, digest in HASH.items() if digest.encode() in data or digest in path.name}
            left |= {name for name, picture in PICTURES.items() if picture[:200] in data}
    return left


def rows_with(archive: Archive, texts: list[str]) -> set[str]:
    """Those of these texts that stand in any row of any table."""
    with archive.database.read() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        told = [repr(tuple(row)) for table in metadata.tables.values() for row in connection.execute(select(table))]
    return {text for text in texts if any(text in row for row in told)}


WORDS = list(SECRET.values())


def test_the_story_is_told_everywhere_before(story: Story) -> None:
    """What the next tests look for is there at first, in the database, in the answers and among the pictures."""
    story.archive.close()
    if story.archive.database.dialect == "sqlite":
        assert found_in(story.archive.folder, WORDS) == {*WORDS, "secret", "shared", "other"}
    assert rows_with(story.archive, WORDS) == set(WORDS)


def test_no_byte_is_left(story: Story) -> None:
    """Neither text nor earlier text nor alt text nor picture nor a curator's words stand in any file or row."""
    told = story.forget()
    assert told.keys == ("iss:2",)
    assert told.pictures == (f"media/{HASH['secret'][:2]}/{HASH['secret'][2:4]}/{HASH['secret']}.jpg",)
    assert told.answers == 3
    assert rows_with(story.archive, [*WORDS, HASH["secret"], "media.example/secret"]) == set()
    story.archive.close()
    assert found_in(story.archive.folder, WORDS) == {"shared", "other"}


def test_all_else_stays(story: Story) -> None:
    """Other posts, their pictures, pages and decisions stay; what came with a page that is gone says so."""
    archive = story.archive
    others = {key: archive.entry(key) for key in ("iss:1", "iss:3")}
    told = story.forget()
    assert (set(told.others), told.same_text, told.already) == ({"iss:1", "iss:3"}, (), ())
    assert {key: archive.entry(key) for key in others} == others
    report = verify(archive.database, archive.folder)
    assert (report.damage, report.orphans) == ((), ())
    assert report.files == 2
    for url, body in (("page/2", b"[]"), ("page/3", as_api(others["iss:3"]))):
        held = archive.captures.held("iss", f"https://social.example/{url}")
        assert held is not None
        assert held.body == body
    assert archive.captures.held("iss", "https://social.example/page/1") is None
    assert archive.captures.validators("iss", "https://social.example/page/1") is None
    assert archive.captures.validators("iss", "https://social.example/page/3") is not None
    assert [failure.message for failure in archive.journal.failures(2)] == ["not this one"]
    with archive.database.read() as connection:
        assert connection.exec_driver_sql("SELECT tag FROM tags").scalars().all() == ["kept"]
        assert connection.exec_driver_sql("SELECT count(*) FROM removals").scalar() == 0


def test_a_tombstone_says_who_and_why_and_nothing_else(story: Story) -> None:
    """What is left of the post is the hash of its key, with who had it taken out, when and why."""
    story.forget()
    with story.archive.database.read() as connection:
        (grave,) = connection.execute(select(rows_of(TombstoneRecord))).mappings()
    assert dict(grave) == {
        "key_hash": hashlib.sha256(b"iss:2").hexdigest(),
        "source_id": "iss",
        "reason": "asked by the author",
        "who": "Ana",
        "at": NOW,
        "done_at": NOW,
    }


def test_no_later_run_brings_it_back(story: Story) -> None:
    """A run that finds the post again buries it; the others on its page are recorded as ever."""
    story.forget()
    run = story.begin()
    page = [entry(2, SECRET["now"], "secret"), entry(4, "Encore un jour en orbite")]
    plan = (MediaState.PENDING, None)
    for _ in range(2):
        recorded = story.archive.record(run.id, None, page, plan=lambda item: plan, now=NOW)
        assert recorded.changes["iss:2"] is Change.BURIED
    assert story.archive.has_buried("iss")
    assert story.archive.buried("iss", ["4", "2"], b"")
    assert not story.archive.buried("iss", ["4"], b"")
    assert rows_with(story.archive, WORDS) == set()


def test_an_answer_that_names_it_without_giving_it_is_known(story: Story) -> None:
    """An account's own boost of the post, or a page that cannot be read, holds its words under another name."""
    run = story.begin()
    story.page(run, "https://social.example/page/4", b"[]", [entry(114641492508672, "Encore un jour en orbite")])
    story.end(run)
    boost = b'[{"id": "5", "reblog": {"id": "114641492508672", "content": "<p>Encore un jour en orbite</p>"}}]'
    story.forget("iss:2")
    assert not story.archive.buried("iss", ["5"], boost)
    story.forget("iss:114641492508672")
    assert story.archive.buried("iss", ["5"], boost)
    assert story.archive.buried("iss", [], b"[" + boost)
    assert not story.archive.buried("other", ["5"], boost)
    assert not story.archive.buried("iss", ["5"], boost.replace(b"114641492508672", b"114641492508673"))


def test_by_author(story: Story) -> None:
    """All posts by one name go, however it is capitalised; a name that nobody has is told with the nearest."""
    with pytest.raises(UnknownAuthor) as caught:
        story.forget(author="Tomas")
    assert caught.value.nearest == ("Thomas",)
    assert set(story.forget(author="thomas").keys) == {"iss:1", "iss:2"}
    with pytest.raises(UnknownKey):
        story.archive.entry("iss:1")
    assert story.archive.entry("iss:3")[0].author == "Peggy"


def test_an_author_of_very_many_posts(story: Story) -> None:
    """More posts than a statement takes values can go at once: here 600, where SQLite's own limit is 32,766."""
    names = [column.name for column in PostRecord.__table__.columns if column.name not in ("id", "native_id", "body")]
    copies = f"""
        WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 1599)
        INSERT INTO posts (native_id, body, {", ".join(names)})
        SELECT CAST(n.i AS TEXT), 'Jour ' || n.i, {", ".join(f"posts.{name}" for name in names)}
        FROM posts, n WHERE posts.native_id = '3'"""
    with story.archive.database.write() as connection:
        connection.execute(text(copies))
    for asked in (story.archive.database.read, story.archive.database.write):
        with asked() as connection:
            driver = connection.connection.driver_connection
            if isinstance(driver, sqlite3.Connection):
                driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 600)
    assert len(story.forget(author="Peggy").keys) == 1501
    assert story.archive.counts("iss").posts == 2


def test_a_rehearsal_changes_nothing(story: Story) -> None:
    """What would go is told, and everything is as it was."""
    work = Forget(story.archive.folder, story.archive.database)
    files = {path: path.read_bytes() for path in (story.archive.folder / "warc").iterdir()}
    told = work.rehearse(["iss:2"], now=NOW)
    assert told == story.forget()
    assert {path for path in files if path.exists()} < set(files)


def test_an_unknown_key_and_nothing_goes(story: Story) -> None:
    """One key that is none of a post, and all stay."""
    with pytest.raises(UnknownKey):
        story.forget("iss:2", "iss:22")
    assert story.archive.entry("iss:2")


def test_again_is_nothing_to_do(story: Story) -> None:
    """What was taken out before is said to be; others named with it go."""
    story.forget()
    again = story.forget("iss:2", "https://social.example/@iss/3")
    assert (again.already, again.keys) == (("iss:2",), ("iss:3",))


def test_the_very_same_text_of_another_post_is_told(story: Story) -> None:
    """Nobody asked for another post that says the same, so it stays and is named."""
    run = story.begin()
    story.archive.record(run.id, None, [entry(7, SECRET["now"])], plan=lambda item: (MediaState.PENDING, None), now=NOW)
    story.end(run)
    assert story.forget().same_text == ("iss:7",)


def test_copies_of_the_archive_are_told(story: Story) -> None:
    """Backups that the archive knows of are named with their day: they may still hold what is taken out here."""
    made = {"path": "/mnt/usb/cupola", "host": "here", "made_at": NOW, "posts": 3, "files": 3, "bytes": 9}
    with story.archive.database.write() as connection:
        connection.execute(insert(rows_of(BackupRecord)), [made])
    assert story.forget().backups == ("/mnt/usb/cupola on here, made 2016-12-03 21:04 UTC",)


def test_a_run_under_way_is_not_disturbed(story: Story) -> None:
    """While somebody works on the source nothing is taken out; afterwards it is."""
    run = story.begin()
    with pytest.raises(SourceBusy):
        story.forget()
    assert story.archive.entry("iss:2")
    story.end(run)
    assert story.forget().keys == ("iss:2",)


def test_what_a_run_recorded_meanwhile_is_looked_through_too(story: Story) -> None:
    """A run that came and went between the reading of the answers and the end of the rows leaves nothing either."""
    late = [
        entry(2, SECRET["now"], "secret", title=SECRET["title"], alt=SECRET["alt"]),
        entry(5, "Et la Lune au lever"),
    ]
    seen: list[str] = []

    def between(name: str) -> None:
        seen.append(name)
        if name == "take out the rows" and seen.count(name) == 1:
            run = story.begin()
            story.page(run, "https://social.example/late", as_api(*late), late)
            story.end(run)

    work = Forget(story.archive.folder, story.archive.database, step=between)
    assert work.forget(["iss:2"], reason="asked", who="Ana", now=NOW).answers == 4
    assert story.archive.entry("iss:5")[0].body == "Et la Lune au lever"
    assert rows_with(story.archive, WORDS) == set()
    story.archive.close()
    assert found_in(story.archive.folder, WORDS) == {"shared", "other"}
    assert len(list((story.archive.folder / "warc").iterdir())) == 1


def test_damaged_and_torn_files(story: Story) -> None:
    """A copy that was kept because it was damaged goes too; a file whose end is torn is read as far as it can be."""
    folder = story.archive.folder
    kept = folder / "media" / ".damaged"
    kept.mkdir()
    (kept / f"{HASH['secret']}.jpg.abcd").write_bytes(PICTURES["secret"][:300])
    (kept / f"{HASH['other']}.jpg.abcd").write_bytes(b"?")
    first, _ = sorted((folder / "warc").iterdir())
    with first.open("ab") as file:
        file.write(gzip.compress(b"WARC/1.1\r\nWARC-Type: response\r\n\r\n" + SECRET["now"].encode() * 9)[:-9])
    story.forget()
    story.archive.close()
    assert [path.name for path in kept.iterdir()] == [f"{HASH['other']}.jpg.abcd"]
    assert found_in(folder, WORDS) == {"shared", "other"}


def test_bytes_that_came_before_others_of_the_same_address_go(story: Story) -> None:
    """A damaged picture that was fetched again, and was another one by then: its old bytes go with the post, too."""
    folder, archive = story.archive.folder, story.archive
    path = folder / "media" / HASH["secret"][:2] / HASH["secret"][2:4] / f"{HASH['secret']}.jpg"
    path.write_bytes(PICTURES["secret"] + b"?")
    ask_again(archive.database, folder, verify(archive.database, folder).damage, NOW)
    run = story.begin()
    (wanted,) = archive.wanted("iss", NOW, limit=99)
    asset = Asset(sha256=HASH["new"], media_type="image/jpeg", extension="jpg", size=len(PICTURES["new"]),
                  width=4, height=3)  # fmt: skip
    incoming = archive.blobs.incoming()
    incoming.write(PICTURES["new"])
    incoming.commit(asset.sha256, "jpg")
    result = MediaResult(state=MediaState.STORED, asset=asset, url=wanted.attachment.url, status=200, fetched_at=NOW)
    archive.record_media(run.id, [(wanted.attachment_id, result)], NOW)
    story.end(run)
    assert {"secret", "new"} <= found_in(folder, [])
    told = story.forget()
    assert [name for name in ("secret", "new") if any(HASH[name] in gone for gone in told.pictures)] == [
        "secret",
        "new",
    ]
    archive.close()
    assert found_in(folder, WORDS) == {"shared", "other"}


def test_a_picture_that_was_on_its_way_in_goes(story: Story) -> None:
    """What a killed run left half written may be of the post; what a living one writes is left to it."""
    incoming = story.archive.folder / "media" / ".incoming"
    (incoming / f"{'ab' * 16}.part").write_bytes(PICTURES["secret"][:300])
    story.forget()
    story.archive.close()
    assert list(incoming.iterdir()) == []


def test_a_reader_holds_it_up_and_the_next_time_completes_it(folder: Path) -> None:
    """While somebody reads what was there before, its end is not claimed: the same command again completes it."""
    settings = ArchiveSettings(folder=folder)
    with Archive.open(settings) as archive:
        Story(archive)
        with Archive.open(settings, busy_timeout=0.1) as hasty, archive.database.read() as reader:
            reader.exec_driver_sql("SELECT count(*) FROM posts").scalar()
            with pytest.raises(ArchiveLocked):
                Forget(folder, hasty.database).forget(["iss:2"], reason="asked", who="Ana", now=NOW)
        again = Forget(folder, archive.database).forget(["iss:2"], reason="asked", who="Ana", now=NOW)
        assert again.already == ("iss:2",)
    assert found_in(folder, WORDS) == {"shared", "other"}


STEPS = (
    "remove the files",
    "note the new files",
    "write the new files",
    "take out the rows",
    "remove the files",
    "write the database anew",
    "note that it is done",
)

KILLED = """
import os, signal, sys; from datetime import UTC, datetime; from pathlib import Path
from storage.forget import Forget; from storage.engine import open_database
left = int(sys.argv[2])
def step(name):
    global left
    print(name, flush=True)
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
folder = Path(sys.argv[1])
work = Forget(folder, open_database(folder), step=step)
work.forget(["iss:2"], reason="asked", who="Ana", now=datetime(2016, 12, 3, 21, 4, 5, tzinfo=UTC))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(STEPS)))
def test_killed_before_any_step_it_is_completed_by_the_same_again(folder: Path, number: int) -> None:
    """Killed there, the archive is sound, holds all or nothing of the post, and the same command leaves no byte."""
    settings = ArchiveSettings(folder=folder)
    with Archive.open(settings) as archive:
        Story(archive)
    arguments = [sys.executable, "-c", KILLED, str(folder), str(number)]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert tuple(ended.stdout.split("\n")[:-1]) == STEPS[: number + 1]
    with Archive.open(settings) as archive:
        assert verify(archive.database, folder).damage == ()
        assert (rows_with(archive, WORDS) == set(WORDS)) == (number <= 3)
        Forget(folder, archive.database).forget(["iss:2"], reason="asked", who="Ana", now=NOW + timedelta(hours=1))
        report = verify(archive.database, folder)
        assert (report.damage, report.orphans) == ((), ())
        assert rows_with(archive, WORDS) == set()
        assert archive.entry("iss:1")[0].body == "Bonjour la Terre, vue d'en haut"
        assert archive.captures.held("iss", "https://social.example/page/3") is not None
    assert found_in(folder, WORDS) == {"shared", "other"}
    assert len(list((folder / "warc").iterdir())) == 1
