"""Keeps requests of tenants out of private networks: the address that is judged is the address that is connected to.

Judging a name or an URL is not enough: a name may resolve to anything, and to something else a moment later. The list
of networks is our own, because Python's `is_global` differs between patch levels and lets NAT64 through.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ssl import SSLContext
from typing import Any

import httpcore

_FORBIDDEN = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network; many systems take it for loopback
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved and broadcast
        "2001::/23",  # Teredo and other tunnels
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries an IPv4 address
        "3fff::/20",
    )
]
# Everything else in IPv6 is loopback, mapped, NAT64, unique local, link-local, multicast or not given out.
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class AddressRefused(Exception):
    """The host resolves to an address that tenants may not reach. Nothing was connected to."""

    def __init__(self, host: str) -> None:
        self.host = host
        super().__init__(host)


def is_forbidden(address: str) -> bool:
    """True unless the address is a public one. What is no address is forbidden."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    if ip.version == 6 and ip not in _GLOBAL_IPV6:
        return True
    return any(ip.version == network.version and ip in network for network in _FORBIDDEN)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the operating system would connect to it. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Bound everything a request of ours does inside: name, connection, each read and write, all together.

    The time-outs of the client bound single reads only: a server that sends a byte now and then never meets them.
    """
    ends = time.monotonic() + seconds
    outer = _deadline.get()
    token = _deadline.set(ends if outer is None else min(ends, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def _remaining(timeout: float | None, error: type[Exception]) -> float | None:
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise error("time limit reached")
    return left if timeout is None else min(left, timeout)


class TimedStream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the time limit."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _remaining(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _remaining(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _remaining(timeout, httpcore.ConnectTimeout)
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore.SyncBackend):
    """Resolves a name once, refuses it if any of its addresses is forbidden, and connects to one of just these.

    `allow` holds `host:port` entries of the installation that may be reached wherever they are.
    """

    def __init__(self, allow: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._allow = frozenset(entry.lower() for entry in allow)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _resolve_in_time(host, port, _remaining(timeout, httpcore.ConnectTimeout))
        self.judge(host, port, addresses)
        problem: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses:
            left = _remaining(timeout, httpcore.ConnectTimeout)
            try:
                return TimedStream(super().connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    def judge(self, host: str, port: int, addresses: list[str]) -> None:
        """Raise AddressRefused unless all addresses are public or the host is allowed."""
        if f"{host.lower()}:{port}" not in self._allow and any(map(is_forbidden, addresses)):
            raise AddressRefused(host)


def _resolve_in_time(host: str, port: int, timeout: float | None) -> list[str]:
    """In a thread of its own: the system's resolver takes no time limit and may think for half a minute."""
    answer: list[list[str] | Exception] = []

    def ask() -> None:
        try:
            answer.append(resolve(host, port))
        except (OSError, UnicodeError) as error:
            answer.append(error)

    asking = threading.Thread(target=ask, name="resolve", daemon=True)
    asking.start()
    asking.join(timeout)
    if not answer:
        raise httpcore.ConnectTimeout("the name was not resolved in time")
    if isinstance(answer[0], Exception):
        raise httpcore.ConnectError(str(answer[0]))
    return answer[0]
