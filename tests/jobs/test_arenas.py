"""The heaps of a process with many threads, counted by the C library itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

_CROWD = """
import ctypes, os, sys, threading
from jobs.arenas import keep_little

print(keep_little(os.environ))
at_once = threading.Barrier(16)

def hold():
    at_once.wait()
    bytearray(50_000)
    at_once.wait()

threads = [threading.Thread(target=hold) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
ctypes.CDLL(None).malloc_stats()
"""


def _crowd(**environment: str) -> tuple[bool, int]:
    """What ``keep_little`` said in a process of its own, and the heaps there were after sixteen threads at once."""
    kept: Mapping[str, str] = {name: value for name, value in os.environ.items() if "MALLOC" not in name}
    run = subprocess.run(
        [sys.executable, "-c", _CROWD], env={**kept, **environment}, capture_output=True, text=True, check=False
    )
    if "malloc_stats" in run.stderr:
        pytest.skip("the C library here does not tell its heaps: it is not glibc")
    assert run.returncode == 0, run.stderr
    return run.stdout.strip() == "True", run.stderr.count("Arena ")


def test_sixteen_threads_share_two_heaps() -> None:
    """One for the main thread, one for the rest, however many cores there are."""
    assert _crowd() == (True, 2)


_LARGE = """
import ctypes, os
from jobs.arenas import keep_little

class Told(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

keep_little(os.environ)
mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Told
bytearray(8_000_000)
before = mallinfo().hblks
held = bytearray(4_000_000)
print(mallinfo().hblks - before)
"""


def test_a_large_piece_goes_back_to_the_system() -> None:
    """Also when a larger one was given back before, after which glibc by itself would keep pieces of that size."""
    run = subprocess.run([sys.executable, "-c", _LARGE], capture_output=True, text=True, check=False)
    if "mallinfo2" in run.stderr:
        pytest.skip("the C library here does not tell its pieces: it is not glibc, or an old one")
    assert (run.stdout.strip(), run.stderr) == ("1", "")


def test_who_set_the_number_of_heaps_has_so_many() -> None:
    """``MALLOC_ARENA_MAX`` of the environment is not overruled."""
    assert _crowd(MALLOC_ARENA_MAX="3") == (False, 3)
