"""What systemd is told, read from a real socket such as its own."""

import os
import socket
import time
from pathlib import Path

import pytest

from jobs.systemd import Manager


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["path", "abstract"])
def ear(request: pytest.FixtureRequest, tmp_path: Path):
    """A listening socket, with a name in a folder or without one, and how the environment names it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@cupola-test-{os.getpid()}-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0", 1))
        listening.settimeout(10)
        yield listening, name


def heard(ear: socket.socket) -> list[str]:
    return ear.recv(4096).decode().splitlines()


def test_each_state_is_one_datagram(ear):
    """Ready with a status of one line, a status, reloading with the time of the manager's clock, stopping."""
    listening, name = ear
    manager = Manager({"NOTIFY_SOCKET": name})
    manager.ready("3 sources\nscheduled")
    manager.status("visiting é")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    manager.reloading()
    manager.stopping()
    assert heard(listening) == ["READY=1", "STATUS=3 sources scheduled"]
    assert heard(listening) == ["STATUS=visiting é"]
    state, when = heard(listening)
    assert state == "RELOADING=1"
    assert before <= int(when.removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert heard(listening) == ["STOPPING=1"]


def test_the_watchdog_hears_of_turns_twice_within_its_patience(ear):
    """A loop that turns often says so seldom; one that does not turn says nothing."""
    listening, name = ear
    clock = Clock()
    manager = Manager({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "20000000"}, monotonic=clock)
    assert manager.patience == 20.0
    for _ in range(81):
        manager.turned()
        clock.now += 0.25
    listening.setblocking(False)
    said = []
    while True:
        try:
            said.append(heard(listening))
        except BlockingIOError:
            break
    assert said == [["WATCHDOG=1"]] * 3  # at 0, 10 and 20 seconds


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "x"}],
)
def test_nobody_watches_whom_the_manager_does_not_name(environment):
    """No watchdog, an odd one, or one of another process."""
    assert Manager(environment).patience is None


def test_without_a_manager_or_with_a_deaf_one_the_work_goes_on(tmp_path: Path):
    """Nothing is said, and nothing is raised; what the watchdog could not be told is said at the next turn."""
    Manager({}).ready("x")
    name = str(tmp_path / "notify")
    manager = Manager({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000"}, monotonic=Clock())
    manager.turned()
    manager.stopping()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name)
        listening.settimeout(10)
        manager.turned()
        assert heard(listening) == ["WATCHDOG=1"]
