"""Carries notices to where people read them, by apprise: mail, Matrix, Slack, ntfy and some hundred more.

The addresses hold secrets: no message of ours and none of apprise's shows any part of them.
See https://github.com/caronc/apprise/wiki for what they look like.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Protocol
from urllib.parse import unquote

from jobs.errors import JobsError, UsageError
from jobs.logs import printable
from jobs.notices import Notice
from jobs.secrecy import hide

#: pieces of an address that are too short to be a secret, or to be hidden without hiding half of all words
_SHORT = 4


class NotSent(JobsError):
    """A notice could not be delivered to one address."""


class Messenger(Protocol):
    """Brings a notice to one place; ``name`` is what it is called in a message, without a secret."""

    name: str

    def send(self, notice: Notice) -> None:
        """Deliver it, however long that takes.

        Raises:
            NotSent: it was not taken.
        """


class AppriseMessenger:
    """One address of apprise's."""

    def __init__(self, url: str, place: str) -> None:
        try:
            import apprise
        except ImportError as error:
            raise UsageError(
                "notices are sent by the package apprise, which is not installed: pip install 'cupola[notify]'"
            ) from error
        self._format = apprise.NotifyFormat.TEXT
        # nothing is kept on the disk, and nothing in a text is obeyed
        asset = apprise.AppriseAsset(
            app_id="Cupola", app_desc="Cupola", storage_mode="memory", interpret_escapes=False, interpret_emojis=False
        )
        self._apprise = apprise.Apprise(asset=asset)
        with warnings.catch_warnings():
            # it loads its services now, and with one of them a part of Python that is on its way out
            warnings.simplefilter("ignore", DeprecationWarning)
            is_understood = self._apprise.add(url)
        if not is_understood:
            raise UsageError(f"{place} is none that apprise understands")
        self.name = f"{place} ({self._apprise[0].service_name})"

    def send(self, notice: Notice) -> None:
        """See ``Messenger``."""
        try:
            is_sent = self._apprise.notify(title=notice.title, body=notice.body, body_format=self._format)
        except Exception as error:  # each of apprise's hundred services has errors of its own
            raise NotSent(f"a notice could not be sent to {self.name}: {type(error).__name__}") from error
        if not is_sent:
            raise NotSent(f"a notice could not be sent to {self.name}")


def messengers_of(urls: Sequence[str], variable: str) -> list[Messenger]:
    """One for each address.

    Args:
        urls: apprise's addresses.
        variable: the environment variable that holds them, for messages.

    Raises:
        UsageError: apprise is not installed, or does not understand an address; which is told by its number.
    """
    hide(urls)
    _hide(urls)
    return [AppriseMessenger(url, f"address {number} in {variable}") for number, url in enumerate(urls, 1)]


def _hide(urls: Iterable[str]) -> None:
    """Let the log of apprise, and of the web client that it uses, show no part of these addresses.

    What ``jobs.secrecy`` hides are whole values; here they are taken to pieces and put together anew.
    """
    secrets: set[str] = set()
    for url in urls:
        scheme, separator, rest = url.partition("://")
        for text in (rest, unquote(rest)) if separator else (scheme, unquote(scheme)):
            secrets |= {piece for piece in re.split(r"[/:@?&=,;#\s]+", text) if len(piece) >= _SHORT}
    for name in ("apprise", "urllib3.connectionpool"):
        logger = logging.getLogger(name)
        for earlier in [item for item in logger.filters if isinstance(item, _Hiding)]:
            logger.removeFilter(earlier)
        logger.addFilter(_Hiding(secrets))


class _Hiding(logging.Filter):
    def __init__(self, secrets: set[str]) -> None:
        super().__init__()
        # the longest first, so that none is cut by another that is part of it
        pieces = sorted(secrets, key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, pieces)) if pieces else r"(?!)")

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._secret.sub("***", printable(record.getMessage())), ()
        record.exc_info = record.exc_text = None
        return True
