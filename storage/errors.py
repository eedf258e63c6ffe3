"""Everything that can go wrong with the archive, and the evidence each error carries.

StorageError                  one base for the room; ``path`` or address of the archive where known
 +-- ArchiveMissing           there is no archive where one was to be read
 +-- SchemaOutOfDate          made by an older (or newer) Cupola; ``found``, ``expected``
 +-- IndexBehind              what posts are found by is being built, or its building was cut off
 +-- ArchiveLocked            somebody else writes for longer than we wait
 +-- ArchiveReadOnly          the file or folder may not be written to
 +-- ArchiveUnreachable       the database's server does not answer, does not let us in, or went away
 +-- ArchiveDamaged           the database file is not one, or is broken
 +-- BlobMismatch             bytes that are not those of their name; ``sha256``
 +-- BlobMissing              a media file that should be held is not there; ``sha256``
 +-- SourceBusy               another run has the source's lease; ``source_id``, ``holder``
 +-- DiskFull                 no space is left where the archive lives
 +-- BackupRefused            a backup or an archive is not written there; what is there stays
 +-- ExportRefused            an export is not written there, or not in this format; what is there stays
 +-- ImportRefused            what is to be brought in is no export of Cupola's, or of a newer one
 +-- LineRefused              a line of it cannot be brought in; ``path``, ``line``
 +-- UnknownKey               no such post; ``key``, ``nearest``
 +-- SqlRefused               a person's own SQL is wrong, would write, or is over a limit
 +-- QueryRefused             a question in the query language is wrong or too long; ``text``, ``at``
 +-- PageRefused              a page token is broken, or of another question; ``token``
 +-- UnknownAuthor            no post by this author; ``author``, ``nearest``
 +-- DecisionRefused          what a curator says does not fit the post; ``key``
 +-- RowRefused               the database does not take these values: a bug or a very odd post, not the archive's state

Please add a line here with every new error.
"""


class StorageError(Exception):
    """Base of the archive's errors; the message is one sentence for a person."""


class ArchiveMissing(StorageError):
    """There is no archive where one was to be read."""


class SchemaOutOfDate(StorageError):
    """The archive was made by another version of Cupola; the message names what to do."""

    def __init__(self, message: str, *, found: str | None, expected: str) -> None:
        super().__init__(message)
        self.found = found
        self.expected = expected


class IndexBehind(StorageError):
    """Not every post can be found yet: the index is being built, or that was cut off; the message says what to do."""


class ArchiveLocked(StorageError):
    """Another process held the database for longer than we wait."""


class ArchiveReadOnly(StorageError):
    """The archive may be read but not written to."""


class ArchiveUnreachable(StorageError):
    """The database's server does not answer, does not let us in, or went away in the middle."""


class ArchiveDamaged(StorageError):
    """The database file is broken, or is no database."""


class BlobMismatch(StorageError):
    """The bytes of a media file are not those of its name."""

    def __init__(self, message: str, *, sha256: str) -> None:
        super().__init__(message)
        self.sha256 = sha256


class BlobMissing(StorageError):
    """A media file that should be held is not there."""

    def __init__(self, message: str, *, sha256: str) -> None:
        super().__init__(message)
        self.sha256 = sha256


class SourceBusy(StorageError):
    """Another run has the lease of ``source_id``; ``holder`` describes it."""

    def __init__(self, message: str, *, source_id: str, holder: str) -> None:
        super().__init__(message)
        self.source_id = source_id
        self.holder = holder


class DiskFull(StorageError):
    """No space is left on the disk that holds the archive."""


class BackupRefused(StorageError):
    """A backup, or a restored archive, is not written to this place: something else is there."""


class ExportRefused(StorageError):
    """An export is not written to this place, or not in this format: the sentence says what to do."""


class ImportRefused(StorageError):
    """What is to be brought in is no export of Cupola's, or one that this version cannot read."""


class LineRefused(StorageError):
    """One line of an export cannot be brought in; ``path`` and ``line`` say which. The others are."""

    def __init__(self, message: str, *, path: str, line: int) -> None:
        super().__init__(message)
        self.path = path
        self.line = line


class UnknownKey(StorageError):
    """No post has this key or address; ``nearest`` are keys that look like it."""

    def __init__(self, message: str, *, key: str, nearest: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.key = key
        self.nearest = nearest


class SqlRefused(StorageError):
    """A person's own SQL is wrong, would write, or is over a limit; the archive itself is well."""


class QueryRefused(StorageError):
    """A question to the archive is not in its query language; ``at`` is where in ``text``, None: all of it."""

    def __init__(self, message: str, *, text: str, at: int | None = None) -> None:
        super().__init__(message)
        self.text = text
        self.at = at


class PageRefused(StorageError):
    """A page token is broken, or was given by a question with other filters or in another order."""

    def __init__(self, message: str, *, token: str) -> None:
        super().__init__(message)
        self.token = token


class UnknownAuthor(StorageError):
    """No post is by this author; ``nearest`` are names that look like it."""

    def __init__(self, message: str, *, author: str, nearest: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.author = author
        self.nearest = nearest


class DecisionRefused(StorageError):
    """What a curator says does not fit the post: a picture or a part of the text that it does not have."""

    def __init__(self, message: str, *, key: str) -> None:
        super().__init__(message)
        self.key = key


class RowRefused(StorageError):
    """The database does not take these values; the archive itself is well."""
