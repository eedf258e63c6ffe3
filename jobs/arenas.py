"""How the C library keeps memory for a process that has many threads and lives for months.

glibc gives each thread a heap of its own, up to eight times as many as there are cores, and keeps what each once held.
Large pieces it keeps, too, once one of that size was given back, in holes that nothing else fills. Measured over six
minutes of ten visits a second by eight workers, on two cores: 140 MB as it is, 115 MB with two heaps; over three
minutes with pictures of 2 MB: 125 MB with two heaps, 110 MB when large pieces are given back, too.
See https://man7.org/linux/man-pages/man3/mallopt.3.html.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

#: heaps: one for the main thread, one for all others, which take turns at Python anyhow
ARENAS = 2
#: bytes from which on a piece comes from the system by itself and goes back there: where glibc begins; else it goes up
LARGE = 128 * 1024
#: M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h, each with what the environment says of it
_OPTIONS = (
    (-8, ARENAS, "MALLOC_ARENA_MAX"),
    (-3, LARGE, "MALLOC_MMAP_THRESHOLD_"),
    (-1, LARGE, "MALLOC_TRIM_THRESHOLD_"),
)


def keep_little(environment: Mapping[str, str]) -> bool:
    """Let this process have ``ARENAS`` heaps, and give large pieces back; to be called before its threads are started.

    Args:
        environment: where it says anything of this (``MALLOC_…``, ``GLIBC_TUNABLES``), nothing is done.

    Returns:
        Whether it was done; a C library that is not glibc cannot be told.
    """
    is_told = any(name in environment for _, _, name in _OPTIONS)
    if is_told or "glibc.malloc." in environment.get("GLIBC_TUNABLES", ""):
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return False
    return all(tell(option, value) for option, value, _ in _OPTIONS)
