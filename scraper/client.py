"""The polite client: the only module that talks to the web; what is polite is decided in ``scraper.manners``.

Pages and API answers go through requests, picture bytes straight through urllib3, which costs a third of the
CPU. Both take their connections from one pool, whose sockets are opened by ``scraper.address.Door``.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import random as randomness
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import unquote

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from scraper.address import Door, Target, target_of
from scraper.capture import Capture, Request
from scraper.delivery import Answer, Broken, Sink, Streamed
from scraper.manners import Manners, usable_contact
from scraper.masking import veiled
from scraper.settings import HttpSettings
from scraper.wire import PacedResponse

__all__ = ["PoliteClient", "Sink", "Streamed"]

_CHUNK = 2**18
_HOSTS = 32  # whose idle connections are kept
_NEVER = urllib3.Retry(False, redirect=False)  # every new try and every hop is decided in manners


class PoliteClient:
    """Asks the web in the way the settings say; thread-safe. Close it, or use it in a ``with``.

    Args:
        settings: who we are, how often we ask, what we refuse.
        version: goes into the User-Agent.
        now: the time, aware UTC.
        clock: seconds that only go forward, for the rate budget.
        sleep: waits; what it raises (an interruption) ends the wait and is passed on.
        on_wait: told host, seconds and reason before each wait.
        random: a number in [0, 1) that spreads the waits between tries.
        before: a client whose budgets, with their clock and sleep, this one goes on with.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        version: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        on_wait: Callable[[str, float, str], None] | None = None,
        random: Callable[[], float] = randomness.random,
        before: PoliteClient | None = None,
    ) -> None:
        contact = usable_contact(settings.contact)
        door = Door(settings.allow_hosts, anonymous=contact is None)
        self._settings = settings
        self._pools = _pools(settings, door)
        self._adapter = _Adapter(self._pools)
        self._manners: Manners = Manners(
            settings,
            agent=f"cupola/{version} (+{contact})" if contact else f"cupola/{version}",
            door=door,
            pages=self._open_page,
            now=now,
            clock=clock,
            sleep=sleep,
            on_wait=on_wait,
            random=random,
            throttle=before._manners.throttle if before is not None else None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection that is kept open."""
        self._pools.clear()

    def fetch(self, request: Request) -> Capture:
        """The answer to ``request``: status 200, or 304 when the request carried a validator.

        Where the host repeats the request's token or key in its answer, asterisks stand in its place.

        Raises:
            FetchError: there is no usable answer; its class says why.
        """
        body = _Body()
        done = self._manners.ask(request, self._open_page, body, self._settings.max_page_bytes)
        return Capture(
            request=request,
            url=_veiled(done.url, request),
            status=done.status,
            headers={name: _veiled(value, request) for name, value in done.headers.items()},
            body=veiled(b"".join(body), request.secrets),
            fetched_at=done.fetched_at,
        )

    def stream(self, request: Request, sink: Sink, *, max_bytes: int | None = None) -> Streamed:
        """The answer to ``request`` with its body written into ``sink`` as it comes.

        A body that breaks off is taken up where it did, or begins again (``sink.begin``). What the sink raises goes on.

        Args:
            request: a validator in it may be answered by 304; then the sink is not touched.
            sink: takes the body.
            max_bytes: the cap on unpacked bytes, in place of ``http.max_media_bytes``.

        Raises:
            FetchError: there is no usable answer; its class says why.
        """
        limit = self._settings.max_media_bytes if max_bytes is None else max_bytes
        return self._manners.ask(request, self._open_picture, sink, limit, resumes=True)

    def _open_page(self, target: Target, headers: Mapping[str, str]) -> Answer:
        # the adapter without a Session: that would add cookies, netrc and the environment's proxies, and would
        # read the whole body of a redirect, bomb or not
        page = requests.Request("GET", target.url, headers={**headers, "Accept-Encoding": "gzip, deflate"})
        try:
            return _Answer(self._adapter.send(page.prepare(), stream=True, timeout=self._settings.timeout).raw)
        except (urllib3.exceptions.HTTPError, requests.RequestException) as error:
            raise _broken(error) from error

    def _open_picture(self, target: Target, headers: Mapping[str, str]) -> Answer:
        try:
            return _Answer(
                self._pools.urlopen(
                    "GET",
                    target.url,
                    redirect=False,
                    headers={**headers, "Accept-Encoding": "identity"},  # a picture is packed as it is
                    retries=_NEVER,
                    timeout=self._settings.timeout,
                    preload_content=False,
                    decode_content=False,
                )
            )
        except urllib3.exceptions.HTTPError as error:
            raise _broken(error) from error


def _veiled(text: str, request: Request) -> str:
    return veiled(text.encode("utf-8", "surrogateescape"), request.secrets).decode("utf-8", "surrogateescape")


class _Body(list[bytes]):
    """Keeps a body in memory."""

    def begin(self, url: str, headers: Mapping[str, str]) -> None:
        self.clear()

    def write(self, chunk: bytes) -> None:
        self.append(chunk)


class _Answer:
    """urllib3's response as ``manners`` wants it."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.itermerged()}

    def read(self) -> bytes:
        try:
            # read1 gives what is there; read would wait for the whole chunk
            return self._response.read1(_CHUNK, decode_content=False)
        except urllib3.exceptions.HTTPError as error:
            raise _broken(error) from error

    def let_go(self) -> None:
        """Keep the connection if little is left to read, else close it: nothing unwanted is waited for or unpacked."""
        response = self._response
        with contextlib.suppress(urllib3.exceptions.HTTPError):  # closed below
            for _ in range(4):
                if response.connection is None or not response.read1(2**14, decode_content=False):
                    break
        response.close()
        response.release_conn()


class _Adapter(HTTPAdapter):
    """Gives requests the guarded pools in place of its own."""

    def __init__(self, pools: urllib3.PoolManager) -> None:
        self._pools = pools
        super().__init__(max_retries=_NEVER)

    def init_poolmanager(self, *_: Any, **__: Any) -> None:
        self.poolmanager = self._pools

    def get_connection_with_tls_context(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> Any:
        return self._pools.connection_from_url(str(request.url))

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """The pools' own TLS context verifies."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        url = str(request.url)
        return url if self._pools.proxy is not None and url.startswith("http:") else request.path_url


def _pools(settings: HttpSettings, door: Door) -> urllib3.PoolManager:
    """Connection pools whose sockets the door opens; over the proxy, if one is configured."""
    options: dict[str, Any] = {"maxsize": settings.connections, "block": True}
    if settings.proxy is None:
        pools = urllib3.PoolManager(_HOSTS, **options)
    else:
        auth = urllib3.util.parse_url(settings.proxy).auth
        headers = urllib3.make_headers(proxy_basic_auth=unquote(auth)) if auth else None
        options |= {"proxy_headers": headers, "proxy_ssl_context": _trust() if "https:" in settings.proxy else None}
        pools = urllib3.ProxyManager(settings.proxy, _HOSTS, **options)
        place = target_of(settings.proxy.replace(f"{auth}@", ""))
        door = Door([place.host])  # whoever wrote it into the configuration meant it

    def guarded(kind: type[HTTPConnection]) -> Any:
        ways = {"_new_conn": lambda self: _connected(self, door), "response_class": PacedResponse}
        return type(kind.__name__, (kind,), ways)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = guarded(HTTPConnection)

    trust = functools.cache(_trust)  # made when it is first needed: it takes 40 ms

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = guarded(HTTPSConnection)

        def __init__(self, *place: Any, **options: Any) -> None:
            super().__init__(*place, **options, ssl_context=trust())

    pools.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return pools


def _trust() -> ssl.SSLContext:
    context = ssl.create_default_context()  # what this machine trusts (also by SSL_CERT_FILE) ...
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)  # ... and where it has nothing, what browsers trust
    return context


def _connected(connection: HTTPConnection, door: Door) -> socket.socket:
    """What urllib3's ``_new_conn`` does, through the door; its errors are those that urllib3 expects."""
    host, port = connection.host, connection.port
    timeout = float(connection.timeout or 60.0)
    try:
        return door.connect(host, port, timeout=timeout, options=connection.socket_options or ())
    except socket.gaierror as error:
        raise NameResolutionError(host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, f"no connection to {host}:{port} within {timeout:g} s") from error
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error


def _broken(error: Exception) -> Broken:
    """The error in words, by the most telling of its causes."""
    causes = list(_causes(error))

    def first(kind: type[Any]) -> Any:
        return next((cause for cause in causes if isinstance(cause, kind)), None)

    if certificate := first(ssl.SSLCertVerificationError):
        what = (
            f"its certificate is not valid ({certificate.verify_message}); check the address and this machine's clock"
        )
        return Broken(what, passing=False, retriable=False)
    if unresolved := first(socket.gaierror):
        again = unresolved.errno == socket.EAI_AGAIN
        return Broken("the host name is not known; check its spelling, and the connection", passing=again)
    if short := first(http.client.IncompleteRead):
        missing = f", {short.expected} bytes short of what was announced" if short.expected else ""
        return Broken(f"the answer broke off{missing}")
    if first(ConnectTimeoutError) and not first(NewConnectionError):
        return Broken("nobody answered within the time-out (http.timeout)")
    if slow := first(TimeoutError):
        return Broken(f"the answer took too long ({slow}; http.timeout)")
    if isinstance(error, (urllib3.exceptions.LocationValueError, requests.exceptions.InvalidURL)):
        return Broken(f"the address cannot be used ({error})", passing=False, retriable=False)
    inner = causes[-1]
    said = getattr(inner, "strerror", None) or f"{type(inner).__name__}: {inner}"
    shut = isinstance(inner, ConnectionRefusedError)
    return Broken(f"the connection failed ({said}); ask again later", refused=shut)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it wraps, outermost first."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        wrapped = next((part for part in inner.args if isinstance(part, BaseException)), None)
        inner = inner.__cause__ or wrapped
