"""Fetching a page: bounded in size, time and redirects, and never from inside the network.

Each address is resolved once, checked, and connected to by number, so that a name cannot point elsewhere between the
check and the connection. That holds for every redirect too.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qa.errors import FetchError
from qa.ingest.read import MAX_BYTES, read_bytes
from qa.types import Source

if TYPE_CHECKING:
    import httpx

MAX_REDIRECTS = 5
MAX_SECONDS = 30.0
_GRACE = 2.0
LONGEST_ADDRESS = 2048

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_HEADERS = {
    "user-agent": "citeqa (+https://pypi.org/project/citeqa/)",
    "accept": "text/html,application/xhtml+xml,application/pdf,text/plain;q=0.9,*/*;q=0.5",
    "accept-encoding": "gzip, deflate",
}


@dataclass(frozen=True, slots=True)
class _Page:
    url: str
    charset: str | None
    data: bytes


def fetch(url: str, *, max_bytes: int = MAX_BYTES, timeout: float = MAX_SECONDS, allow_private: bool = False) -> Source:
    """Fetch and read one page or file. ``timeout``: seconds for all of it, redirects included.

    Raises FetchError: ``bad_url``, ``private_address``, ``unreachable``, ``http_status``, ``too_many_redirects``,
    ``too_large``, ``timeout``; and ReadError where what came cannot be read.
    """
    _check_length(url)
    page = _run(lambda: _within(url, max_bytes, timeout, allow_private), timeout + _GRACE)
    if page is None:
        raise _too_slow(url, timeout)
    source = read_bytes(page.url, page.data, max_bytes=max_bytes, charset=page.charset, address=page.url)
    return replace(source, locator=page.url)


def _too_slow(url: str, timeout: float) -> FetchError:
    return FetchError(f"{url} did not answer completely within {timeout:g} s.", "Try again later.", code="timeout")


def _run(work: Callable[[], _Page], seconds: float) -> _Page | None:
    """Run in a thread of its own, for the caller may have an event loop running in this one; None where it is not done
    in time, as when the resolver hangs."""
    outcome: list[_Page | BaseException] = []

    def target() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # handed to the caller's thread
            outcome.append(error)

    thread = threading.Thread(target=target, name="fetch", daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        return None
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _within(url: str, max_bytes: int, timeout: float, allow_private: bool) -> _Page:
    import httpx

    async def limited() -> _Page:
        async with asyncio.timeout(timeout):
            return await _get(url, max_bytes, allow_private)

    try:
        return asyncio.run(limited())
    except TimeoutError as error:
        raise _too_slow(url, timeout) from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError) as error:
        raise FetchError(
            f"{url} cannot be reached: {type(error).__name__}.",
            "Check the address and the network.",
            code="unreachable",
        ) from error


def _trusted() -> ssl.SSLContext:
    """The usual authorities, and those of the machine: a firm's own pages are signed by the firm."""
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


async def _get(url: str, max_bytes: int, allow_private: bool) -> _Page:
    import httpx

    target = _parsed(url)
    async with httpx.AsyncHTTPTransport(verify=_trusted(), trust_env=False, retries=0) as transport:
        for _ in range(MAX_REDIRECTS + 1):
            request = await _request(target, allow_private)
            response = await transport.handle_async_request(request)
            try:
                if not response.has_redirect_location:
                    return await _body(target, response, max_bytes)
                target = _parsed(str(target.join(response.headers["location"])))
            finally:
                await response.aclose()
    raise FetchError(
        f"{url} redirects more than {MAX_REDIRECTS} times.", "Use the final address.", code="too_many_redirects"
    )


def _check_length(url: str) -> None:
    if len(url) > LONGEST_ADDRESS:
        raise FetchError(f"The address is longer than {LONGEST_ADDRESS} characters.", "Check it.", code="bad_url")


def _parsed(url: str) -> httpx.URL:
    import httpx

    _check_length(url)
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise FetchError(
            "That is not a web address.", "Give one such as https://example.org/page.", code="bad_url"
        ) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise FetchError(
            "Only http and https addresses are fetched.", "Give one such as https://example.org/page.", code="bad_url"
        )
    if parsed.userinfo:
        raise FetchError("The address holds a user name or password.", "Give the address without them.", code="bad_url")
    return parsed.copy_with(fragment=None)


async def _request(url: httpx.URL, allow_private: bool) -> httpx.Request:
    """A request to the checked number of the host, which goes by its name in the header and in TLS."""
    import httpx

    number = await _resolved(url, allow_private)
    host = url.netloc.decode("ascii")
    return httpx.Request(
        "GET",
        url.copy_with(host=str(number)),
        headers={**_HEADERS, "host": host},
        extensions={
            "sni_hostname": url.raw_host.decode("ascii").strip("[]"),
            "timeout": {"connect": 10.0, "read": 15.0, "write": 10.0, "pool": 5.0},
        },
    )


async def _resolved(url: httpx.URL, allow_private: bool) -> Address:
    port = url.port or (443 if url.scheme == "https" else 80)
    host = url.raw_host.decode("ascii").strip("[]")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise FetchError(
            f"There is no host {url.host}.", "Check the address and the network.", code="unreachable"
        ) from error
    numbers = [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found]
    if not allow_private and not all(map(is_public, numbers)):
        raise FetchError(
            f"{url.host} is an address inside a private network.",
            "Only public pages are fetched.",
            code="private_address",
        )
    return numbers[0]


def is_public(address: Address) -> bool:
    """Whether an address, and any other that it carries inside, belongs to the public network."""
    inner: list[Address | None] = []
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo or ()
        inner = [address.ipv4_mapped, address.sixtofour, *teredo]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
    here = address.is_global and not address.is_multicast and not address.is_reserved or address in _NAT64
    return bool(here) and all(is_public(each) for each in inner if each is not None)


async def _body(url: httpx.URL, response: httpx.Response, max_bytes: int) -> _Page:
    if response.status_code != 200:
        raise FetchError(
            f"{url} answered {response.status_code}.", "Open it in a browser to see why.", code="http_status"
        )
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    unpack = _unpacker(coding)
    data = bytearray()
    async for chunk in response.aiter_raw():
        data += unpack(chunk, max_bytes + 1 - len(data))
        if len(data) > max_bytes:
            raise FetchError(
                f"{url} is larger than {max_bytes / 1e6:.1f} MB.", "Raise QA_MAX_FILE_MB.", code="too_large"
            )
    return _Page(str(url), response.charset_encoding, bytes(data))


def _unpacker(coding: str) -> Callable[[bytes, int], bytes]:
    """Unpacks a body piece by piece, never to more than is asked for: a small one can hold a very large one."""
    if coding in ("", "identity"):
        return lambda chunk, _: chunk
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise FetchError(f"The server sent an encoding ({coding[:20]}) that was not asked for.", code="unreachable")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def unpack(chunk: bytes, most: int) -> bytes:
        try:
            return unpacker.decompress(unpacker.unconsumed_tail + chunk, most)
        except zlib.error as error:
            raise FetchError("The server sent a damaged body.", "Try again later.", code="unreachable") from error

    return unpack
