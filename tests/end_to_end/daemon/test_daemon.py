"""cupola daemon as a person and the system meet it: it visits, stops, is told to read again, and dies without loss."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

SECOND = {"every": "1s"}
HOUR = {"every": "1h"}


def test_it_visits_by_schedule_and_stops_when_told(keeper: Any, sites: Callable[..., Any]) -> None:
    """Due at once, then again and again; a source without a schedule is left alone; SIGTERM ends it with status 0."""
    one, two, third = sites(3)
    keeper.configure({"one": (one, SECOND), "two": (two, HOUR), "third": (third, None)})
    process = keeper.start()
    said = keeper.says("visited by schedule")["message"]
    assert "2 sources are visited by schedule, 1 without one is left alone (third); next is visit:" in said
    keeper.says("visit:one completed", times=2)
    keeper.says("visit:two completed: 3 new")
    assert keeper.stop(process) == 0
    assert (len(two.requests), third.requests) == (1, [])
    assert keeper.place.ask("SELECT count(*) FROM archive_posts") == [(6,)]
    two_matter = keeper.agenda("visit:two")
    assert (two_matter["last_outcome"], two_matter["why"], two_matter["failures_in_a_row"]) == (
        "completed",
        "schedule",
        0,
    )
    assert keeper.place.ask("SELECT count(*) FROM daemons") == [(0,)]
    keeper.place.assert_sound(as_command=False)


def test_a_visit_that_was_missed_is_made_once_at_the_start(keeper: Any, sites: Callable[..., Any]) -> None:
    """Down over several visits: one of them is made up for; what is not due yet is not visited."""
    late, early = sites(2)
    keeper.configure({"late": (late, HOUR), "early": (early, HOUR)})
    process = keeper.start()
    for name in ("late", "early"):
        keeper.says(f"visit:{name} completed")
    keeper.stop(process)
    put = "UPDATE agenda SET last_started_at = datetime(last_started_at, '-3 hours') || '.000000' WHERE matter = ?"
    keeper.place.change(put, "visit:late")
    keeper.log.clear()
    process = keeper.start()
    keeper.says("visit:late completed")
    assert keeper.stop(process) == 0
    assert (len(late.requests), len(early.requests)) == (2, 1)


def test_sources_on_one_host_take_turns_and_others_do_not_wait(keeper: Any, sites: Callable[..., Any]) -> None:
    """While a site keeps its answer back another source of it waits, and one of another host is visited."""
    slow, other = sites(2)
    slow.hold.clear()
    keeper.configure({"first": (slow, HOUR), "second": (slow, HOUR), "other": (other, HOUR)})
    process = keeper.start()
    keeper.says("visit:other completed")
    assert len(slow.requests) == 1
    slow.hold.set()
    keeper.says("visit:first completed")
    keeper.says("visit:second completed")
    assert keeper.stop(process) == 0


def test_a_visit_that_hangs_does_not_keep_it_from_leaving(keeper: Any, sites: Callable[..., Any]) -> None:
    """SIGTERM while a site keeps its answer back: status 0, the run is closed as interrupted, no lease is left."""
    (site,) = sites()
    site.hold.clear()
    keeper.configure({"slow": (site, HOUR)})
    process = keeper.start()
    keeper.until(lambda: site.requests)
    assert keeper.stop(process) == 0
    assert keeper.place.ask("SELECT status FROM runs") == [("interrupted",)]
    assert keeper.place.ask("SELECT count(*) FROM leases") == [(0,)]
    assert keeper.agenda("visit:slow")["last_outcome"] == "interrupted"
    # the next start goes on at once
    site.hold.set()
    keeper.start()
    keeper.says("visit:slow completed: 3 new")


def test_a_second_signal_ends_it_at_once(keeper: Any, sites: Callable[..., Any]) -> None:
    """Ctrl-C twice: it is gone, with the status of an interrupt, and the next daemon takes over what it had."""
    (site,) = sites()
    site.hold.clear()
    keeper.configure({"slow": (site, HOUR)})
    process = keeper.start()
    keeper.until(lambda: site.requests)
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    assert keeper.stop(process, signal.SIGINT) == 130
    site.hold.set()
    keeper.start()
    keeper.says("visit:slow was cut off when its process died")
    keeper.says("visit:slow completed: 3 new")


def test_a_second_daemon_refuses_and_names_the_first(keeper: Any, sites: Callable[..., Any]) -> None:
    """One daemon for an archive that is a file: the other says which process has it, with status 1."""
    (site,) = sites()
    keeper.configure({"one": (site, HOUR)})
    process = keeper.start()
    keeper.says("visit:one completed")
    second = keeper.place.run("daemon")
    assert second.status == 1
    assert f"a daemon is at work on this archive already: process {process.pid} on " in second.err
    assert keeper.stop(process) == 0


def test_killed_in_a_visit_it_goes_on_at_the_next_start(keeper: Any, sites: Callable[..., Any]) -> None:
    """Kill -9: the run is found open and marked as abandoned, the visit is made anew at once, nothing is doubled."""
    (site,) = sites()
    site.hold.clear()
    keeper.configure({"one": (site, HOUR)})
    process = keeper.start()
    keeper.until(lambda: site.requests)
    assert keeper.stop(process, signal.SIGKILL) == -signal.SIGKILL
    site.hold.set()
    process = keeper.start()
    keeper.says("visit:one completed: 3 new")
    assert keeper.stop(process) == 0
    assert keeper.place.ask("SELECT status FROM runs ORDER BY id") == [("abandoned",), ("completed",)]


def test_the_configuration_is_read_again_all_or_nothing(keeper: Any, sites: Callable[..., Any]) -> None:
    """SIGHUP: what has changed is said and holds; a broken file is said and changes nothing."""
    one, two = sites(2)
    keeper.configure({"one": (one, HOUR)})
    process = keeper.start()
    keeper.says("visit:one completed")
    keeper.configure({"one": (one, {"every": "2h"}), "two": (two, HOUR)})
    process.send_signal(signal.SIGHUP)
    said = keeper.says("the configuration was read again")["message"]
    assert "source two is new, the schedule of source one has changed" in said
    keeper.says("visit:two completed")
    before = keeper.place.config.read_text()
    keeper.place.config.write_text(before.replace('"1h"', '"soon"'))
    process.send_signal(signal.SIGHUP)
    said = keeper.says("the configuration is not taken over, and stays as it was")["message"]
    assert "sources[1].schedule.every: expected a number and a unit" in said
    keeper.until(lambda: "cannot be read again" in str(keeper.place.ask("SELECT trouble FROM daemons")))
    keeper.configure({"two": (two, HOUR)})
    process.send_signal(signal.SIGHUP)
    keeper.says("source one is gone")
    keeper.until(lambda: keeper.agenda("visit:one")["next_at"] is None)
    assert keeper.stop(process) == 0


def test_a_visit_beyond_its_limit_is_stopped_and_told(keeper: Any, sites: Callable[..., Any]) -> None:
    """A site that asks for patience without end: the visit is stopped at its limit, has failed, and comes again."""
    slow, fine = sites(2)
    slow.answer = lambda: (503, {"Retry-After": "30"}, "")
    http = {"attempts": 9, "max_wait": 60}
    keeper.configure({"slow": (slow, HOUR), "fine": (fine, HOUR)}, jobs={"visit_limit": "1s"}, http=http)
    process = keeper.start()
    keeper.says("visit:slow takes longer than 0:00:01 and is stopped")
    keeper.says("visit:slow timed_out")
    matter = keeper.agenda("visit:slow")
    assert (matter["last_outcome"], matter["failures_in_a_row"], matter["paused_since"]) == ("timed_out", 1, None)
    assert keeper.stop(process) == 0


def test_a_source_that_is_gone_is_paused_until_somebody_sees_to_it(keeper: Any, sites: Callable[..., Any]) -> None:
    """410: no further visit, and the reason is kept; a visit by hand that goes well lets it come again."""
    gone, barred = sites(2)
    gone.answer = lambda: (410, {}, "")
    keeper.configure({"gone": (gone, SECOND), "barred": (barred, SECOND)})
    process = keeper.start()
    keeper.says("visit:gone failed", "paused: ", "410")
    keeper.says("visit:barred completed", times=2)
    assert len(gone.requests) == 1
    assert "410" in keeper.agenda("visit:gone")["pause_reason"]
    keeper.stop(process)
    gone.answer = gone.feed
    process = keeper.start()
    keeper.says("visit:barred completed", times=4)
    assert len(gone.requests) == 1
    keeper.stop(process)
    assert keeper.place.run("scrape", "gone").status == 0
    matter = keeper.agenda("visit:gone")
    assert (matter["paused_since"], matter["last_outcome"], matter["failures_in_a_row"]) == (None, "completed", 0)
    process = keeper.start()
    keeper.until(lambda: len(gone.requests) > 2)
    assert keeper.stop(process) == 0


def test_a_pause_that_a_host_asks_for_puts_the_next_visit_off(keeper: Any, sites: Callable[..., Any]) -> None:
    """429 with Retry-After: the next visit comes when that is over, and not by the schedule."""
    (site,) = sites()
    site.answer = lambda: (429, {"Retry-After": "3600"}, "")
    keeper.configure({"one": (site, {"every": "2s"})})
    process = keeper.start()
    keeper.says("visit:one failed", "(retry_after)")
    assert keeper.stop(process) == 0
    matter = keeper.agenda("visit:one")
    assert (matter["why"], matter["last_outcome"], len(site.requests)) == ("retry_after", "failed", 1)


def test_a_pause_outlives_the_configuration(keeper: Any, sites: Callable[..., Any]) -> None:
    """SIGHUP with other words about http: who asked for a pause before has it, whichever source asks."""
    site, other = sites(2)
    site.answer = lambda: (429, {"Retry-After": "3600"}, "")
    keeper.configure({"one": (site, HOUR), "other": (other, None)})
    process = keeper.start()
    keeper.says("visit:one failed", "(retry_after)")
    site.answer = site.feed
    keeper.configure({"one": (site, HOUR), "two": (site, {"every": "9m"}), "other": (other, HOUR)}, http={"timeout": 9})
    process.send_signal(signal.SIGHUP)
    keeper.says("visit:other completed")
    assert "asked for a pause that has" in keeper.says("visit:two failed", "(retry_after)")["message"]
    assert len(site.requests) == 1
    assert keeper.stop(process) == 0


def test_an_adaptive_visit_follows_the_posts(keeper: Any, sites: Callable[..., Any]) -> None:
    """A source that has not posted for years is visited as seldom as it may be."""
    (site,) = sites()
    keeper.configure({"old": (site, {"adaptive": {"at_least": "1h", "at_most": "3d"}})})
    process = keeper.start()
    keeper.says("visit:old completed: 3 new", "(adaptive)")
    assert keeper.stop(process) == 0
    matter = keeper.agenda("visit:old")
    started, after = (datetime.fromisoformat(matter[name]) for name in ("last_started_at", "next_at"))
    assert (after - started, matter["why"]) == (timedelta(days=3), "adaptive")


def test_a_daemon_with_nothing_to_do_says_so(keeper: Any, sites: Callable[..., Any]) -> None:
    """No schedule, wrong schedule: status 2, in words; no archive is made."""
    (site,) = sites()
    keeper.configure({"one": (site, None)})
    done = keeper.place.run("daemon")
    assert (done.status, "no source has a schedule" in done.err) == (2, True)
    assert not os.path.exists(keeper.archive)
