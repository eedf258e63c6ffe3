"""What config.yaml may say of the daemon: read as meant, refused in words where it cannot be meant."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.changes import differences
from jobs.config import ConfigFile, parse
from jobs.errors import ConfigError
from jobs.moments import Hours, parse_clock, parse_size
from jobs.stanzas import Config

HOUR = timedelta(hours=1)


def read(text: str) -> ConfigFile:
    return parse(text, Path("/somewhere/config.yaml"))


def schedule(text: str) -> Any:
    return read(f"sources: [{{id: a, kind: feed, schedule: {text}}}]").config.sources[0].schedule


def problem(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    (found,) = caught.value.problems
    return str(found)


def test_without_a_word_there_are_chores_and_no_endpoint_no_copies_and_no_notices() -> None:
    """What needs a place to go to is off until it is given one."""
    config = read("").config
    jobs = config.jobs
    assert (jobs.workers, jobs.time_zone, jobs.quiet_hours, jobs.visit_limit) == (4, "UTC", None, 2 * HOUR)
    assert (jobs.retry_media.every, jobs.look_again.days, jobs.deep_pass.every) == (HOUR, 30, timedelta(weeks=4))
    assert (jobs.fixity.at, jobs.fixity.within, jobs.backup.folder) == (time(3), timedelta(days=30), None)
    assert (config.status.address, config.notify.urls_env, jobs.free_space) == (None, None, 2_000_000_000)


def test_a_schedule_is_one_of_three() -> None:
    """An interval, five fields of cron, or adaptive with its bounds; with jitter, quiet hours and a time zone."""
    assert schedule("{every: 6h, jitter: 10m}").jitter == timedelta(minutes=10)
    full = schedule('{cron: "0 */6 * * *", quiet_hours: "23:00-05:00", time_zone: Europe/Paris}')
    assert (full.cron, full.quiet_hours, full.time_zone) == ("0 */6 * * *", Hours(time(23), time(5)), "Europe/Paris")
    assert schedule("{adaptive: {at_most: 3d}}").adaptive.at_least == HOUR
    assert schedule("{adaptive: {}}").adaptive.at_most == timedelta(days=2)


def test_a_chore_is_changed_in_part_or_switched_off() -> None:
    """What is not said stays as it is; ``off`` is off."""
    jobs = read("jobs: {fixity: {within: 10d}, deep_pass: off, backup: {folder: copies}}").config.jobs
    assert (jobs.fixity.within, jobs.fixity.every, jobs.deep_pass) == (timedelta(days=10), timedelta(days=1), None)
    assert (jobs.backup.folder, jobs.backup.keep) == (Path("copies"), 7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jobs: {workers: 0}", "jobs.workers: expected at least 1 (it says 0)"),
        ("jobs: {worker: 1}", "jobs.worker: is not a key that is known here; did you mean workers?"),
        ("jobs: {fixity: {every: 1d, whithin: 3d}}", "did you mean within?"),
        ("jobs: {deep_pass: }", "jobs.deep_pass: is empty; give it a value, or say off"),
        ("jobs: {time_zone: Paris}", "expected the name of a time zone such as Europe/Paris (it says 'Paris')"),
        ("jobs: {time_zone: ../../etc/passwd}", "expected the name of a time zone"),
        ("jobs: {quiet_hours: 22-6}", "expected hours such as 22:00-06:00"),
        ("jobs: {quiet_hours: '06:00-06:00'}", "with an end other than their start"),
        ("jobs: {visit_limit: soon}", "expected a number and a unit"),
        ("jobs: {visit_limit: 999w}", "expected at most ten years"),
        ("jobs: {free_space: lots}", "expected a size such as 500MB, 2GB or 2GiB"),
        ("jobs: {fixity: {at: 25:00}}", "expected a time of day such as 03:00"),
        ("status: {listen: '9464'}", "expected listen to be an address and a port such as 127.0.0.1:9464"),
        ("status: {listen: '0.0.0.0:9464'}", "0.0.0.0 is not this machine alone; if others are to read it, say public"),
        ("status: {listen: '127.0.0.1:99999'}", "expected listen to be an address and a port"),
        ('sources: [{id: a, kind: k, schedule: {cron: "0 0 30 2 *"}}]', "a time that comes, and this one never does"),
        ('sources: [{id: a, kind: k, schedule: {cron: "61 * * * *"}}]', "expected five cron fields"),
        ("sources: [{id: a, kind: k, schedule: {every: 1h, adaptive: {}}}]", "expected either every: 6h or cron"),
        ("sources: [{id: a, kind: k, schedule: {adaptive: {at_least: 9d}}}]", "at_most to be no shorter than at_least"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_words(text: str, expected: str) -> None:
    """Each with its key and what was expected."""
    assert expected in problem(text)


def test_where_programs_may_ask() -> None:
    """An address and a port; others than this machine only when that is said."""
    assert read("status: {listen: '127.0.0.1:9464'}").config.status.address == ("127.0.0.1", 9464)
    assert read("status: {listen: '[::1]:80'}").config.status.address == ("::1", 80)
    assert read("status: {listen: '0.0.0.0:9464', public: true}").config.status.address == ("0.0.0.0", 9464)  # noqa: S104 - nothing listens


def test_notices_are_sent_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The addresses hold secrets, and stand in a variable; one that is not set is told by its line."""
    file = read("notify: {urls_env: CUPOLA_NOTIFY}")
    monkeypatch.delenv("CUPOLA_NOTIFY", raising=False)
    with pytest.raises(ConfigError, match=r"line 1, notify.urls_env: .* CUPOLA_NOTIFY is not set"):
        assert file.notice_urls
    monkeypatch.setenv("CUPOLA_NOTIFY", " ntfy://a\n mailto://b ")
    assert file.notice_urls == ("ntfy://a", "mailto://b")
    assert read("").notice_urls == ()


@pytest.mark.parametrize(
    ("text", "clock"), [("03:00", time(3)), ("3:05", time(3, 5)), ("780", time(13)), ("23:59", time(23, 59))]
)
def test_a_time_of_day_is_read_also_where_yaml_makes_a_number_of_it(text: str, clock: time) -> None:
    """13:00 without quotes is 780 to YAML."""
    assert parse_clock(text) == clock


@pytest.mark.parametrize(("text", "size"), [("2GB", 2 * 10**9), ("2GiB", 2**31), ("1.5 MB", 1_500_000), ("7B", 7)])
def test_sizes(text: str, size: int) -> None:
    """In thousands, or in 1024s where that is said."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        (Hours(time(22), time(6)), (time(22), time(23), time(0), time(5, 59)), (time(6), time(21, 59))),
        (Hours(time(1), time(2)), (time(1), time(1, 59)), (time(0, 59), time(2), time(23))),
    ],
)
def test_hours_hold_their_start_and_not_their_end(
    hours: Hours, inside: tuple[time, ...], outside: tuple[time, ...]
) -> None:
    """Over midnight too."""
    assert all(map(hours.holds, inside))
    assert not any(map(hours.holds, outside))


def test_what_differs_between_two_configurations_is_told() -> None:
    """Sources by their id, the rest by its key; nothing where nothing differs."""

    def config(text: str) -> Config:
        return read(text).config

    a, b = "{id: a, kind: feed, url: u, schedule: {every: 1h}}", "{id: b, kind: feed, url: u}"
    before = config(f"sources: [{a}, {b}]")
    assert differences(before, before) == []
    after = config(f"jobs: {{workers: 2}}\nsources: [{a.replace('1h', '2h')}, {{id: c, kind: feed}}]")
    assert differences(before, after) == [
        "source c is new",
        "source b is gone",
        "the schedule of source a has changed",
        "jobs.workers has changed",
    ]
    assert differences(before, config(f"sources: [{a}, {b.replace('url: u', 'url: v')}]")) == ["source b has changed"]
