"""Who is told of what and when: once per interval over restarts, that it is over, and never in the daemon's way."""

import json
import logging
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jobs import notify as module
from jobs.config import parse
from jobs.errors import ConfigError, UsageError
from jobs.health import Ailment, Expected, Kind, Seen, judge
from jobs.messenger import NotSent, messengers_of
from jobs.notices import Notice
from jobs.notify import Notifier, notifier_of
from jobs.vitals import ArchiveHealth, SourceHealth
from storage.agenda import Agenda
from storage.engine import open_database
from storage.errors import ArchiveLocked, ArchiveUnreachable

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FAILING = SourceHealth(id="blog", is_scheduled=True, failures_in_a_row=3, said="503 @channel <b>")


class Box:
    """A messenger that keeps what it is given; it may refuse, or hang until it is let go."""

    def __init__(self, name="box"):
        self.name, self.notices, self.refuses = name, [], False
        self.goes = threading.Event()
        self.goes.set()

    def send(self, notice):
        self.goes.wait(30)
        if self.refuses:
            raise NotSent(f"not sent to {self.name}")
        self.notices.append(notice)

    @property
    def titles(self):
        return [notice.title.removeprefix("Cupola: ") for notice in self.notices]


class World:
    """An archive with its health, a clock, and notifiers that come and go."""

    def __init__(self, database):
        self.agenda = Agenda(database)
        self.now, self.box = START, Box()
        self.seen, self.fault = Seen(at=START), None

    def health(self):
        if self.fault:
            raise self.fault
        return judge(replace(self.seen, at=self.now), Expected(free_space=100))

    def notifier(self, *boxes, host="box"):
        return Notifier(
            boxes or [self.box], self.agenda, self.health, every=DAY, archive="/a", now=lambda: self.now, host=host
        )

    def check(self, notifier=None, later=timedelta(0)):
        self.now += later
        notifier = notifier or self.notifier()
        notifier.check()
        notifier.wait(20)
        return self.box.titles


@pytest.fixture
def world(held):
    return World(held.database)


def sources(*these):
    return Seen(at=START, sources=these)


def test_a_thing_is_told_once_per_interval_over_restarts(world):
    """A new notifier each time, as after a restart: told at once, then a day later, if it is still so."""
    world.seen = sources(FAILING)
    assert world.check() == ["blog has failed 3 times in a row"]
    assert len(world.check(later=HOUR)) == 1
    assert len(world.check(later=DAY - HOUR - timedelta(seconds=1))) == 1
    assert len(world.check(later=timedelta(seconds=1))) == 2


def test_nothing_is_told_when_all_is_well(world):
    """Not even that."""
    assert world.check() == []


def test_what_is_new_is_told_together_and_what_was_told_is_not_repeated(world):
    """One message for all that is new at a look."""
    world.seen = sources(FAILING)
    world.check()
    more = [
        replace(FAILING, id="two"),
        SourceHealth(id="three", is_scheduled=True, paused_since=START, pause_reason="410 Gone"),
    ]
    world.seen = sources(FAILING, *more)
    assert world.check(later=HOUR)[1:] == ["2 things are wrong"]
    assert "three is paused" in world.box.notices[1].body
    assert "410 Gone" in world.box.notices[1].body
    assert "blog" not in world.box.notices[1].body


def test_that_it_is_over_is_told_once_and_only_to_who_was_told_of_it(world):
    """Also after a restart; what nobody was told of ends in silence."""
    world.seen = sources(FAILING)
    world.check()
    world.seen = sources()
    assert world.check(later=HOUR)[1:] == ["blog can be read again"]
    assert len(world.check(later=HOUR)) == 2


def test_what_comes_and_goes_is_told_once_per_interval(world):
    """A disk that is full every other minute: one message that it is, one that it is over, until the next day."""
    full, empty = [Seen(at=START, archive=ArchiveHealth(disk_free=free)) for free in (1, 1000)]
    for _ in range(20):
        for world.seen in (full, empty):
            world.check(later=timedelta(minutes=1))
    assert len(world.box.titles) == 2
    world.seen = full
    assert len(world.check(later=DAY)) == 3
    world.seen = empty
    assert world.check(later=HOUR)[3:] == ["the archive's disk has room again, and pictures are taken"]


def test_two_daemons_on_one_archive_tell_a_thing_once(world):
    """By whichever looks first; and that it is over likewise."""
    one, two = world.notifier(), world.notifier(host="other")
    world.seen = sources(FAILING)
    world.check(one)
    assert len(world.check(two)) == 1
    world.seen = sources()
    world.check(two)
    assert len(world.check(one)) == 2


def test_a_disk_is_a_machine_s_own(world):
    """Of two machines one has no room: the other does not say that it is over."""
    world.seen = Seen(at=START, archive=ArchiveHealth(disk_free=1))
    world.check(world.notifier(host="small"))
    world.seen = Seen(at=START, archive=ArchiveHealth(disk_free=1000))
    assert len(world.check(world.notifier(host="large"))) == 1
    assert len(world.check(world.notifier(host="small"))) == 2


def test_what_no_messenger_took_is_told_at_the_next_look(world):
    """A refusal is logged and forgotten; one of two that took it is enough."""
    world.seen, world.box.refuses = sources(FAILING), True
    assert world.check() == []
    world.box.refuses = False
    assert len(world.check(later=HOUR)) == 1
    world.seen = sources(replace(FAILING, id="two"))
    deaf = Box("deaf")
    deaf.refuses = True
    world.check(world.notifier(deaf, world.box))
    assert len(world.box.titles) == 3
    assert len(world.check(world.notifier(deaf, world.box))) == 3


def test_a_messenger_that_hangs_stops_nobody(world, monkeypatch, caplog):
    """Looks return at once, others are told, it gets no second thread; when its time is up that counts as not told."""
    hangs = Box("hangs")
    hangs.goes.clear()
    notifier = world.notifier(hangs)
    world.seen = sources(FAILING)
    before = threading.active_count()
    notifier.check()
    world.seen = sources(FAILING, replace(FAILING, id="two"))
    notifier.check()
    assert threading.active_count() == before + 1
    assert "hangs has not taken the last notice yet" in caplog.text
    monkeypatch.setattr(module.time, "monotonic", lambda: 1e12)
    notifier.check()
    assert "it is tried again later" in caplog.text
    monkeypatch.undo()
    assert not world.agenda.told(), "nobody was told of anything"
    hangs.goes.set()
    notifier.wait(20)
    assert len(world.check()) == 1


def test_a_defect_of_a_messenger_ends_nothing_else(world, caplog):
    """It is in the log with its traceback."""
    world.box.send = None
    world.seen = sources(FAILING)
    notifier = world.notifier()
    world.check(notifier)
    assert "a notice could not be sent to box" in caplog.text


def test_a_defect_in_the_look_ends_nothing_else(world, caplog):
    """Whoever calls goes on; the next look tells."""
    world.seen, world.fault = sources(FAILING), RuntimeError("a defect")
    assert world.check() == []
    assert "please report it" in caplog.text
    world.fault = None
    assert len(world.check()) == 1


def test_an_archive_that_cannot_be_used_for_long_is_told_without_it(world):
    """Ten minutes are nothing; then once a day, and once that it is over."""
    notifier = world.notifier()
    world.fault = ArchiveUnreachable("the server does not answer <!here>")
    assert world.check(notifier) == []
    assert world.check(notifier, later=timedelta(minutes=9)) == []
    assert world.check(notifier, later=timedelta(minutes=1)) == ["the archive cannot be used"]
    assert "＜!here＞" in world.box.notices[0].body
    assert len(world.check(notifier, later=HOUR)) == 1
    world.fault = None
    assert world.check(notifier, later=HOUR)[1:] == ["the archive can be used again"]
    world.fault = ArchiveLocked("locked")
    world.check(notifier)
    world.fault = None
    assert len(world.check(notifier, later=timedelta(minutes=1))) == 2


def test_where_nothing_can_be_noted_people_are_told_all_the_same(world, held):
    """A full disk, a read-only archive: the notifier remembers what it told."""
    reader = World(open_database(held.folder, read_only=True))
    reader.seen = sources(FAILING)
    notifier = reader.notifier()
    assert len(reader.check(notifier)) == 1
    assert len(reader.check(notifier, later=HOUR)) == 1
    assert len(reader.check(notifier, later=DAY)) == 2
    reader.agenda._database.close()


def test_a_clock_that_was_set_back_does_not_silence_us(world):
    """What was told in the future may be told now."""
    world.seen = sources(FAILING)
    world.check(later=400 * DAY)
    assert len(world.check(later=-400 * DAY)) == 2


def test_what_is_no_matter_for_people_is_not_told(world):
    """A visit that is late, a source not planned yet: these stand in the status."""
    told = [Ailment(kind=kind, about="x", message="x", advice="y") for kind in Kind if kind not in module.GRAVE]
    world.seen = Seen(at=START, also=told)
    assert len(told) == 3
    assert world.check() == []


# the real thing: apprise, and a server on loopback


@pytest.fixture
def inbox():
    """A server that takes JSON; gives its address and what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.sent.append(json.loads(body))
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *told):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.sent, server.status = [], 200
    server.url = f"json://someone:sesame-4711@127.0.0.1:{server.server_port}/secret-path?method=POST"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_apprise_delivers_what_was_written(inbox, world):
    """Title and body arrive letter by letter, with what was from outside made harmless."""
    (messenger,) = messengers_of([inbox.url], "CUPOLA_NOTIFY")
    world.seen = sources(FAILING)
    notifier = world.notifier(messenger)
    notifier.check()
    notifier.wait(20)
    (sent,) = inbox.sent
    assert sent["title"] == "Cupola: blog has failed 3 times in a row"
    assert "503 ＠channel ＜b＞" in sent["message"]
    assert "see why: cupola scrape blog" in sent["message"]


def test_escapes_and_names_of_emojis_arrive_as_they_are(inbox):
    """Apprise interprets nothing in a text."""
    (messenger,) = messengers_of([inbox.url], "X")
    messenger.send(Notice(":smile: title", "a \\n b :rocket: <b>"))
    assert (inbox.sent[0]["title"], inbox.sent[0]["message"]) == (":smile: title", "a \\n b :rocket: <b>")


def test_a_refusal_is_told_without_a_secret(inbox, caplog):
    """Neither our words nor apprise's own, loud as it may be, show any part of the address."""
    caplog.set_level(logging.DEBUG)
    (messenger,) = messengers_of([inbox.url], "CUPOLA_NOTIFY")
    inbox.status = 500
    with pytest.raises(NotSent, match=r"^a notice could not be sent to address 1 in CUPOLA_NOTIFY \(JSON\)$"):
        messenger.send(Notice("t", "b"))
    assert "apprise" in {record.name for record in caplog.records}
    for secret in ("sesame", "secret-path", "someone"):
        assert secret not in caplog.text


@pytest.mark.parametrize("url", ["bogus://sesame", "sesame-4711", "mailto://", "http://sesame.example"])
def test_an_address_that_apprise_does_not_understand_is_refused_at_the_start(url, tmp_path, monkeypatch, caplog):
    """By its number and the key, without a part of it."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("CUPOLA_NOTIFY", f"json://127.0.0.1:1/ {url}")
    file = parse("notify: {urls_env: CUPOLA_NOTIFY}", tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match=r"line 1, notify.urls_env: address 2 in CUPOLA_NOTIFY is none") as caught:
        notifier_of(file, None, None, lambda: START).__enter__()
    assert "sesame" not in str(caught.value) + caplog.text


def test_without_the_package_it_says_how_to_install_it(monkeypatch):
    """At the start, not when the first thing goes wrong."""
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(UsageError, match=r"pip install 'cupola\[notify\]'"):
        messengers_of(["json://127.0.0.1:1/"], "X")


def test_without_addresses_nobody_is_told_and_nothing_is_loaded(tmp_path, world):
    """The daemon's call costs nothing where it is switched off."""
    with notifier_of(parse("{}", tmp_path / "c.yaml"), world.agenda, world.health, lambda: START) as notifier:
        world.fault = RuntimeError("nobody asks")
        notifier.check()
