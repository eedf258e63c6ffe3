"""Media files of an export on their way into an archive: found by their hash alone, read once, compared with it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from scraper.model import Asset
from storage.blobs import Blobs, relative_path
from storage.disk import disk_fault
from storage.errors import BlobMismatch

_CHUNK = 2**20
#: bytes from the start by which a kind of picture is known
HEAD = 8192


class Pictures:
    """The folder from which media files are taken; no name in it is made of what a record says but the hash.

    Args:
        folder: the one that holds ``media/``; None when there is none.
        blobs: where they go.
        recognise: given the first bytes of a file, says which media type it is; ValueError for what is not taken.
    """

    def __init__(self, folder: Path | None, blobs: Blobs, recognise: Callable[[bytes], str]) -> None:
        self._folder, self._blobs, self._recognise = folder, blobs, recognise

    def take(self, asset: Asset) -> bool:
        """Take a file in; whether it was there.

        Raises:
            BlobMismatch: its bytes are not those of its name, or are not what the record calls them.
            DiskFull, ArchiveReadOnly, StorageError: the archive's disk is at fault.
        """
        if self._folder is None:
            return False
        path = self._folder / relative_path(asset.sha256, asset.extension)
        try:
            # a pipe is not waited for, and a link is no file of an export
            place = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise BlobMismatch(
                f"{path} cannot be read ({os.strerror(error.errno or 0)})", sha256=asset.sha256
            ) from error
        with os.fdopen(place, "rb") as file:
            if not stat.S_ISREG(os.fstat(place).st_mode):
                raise BlobMismatch(f"{path} is no file", sha256=asset.sha256)
            incoming = self._blobs.incoming()
            try:
                digest, size, head = hashlib.sha256(), 0, b""
                while chunk := _read(file, path):
                    head = head or chunk[:HEAD]
                    size += len(chunk)
                    if size > asset.size:
                        break
                    digest.update(chunk)
                    incoming.write(chunk)
                self._check(asset, path, digest.hexdigest(), size, head)
                incoming.commit(asset.sha256, asset.extension)
            finally:
                incoming.discard()
        return True

    def _check(self, asset: Asset, path: Path, sha256: str, size: int, head: bytes) -> None:
        if size != asset.size:
            more = "more" if size > asset.size else f"{size:,}"
            raise BlobMismatch(f"{path} is damaged: {more} bytes in place of {asset.size:,}", sha256=asset.sha256)
        if sha256 != asset.sha256:
            raise BlobMismatch(f"{path} is damaged: its bytes have the hash {sha256}", sha256=asset.sha256)
        try:
            found = self._recognise(head)
        except ValueError as error:
            raise BlobMismatch(f"{path} is not taken: {error}", sha256=asset.sha256) from error
        if found != asset.media_type:
            raise BlobMismatch(f"{path} is {found}, and its record calls it {asset.media_type}", sha256=asset.sha256)


def _read(file: BinaryIO, path: Path) -> bytes:
    try:
        return file.read(_CHUNK)
    except OSError as error:
        raise disk_fault(error, path) from error
