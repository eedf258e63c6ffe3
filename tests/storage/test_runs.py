"""The journal: one run at a time for a source, a dead one is noticed, and what failed is told with its evidence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scraper.errors import FetchError, ParseError
from storage.archive import Archive
from storage.changes import Entry
from storage.errors import SourceBusy
from storage.processes import Process
from storage.runs import Run, RunStatus, Stage
from storage.settings import ArchiveSettings

ROOT = Path(__file__).parents[2]
SECOND = timedelta(seconds=1)

# tells that it has the lease, and then waits to be ended
HOLDER = """
import sys; from datetime import datetime; from pathlib import Path
from storage.archive import Archive
from storage.errors import SourceBusy
from storage.settings import ArchiveSettings
archive = Archive.open(ArchiveSettings(folder=Path(sys.argv[1]), database=sys.argv[3] or None))
now = datetime.fromisoformat(sys.argv[2])
sys.stdin.readline()
try:
    run = archive.journal.begin("iss", "mastodon", None, now=now)
    print("has it", run.id, flush=True)
except SourceBusy as error:
    print("busy", error.source_id, flush=True)
sys.stdin.readline()
"""


def holder(settings: ArchiveSettings, now: datetime) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.folder), now.isoformat(), settings.database or ""],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def ask(process: subprocess.Popen[str]) -> str:
    """Let it try; what it said."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str], how: int = signal.SIGKILL) -> None:
    process.send_signal(how)
    process.communicate()


def statuses(archive: Archive) -> list[RunStatus]:
    return [run.status for run in archive.journal.runs()]


def begin(archive: Archive, now: datetime, process: Process | None = None) -> Run:
    return archive.journal.begin("iss", "mastodon", None, now=now, process=process)


def test_a_run_from_begin_to_end(archive: Archive, now: datetime) -> None:
    """A run is told with its bounds, times, counts and cursor, and its source is free afterwards."""
    since = datetime(2016, 11, 17, tzinfo=UTC)
    run = archive.journal.begin("iss", "mastodon", "https://social.example/@iss", since=since, until=now, now=now)
    (open_run,) = archive.journal.runs("iss")
    assert (open_run.status, open_run.ended_at, open_run.counts) == (RunStatus.RUNNING, None, {})
    archive.journal.close(run, RunStatus.PARTIAL, counts={"posts_added": 3}, cursor=since, now=now + SECOND)
    (told,) = archive.journal.runs("iss")
    assert (told.since, told.until, told.started_at, told.ended_at) == (since, now, now, now + SECOND)
    assert (told.status, told.counts, told.cursor, told.pid) == (
        RunStatus.PARTIAL, {"posts_added": 3}, since, os.getpid()
    )  # fmt: skip
    assert begin(archive, now + SECOND).id > run.id


def test_a_second_run_is_told_who_has_the_source(archive: Archive, run: Run, now: datetime) -> None:
    """While a run has the lease another one is refused, with the process, the machine and since when."""
    with pytest.raises(SourceBusy) as caught:
        begin(archive, now + 59 * SECOND)
    assert caught.value.source_id == "iss"
    for word in (str(os.getpid()), Process.current().host, "2016-12-03 21:04:05"):
        assert word in caught.value.holder
        assert word in str(caught.value)
    assert statuses(archive) == [RunStatus.RUNNING]


def test_sources_do_not_hinder_each_other(archive: Archive, run: Run, now: datetime) -> None:
    """Another source can be worked on at the same time."""
    assert archive.journal.begin("esa", "esa_gallery", None, now=now).source_id == "esa"


def test_an_expired_lease_is_taken_over(archive: Archive, run: Run, now: datetime) -> None:
    """After 60 s without renewal the source is free, and the run that had it is marked as abandoned."""
    begin(archive, now + 60 * SECOND)
    assert statuses(archive) == [RunStatus.RUNNING, RunStatus.ABANDONED]


def test_a_renewed_lease_is_not(archive: Archive, run: Run, now: datetime) -> None:
    """A renewal holds the source for another 60 s."""
    archive.journal.renew(run, now + 50 * SECOND)
    with pytest.raises(SourceBusy):
        begin(archive, now + 109 * SECOND)
    begin(archive, now + 110 * SECOND)


def test_renewals_are_rare(archive: Archive, run: Run, now: datetime) -> None:
    """A renewal within 15 s of the last one does not touch the database; a clock set back does not hinder one."""
    archive.journal.renew(run, now + 14 * SECOND)
    with archive.database.read() as connection:
        query = "SELECT renewed_at FROM leases"
        first = connection.exec_driver_sql(query).scalar()
    archive.journal.renew(run, now + 15 * SECOND)
    with archive.database.read() as connection:
        second = connection.exec_driver_sql(query).scalar()
    archive.journal.renew(run, now - SECOND)
    with archive.database.read() as connection:
        third = connection.exec_driver_sql(query).scalar()
    assert [str(at)[17:19] for at in (first, second, third)] == ["05", "20", "04"]


def test_a_run_that_lost_its_lease_learns_it(archive: Archive, run: Run, now: datetime) -> None:
    """After a takeover the old run can neither renew nor close; the new one's lease stays."""
    new = begin(archive, now + 61 * SECOND)
    with pytest.raises(SourceBusy, match=f"run {new.id}"):
        archive.journal.renew(run, now + 62 * SECOND)
    with pytest.raises(SourceBusy, match=f"run {new.id}"):
        archive.journal.close(run, RunStatus.COMPLETED, now=now + 62 * SECOND)
    archive.journal.renew(new, now + 90 * SECOND)
    assert statuses(archive) == [RunStatus.RUNNING, RunStatus.ABANDONED]


def test_a_run_is_closed_once(archive: Archive, run: Run, now: datetime) -> None:
    """Closing again is refused and changes nothing."""
    archive.journal.close(run, RunStatus.COMPLETED, now=now)
    with pytest.raises(SourceBusy, match="closed"):
        archive.journal.close(run, RunStatus.FAILED, now=now)
    assert statuses(archive) == [RunStatus.COMPLETED]


def test_a_killed_holder_is_taken_over_at_once(settings: ArchiveSettings, archive: Archive, now: datetime) -> None:
    """A process that was killed holds nothing: the next run begins without waiting, even while it is a zombie."""
    process = holder(settings, now)
    assert ask(process).startswith("has it")
    with pytest.raises(SourceBusy, match=str(process.pid)):
        begin(archive, now)
    process.kill()
    # not waited for yet: it is dead all the same
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    begin(archive, now)
    process.communicate()
    assert statuses(archive) == [RunStatus.RUNNING, RunStatus.ABANDONED]


def test_of_many_that_begin_at_once_one_does(settings: ArchiveSettings, archive: Archive, now: datetime) -> None:
    """Of several processes that want a dead one's source at the same time exactly one gets it."""
    dead = holder(settings, now)
    assert ask(dead).startswith("has it")
    end(dead)
    rivals = [holder(settings, now) for _ in range(4)]
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("\n")
        rival.stdin.flush()
    said = [rival.stdout.readline().strip() for rival in rivals if rival.stdout is not None]
    for rival in rivals:
        end(rival)
    assert sorted(word.split()[0] for word in said) == ["busy", "busy", "busy", "has"]
    assert statuses(archive) == [RunStatus.RUNNING, RunStatus.ABANDONED]


@pytest.mark.parametrize(
    "other",
    [
        {"host": "another-machine"},
        {"boot": "another boot"},
    ],
)
def test_a_process_elsewhere_is_never_called_dead(archive: Archive, now: datetime, other: dict[str, str]) -> None:
    """A pid on another machine, boot or in another container says nothing: its lease has to expire."""
    elsewhere = replace(Process.current(), pid=2**22 + 1, start="0", **other)
    begin(archive, now, process=elsewhere)
    with pytest.raises(SourceBusy):
        begin(archive, now + 59 * SECOND)
    begin(archive, now + 60 * SECOND)


def test_a_pid_that_was_given_again_is_another_process(archive: Archive, now: datetime) -> None:
    """A running process with the holder's pid but another start is not the holder."""
    assert not Process.current().is_dead()
    earlier = replace(Process.current(), start="1")
    assert earlier.is_dead()
    begin(archive, now, process=earlier)
    begin(archive, now)


def test_a_run_that_hangs_is_cut_by_its_own_process(archive: Archive, run: Run, now: datetime) -> None:
    """It ends with the reason as its failure, its source is free, and it can do no more; once."""
    assert archive.journal.cut("iss", RunStatus.FAILED, TimeoutError("took too long"), now=now + SECOND)
    assert not archive.journal.cut("iss", RunStatus.FAILED, TimeoutError("took too long"), now=now + SECOND)
    assert not archive.journal.cut("unknown", RunStatus.FAILED, TimeoutError("took too long"), now=now)
    (summary,) = archive.journal.runs("iss")
    assert (summary.status, summary.ended_at) == (RunStatus.FAILED, now + SECOND)
    (failure,) = archive.journal.failures(run.id)
    assert (failure.error, failure.message, failure.source_id) == ("TimeoutError", "took too long", "iss")
    with pytest.raises(SourceBusy, match="writes no more"):
        archive.journal.close(run, RunStatus.COMPLETED, now=now + 2 * SECOND)
    begin(archive, now + 2 * SECOND)


def test_another_process_s_run_is_not_cut(archive: Archive, now: datetime) -> None:
    """Who works elsewhere is left to its own watchdog."""
    elsewhere = replace(Process.current(), host="elsewhere")
    archive.journal.begin("iss", "mastodon", None, now=now, process=elsewhere)
    assert not archive.journal.cut("iss", RunStatus.FAILED, TimeoutError("x"), now=now)
    assert statuses(archive) == [RunStatus.RUNNING]


def test_runs_of_the_dead_are_swept(archive: Archive, run: Run, now: datetime) -> None:
    """Expired or dead, they are marked as abandoned; this process's own are its own concern, however late."""
    elsewhere, mine = replace(Process.current(), host="elsewhere"), Process.current()
    runs = [
        archive.journal.begin(name, "feed", None, now=at, process=process)
        for name, at, process in (
            ("expired", now - 61 * SECOND, elsewhere),
            ("alive", now, elsewhere),
            ("dead", now, replace(mine, start="1")),
        )
    ]
    assert sorted(archive.journal.sweep(now + 30 * SECOND)) == [runs[0].id, runs[2].id]
    assert archive.journal.sweep(now + 30 * SECOND) == []
    assert archive.journal.sweep(now + 90 * SECOND) == [runs[1].id]
    assert statuses(archive) == [*[RunStatus.ABANDONED] * 3, RunStatus.RUNNING]


def test_without_proc_the_pid_alone_tells() -> None:
    """Where the system does not say when a process was started, a pid that is in use is taken for the holder's."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    bare = replace(Process.current(), boot="", start="")
    if Process.current().boot:
        # on this machine it is another boot: nothing is certain
        assert not replace(bare, pid=ended.pid).is_dead()
    else:
        assert replace(bare, pid=ended.pid).is_dead()
    assert not bare.is_dead()


def test_the_cursor_is_of_the_last_run_that_moved_it(archive: Archive, now: datetime) -> None:
    """A run that does not move the cursor leaves it; another source has its own."""
    assert archive.journal.cursor("iss") is None
    for number, cursor in enumerate((now, now + SECOND, None)):
        run = begin(archive, now + number * SECOND)
        archive.journal.close(run, RunStatus.INTERRUPTED, cursor=cursor, now=now)
    assert archive.journal.cursor("iss") == now + SECOND
    assert archive.journal.cursor("esa") is None


def test_the_cursor_of_a_scope(
    archive: Archive, now: datetime, plan: Callable[..., object], entry_of: Callable[..., Entry]
) -> None:
    """What was read elsewhere under the same id moves no cursor here, and its posts' ids are not this place's."""
    from scraper.model import DateOrigin, Precision, Published

    journal = archive.journal
    for number, scope in enumerate(("here", "there", None)):
        run = journal.begin("iss", "mastodon", None, scope=scope, now=now + number * SECOND)
        at = datetime(2016, 12, 3, number, tzinfo=UTC)
        post = entry_of(str(number), published=Published(at=at, precision=Precision.SECOND, origin=DateOrigin.API))
        archive.record(run.id, None, [post], plan=plan, now=now)  # type: ignore[arg-type]
        journal.close(run, RunStatus.COMPLETED, cursor=now + number * SECOND, now=now)
    assert journal.cursor("iss", "here") == now
    assert journal.cursor("iss", "there") == now + SECOND
    assert journal.cursor("iss", "nowhere") is None
    assert journal.cursor("iss") == now + 2 * SECOND
    found = [journal.newest_before("iss", now, scope=scope) for scope in ("here", "there", "nowhere", None)]
    assert found == ["0", "1", None, "2"]


def test_newest_before(
    archive: Archive, run: Run, now: datetime, plan: Callable[..., object], entry_of: Callable[..., Entry]
) -> None:
    """The newest post strictly before a time, by its date and not by its id."""
    from scraper.model import DateOrigin, Precision, Published

    for native_id, hour in (("3", 1), ("1", 2), ("2", 3)):
        at = datetime(2016, 12, 3, hour, tzinfo=UTC)
        published = Published(at=at, precision=Precision.SECOND, origin=DateOrigin.API)
        archive.record(run.id, None, [entry_of(native_id, published=published)], plan=plan, now=now)  # type: ignore[arg-type]
    archive.record(run.id, None, [entry_of("undated", published=None)], plan=plan, now=now)  # type: ignore[arg-type]
    journal = archive.journal
    assert journal.newest_before("iss", datetime(2016, 12, 3, 3, tzinfo=UTC)) == "1"
    assert journal.newest_before("iss", datetime(2016, 12, 3, 3, tzinfo=UTC), but=1) == "3"
    assert journal.newest_before("iss", datetime(2016, 12, 3, 3, tzinfo=UTC), but=2) is None
    assert journal.newest_before("iss", datetime(2016, 12, 3, 1, tzinfo=UTC)) is None
    assert journal.newest_before("esa", now) is None


def test_a_failure_keeps_its_evidence(
    archive: Archive, run: Run, now: datetime, capture_of: Callable[..., object]
) -> None:
    """An error is recorded with its class, its words, its address, the answer it is about and its attributes."""
    number = archive.captures.keep(run, capture_of("https://social.example/page"))  # type: ignore[arg-type]
    error = ParseError("https://social.example/page: not a list", url="https://social.example/page", sha256="ab" * 32)
    archive.journal.fail(run, Stage.PAGE, error, capture_id=number, now=now)
    refused = FetchError("answered 500", url="https://social.example/2", retriable=True, status=500)
    archive.journal.fail(run, "post", refused, key="iss:2", url="https://social.example/asked", now=now)
    first, second = archive.journal.failures(run.id)
    assert (first.stage, first.error, first.message) == (Stage.PAGE, "ParseError", str(error))
    assert (first.url, first.capture_id, first.evidence) == (error.url, number, (("sha256", error.sha256),))
    assert (second.stage, second.key, second.url) == (Stage.POST, "iss:2", "https://social.example/asked")
    assert dict(second.evidence)["status"] == "500"
    assert archive.journal.failures(run.id + 1) == []


def test_a_failure_with_hostile_words_is_recorded(archive: Archive, run: Run, now: datetime) -> None:
    """NUL and lone surrogates in an error's words do not hinder its recording."""
    archive.journal.fail(run, Stage.POST, ValueError("bad \0 \ud800 text"), key="iss:\0", now=now)
    assert archive.journal.failures(run.id)[0].message == "bad \ufffd \ufffd text"


def test_the_last_runs_come_first(archive: Archive, now: datetime) -> None:
    """Runs are told newest first, of one source or of all, and no more than asked for."""
    for source in ("iss", "esa", "iss"):
        archive.journal.close(archive.journal.begin(source, "k", None, now=now), RunStatus.COMPLETED, now=now)
    assert [run.source_id for run in archive.journal.runs()] == ["iss", "esa", "iss"]
    assert [run.id for run in archive.journal.runs("iss")] == [3, 1]
    assert [run.id for run in archive.journal.runs(limit=1)] == [3]
