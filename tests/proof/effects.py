"""Numbers what this process does to the disk, and ends it, or lets the disk fail, at one of the numbers.

An effect is a file opened to be written, a write, a sync, a new or changed name, a cut: Python's own by audit hooks
(https://docs.python.org/3/library/audit_events.html) and in place of ``os.write``, ``os.fsync`` and ``io.open``; those
of SQLite by its table of system calls (https://sqlite.org/c3ref/vfs.html, ``xSetSystemCall``); on PostgreSQL each
statement and each commit, which are what reaches its server. The program that is watched needs to know nothing of it.
"""

from __future__ import annotations

import builtins
import ctypes
import errno
import io
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: audit events that change names or files; their first argument is a path or a descriptor
_NAMED = {"os.mkdir", "os.rename", "os.remove", "os.link", "os.truncate", "os.rmdir", "os.utime", "os.chmod"}
#: effects that need room on the disk
_GROWING = ("open", "write", "mkdir", "link", "fsync", "sqlite-open", "sqlite-write")

_fsync, _write, _open = os.fsync, os.write, io.open


class Effects:
    """The count, and what is to happen.

    Args:
        watched: folders; what happens elsewhere is not counted.
        trace: a file that is told of every effect, a line each.
        at: the number of the effect at which something happens, from 1.
        act: ``kill`` before it; ``tear``: in the middle of it, if it writes; ``full``: there is no room from there
            on; ``fail``: the disk fails once.
    """

    def __init__(self, watched: list[str], trace: str, at: int | None, act: str | None) -> None:
        self.watched = tuple(watched)
        self.trace = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.at, self.act, self.count = at, act, 0
        self.lock = threading.RLock()

    def happens(self, kind: str, name: str) -> int | None:
        """Count an effect; the errno with which it has to fail, -1 if it is to be done by half, None to go on."""
        with self.lock:
            self.count += 1
            _write(self.trace, f"{kind} {name}\n".encode(errors="replace"))
            if self.at is None or self.count < self.at:
                return None
            is_due = self.count == self.at
            if is_due and self.act == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if is_due and self.act == "tear":
                if "write" in kind:
                    return -1
                os.kill(os.getpid(), signal.SIGKILL)
            if is_due and self.act == "fail":
                return errno.EIO
            if self.act == "full" and kind in _GROWING:
                return -1 if is_due and "write" in kind else errno.ENOSPC
            return None

    def torn(self) -> None:
        """After half of a write: the end, if that is what is to happen."""
        if self.act == "tear":
            os.kill(os.getpid(), signal.SIGKILL)

    def raised(self, kind: str, name: str) -> bool:
        """Count an effect of Python's, or raise what the disk says; whether it is to be done by half."""
        fault = self.happens(kind, name)
        if fault is not None and fault > 0:
            raise OSError(fault, os.strerror(fault), name)
        return fault == -1

    def is_watched(self, path: object) -> bool:
        """Whether something lies in one of the folders; a descriptor or a relative name does."""
        if isinstance(path, int):
            return True
        text = os.fsdecode(path) if isinstance(path, bytes | str | os.PathLike) else ""
        return text.startswith(self.watched) or not os.path.isabs(text)

    def begin(self) -> None:
        """Watch from now on."""
        sys.addaudithook(self._heard)
        os.fsync, os.write = self._synced, self._written  # type: ignore[assignment]
        io.open = builtins.open = self._opened  # type: ignore[assignment]
        _watch_sqlite(self)
        _watch_postgresql(self)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if flags & _WRITES and not isinstance(path, int) and os.fsdecode(path).startswith(self.watched):
                self.raised("open", os.fsdecode(path))
        elif event in _NAMED and self.is_watched(arguments[0]):
            self.raised(event.removeprefix("os."), str(arguments[0]))

    def _synced(self, place: int) -> None:
        self.raised("fsync", _name(place))
        _fsync(place)

    def _written(self, place: int, data: Any) -> int:
        if place > 2 and stat.S_ISREG(os.fstat(place).st_mode) and self.raised("write", _name(place)):
            done = _write(place, memoryview(data)[: len(data) // 2])
            self.torn()
            return done
        return _write(place, data)

    def _opened(self, file: Any, mode: str = "r", buffering: int = -1, *more: Any, **others: Any) -> Any:
        is_ours = isinstance(file, str | os.PathLike) and os.fspath(file).startswith(self.watched)
        if not is_ours or not set(mode) & set("wax+"):
            return _open(file, mode, buffering, *more, **others)
        if "b" not in mode:
            raise NotImplementedError(f"text is not expected in an archive: {file}")
        raw = _Watched(file, mode.replace("b", ""))
        raw.effects = self
        return raw if buffering == 0 else io.BufferedWriter(raw)


class _Watched(io.FileIO):
    """A file whose writes are counted."""

    effects: Effects

    def write(self, data: Any) -> int:
        view = memoryview(data)
        if self.effects.raised("write", str(self.name)):
            done = super().write(view[: len(view) // 2])
            self.effects.torn()
            return done
        return super().write(view)

    def truncate(self, size: int | None = None) -> int:
        self.effects.raised("truncate", str(self.name))
        return super().truncate(size)


def _name(place: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{place}")
    except OSError:
        return f"descriptor {place}"


class _Vfs(ctypes.Structure):
    """``sqlite3_vfs``, version 3."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("version", "size", "longest")),
        *((name, ctypes.c_void_p) for name in ("next", "name", "data", "open", "delete", "access", "full")),
        *((f"dl{number}", ctypes.c_void_p) for number in range(4)),
        *((name, ctypes.c_void_p) for name in ("random", "sleep", "time", "error", "time64")),
        *((name, ctypes.c_void_p) for name in ("set_call", "get_call", "next_call")),
    )


_PWRITE = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64, use_errno=True
)
_FTRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int64, use_errno=True)
_UNLINK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, use_errno=True)
_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_int, use_errno=True)
#: functions that SQLite calls must live as long as it does
_alive: list[object] = []


def _watch_sqlite(effects: Effects) -> None:
    """Put ours in place of SQLite's system calls; where it was built so that nobody can, they are not counted."""
    import _sqlite3

    library = ctypes.CDLL(_sqlite3.__file__)
    if not hasattr(library, "sqlite3_vfs_find"):
        return
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None)
    set_call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(vfs.contents.set_call)
    get_call = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(vfs.contents.get_call)

    def replace(name: str, shape: Any, made: Callable[[Any], Callable[..., int]]) -> None:
        address = get_call(vfs, name.encode())
        if address:
            ours = shape(made(shape(address)))
            _alive.append(ours)
            set_call(vfs, name.encode(), ctypes.cast(ours, ctypes.c_void_p))

    def failing(kind: str, name: Callable[..., str], real: Any, counted: Callable[..., bool]) -> Callable[..., int]:
        def called(*arguments: Any) -> int:
            fault = effects.happens(kind, name(*arguments)) if counted(*arguments) else None
            if fault is not None and fault > 0:
                ctypes.set_errno(fault)
                return -1
            if fault == -1:
                place, data, size, at = arguments
                done: int = real(place, data, size // 2, at)
                effects.torn()
                return done
            result: int = real(*arguments)
            return result

        return called

    by_number = lambda place, *_: _name(place)  # noqa: E731
    by_path = lambda path, *_: os.fsdecode(path or b"")  # noqa: E731
    always = lambda *_: True  # noqa: E731
    is_new = lambda path, flags, _: bool(flags & os.O_CREAT) and not os.path.exists(path)  # noqa: E731
    for name in ("pwrite", "pwrite64"):
        replace(name, _PWRITE, lambda real: failing("sqlite-write", by_number, real, always))
    replace("ftruncate", _FTRUNCATE, lambda real: failing("sqlite-cut", by_number, real, always))
    replace("unlink", _UNLINK, lambda real: failing("sqlite-remove", by_path, real, always))
    replace("open", _OPEN, lambda real: failing("sqlite-open", by_path, real, is_new))


def _watch_postgresql(effects: Effects) -> None:
    """Each statement and commit; only killing makes sense there, for no disk is ours."""
    try:
        import psycopg
    except ImportError:
        return
    commit, execute = psycopg.Connection.commit, psycopg.Cursor.execute

    def committed(self: Any) -> None:
        effects.happens("commit", "before")
        commit(self)
        effects.happens("commit", "after")

    def executed(self: Any, query: Any, *more: Any, **others: Any) -> Any:
        if str(query).split(None, 1)[0].upper() not in ("SELECT", "SHOW"):
            effects.happens("statement", " ".join(str(query).split())[:60])
        return execute(self, query, *more, **others)

    psycopg.Connection.commit, psycopg.Cursor.execute = committed, executed  # type: ignore[method-assign]
