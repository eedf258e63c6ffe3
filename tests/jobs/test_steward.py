"""What stands around the daemon: what is asked of it before there is one, and while it begins anew."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.config import load
from jobs.daemon import Daemon
from jobs.steward import Steward
from jobs.systemd import Manager

SOON = 30.0


@pytest.fixture
def steward(tmp_path: Path) -> Steward:
    """Of one source, at a port where nobody listens, that waits for its first night."""
    path = tmp_path / "config.yaml"
    source = '{id: one, kind: feed, url: "http://127.0.0.1:9/feed", schedule: {cron: "0 3 1 1 *"}}'
    path.write_text(f"http: {{allow_hosts: ['127.0.0.1:9']}}\nsources: [{source}]\n")
    return Steward(load(path), Manager({}))


def until(holds: Callable[[], Any]) -> None:
    end = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_configuration_that_was_to_be_read_again_before_there_was_a_daemon_is(
    steward: Steward, caplog: pytest.LogCaptureFixture
) -> None:
    """SIGHUP while the archive is waited for."""
    caplog.set_level(logging.INFO, "jobs")
    steward.load_again()
    thread = threading.Thread(target=steward.run, daemon=True)
    thread.start()
    until(lambda: "the configuration was read again: nothing has changed" in caplog.text)
    assert steward.stop() is False
    assert steward.stop() is True
    thread.join(SOON)
    assert not thread.is_alive()


def test_a_daemon_that_is_asked_to_stop_while_it_begins_anew_stops(
    steward: Steward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its threads hang, so that it is to be replaced: a signal in its last seconds is the first one, and counts."""
    told: list[bool] = []

    def worn_out(self: Daemon, started: Callable[[], None]) -> bool:
        self.stop()
        told.append(steward.stop())
        return True

    monkeypatch.setattr(Daemon, "run", worn_out)
    assert steward.run() is False
    assert told == [False]
