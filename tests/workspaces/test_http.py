"""HTTP out against real servers: nothing private is reached, nothing is read without end, errors say what was sent."""

import gzip
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from openai import APIConnectionError, OpenAI

from workspaces import address_guard
from workspaces.address_guard import is_forbidden, time_limit
from workspaces.http import (
    AddressForbidden,
    AnswerLost,
    AnswerTooLarge,
    ConnectFailed,
    HttpProblem,
    TimedOut,
    TooManyRedirects,
    decode_text,
    fetch,
    guarded_client,
    openai_http_client,
    provider_client,
)


class Server:
    """A server whose answer is a function of the request; it remembers what it was asked."""

    def __init__(
        self, answer: Callable[[BaseHTTPRequestHandler], None], host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                answer(self)

            do_GET = do_POST = do_PUT = handle_any

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer((host, port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.place = f"{host}:{self.port}"
        self.url = f"http://{self.place}"
        self.allow = frozenset({self.place})
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(answer: Callable[[BaseHTTPRequestHandler], None], **options: object) -> Server:
        servers.append(Server(answer, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def reply(body: bytes = b"ok", status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads one request and then says what it likes."""
    listening = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with listening:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                try:
                    talk(connection)
                except OSError:
                    return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield f"127.0.0.1:{listening.getsockname()[1]}"
    thread.join(5)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A name server of our own; what it does not know goes to the real one."""
    known: dict[str, list[str]] = {}
    real = address_guard.resolve
    monkeypatch.setattr(address_guard, "resolve", lambda host, port: known.get(host) or real(host, port))
    return known


# --- The guard --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.0.1", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.127.255.255", "198.18.0.1", "192.0.2.1", "224.0.0.1", "239.255.255.250",
        "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
        "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::",
        "2001::1", "2001:db8::1", "nonsense", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_forbidden(address):
    assert is_forbidden(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "169.253.0.1", "2606:4700::1111", "2a00:1450:4001::1"]
)
def test_public_addresses_are_not(address):
    assert not is_forbidden(address)


@given(st.ip_addresses(v=4))
def test_what_python_calls_private_is_forbidden(address):
    if not address.is_global:
        assert is_forbidden(str(address))
        assert is_forbidden(f"::ffff:{address}")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "0", "[::1]",
             "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "169.254.169.254"]
)  # fmt: skip
def test_every_spelling_of_a_private_address_is_refused_without_a_connection(serve, host):
    """(traps H1)"""
    server = serve(reply())
    with pytest.raises(AddressForbidden) as refused:
        fetch("GET", f"http://{host}:{server.port}/", timeout_seconds=5)
    assert not refused.value.sent
    assert server.requests == []


def test_a_name_that_resolves_to_a_private_address_is_refused(serve, names):
    """(traps H1)"""
    server = serve(reply())
    names["shop.example"] = ["127.0.0.1"]
    with pytest.raises(AddressForbidden) as refused:
        fetch("GET", f"http://shop.example:{server.port}/", timeout_seconds=5)
    assert refused.value.host == "shop.example"
    assert server.requests == []


def test_one_private_address_among_public_ones_is_enough(serve, names):
    server = serve(reply())
    names["shop.example"] = ["8.8.8.8", "127.0.0.1"]
    with pytest.raises(AddressForbidden):
        fetch("GET", f"http://shop.example:{server.port}/", timeout_seconds=5)
    assert server.requests == []


def test_the_connection_goes_to_the_address_that_was_judged(serve, monkeypatch):
    """(traps H1) A name that changes between check and connect: 127.0.0.2 stands for the public address here."""
    public = serve(reply(b"public"), host="127.0.0.2")
    private = serve(reply(b"private"), port=public.port)
    answers = [["127.0.0.2"], ["127.0.0.1"]]
    monkeypatch.setattr(address_guard, "resolve", lambda _host, _port: answers.pop(0))
    monkeypatch.setattr(address_guard, "is_forbidden", lambda address: address != "127.0.0.2")
    assert fetch("GET", f"http://changing.example:{public.port}/").text == "public"
    assert private.requests == []
    assert len(answers) == 1


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "http://127.0.0.1:{port}/inside", "file:///etc/passwd"])
def test_a_redirect_to_the_inside_is_refused(serve, names, target):
    """(traps H1)"""
    inside = serve(reply(b"secret"))
    outside = serve(reply(b"", 302, location=target.format(port=inside.port)))
    with pytest.raises(AddressForbidden):
        fetch("GET", outside.url, max_redirects=5, allow=outside.allow)
    assert inside.requests == []


def test_the_name_is_what_tls_asks_for(names, tmp_path):
    asked_for = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed("shop.example", tmp_path))
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    listening = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with listening:
            connection, _ = listening.accept()
            try:
                context.wrap_socket(connection, server_side=True).close()
            except (OSError, ssl.SSLError):
                connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    place = f"shop.example:{listening.getsockname()[1]}"
    names["shop.example"] = ["127.0.0.1"]
    with pytest.raises(ConnectFailed):  # nobody has signed the certificate
        fetch("GET", f"https://{place}/", timeout_seconds=5, allow=frozenset({place}))
    thread.join(5)
    assert asked_for == ["shop.example"]


def self_signed(name, folder):
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path


# --- Redirects ----------------------------------------------------------------------------------------
def test_a_redirect_is_the_answer_unless_it_may_be_followed(serve):
    server = serve(reply(b"", 302, location="/there"))
    answer = fetch("GET", server.url, allow=server.allow)
    assert (answer.status, answer.headers["location"]) == (302, "/there")


def test_credentials_stay_with_the_host_they_were_given_for(serve):
    other = serve(reply(b"there"))
    first = serve(reply(b"", 302, location=f"{other.url}/x"))
    secrets = {"Authorization": "Bearer s", "X-Api-Key": "s", "Cookie": "s=1", "Accept": "text/plain"}
    answer = fetch("GET", first.url, headers=secrets, max_redirects=1, allow=first.allow | other.allow)
    assert (answer.text, answer.url) == ("there", f"{other.url}/x")
    assert first.requests[0][2]["authorization"] == "Bearer s"
    (_, _, received, _) = other.requests[0]
    assert not {"authorization", "x-api-key", "cookie"} & received.keys()
    assert received["accept"] == "text/plain"


@pytest.mark.parametrize(("status", "method"), [(303, "GET"), (302, "GET"), (307, "POST"), (308, "POST")])
def test_a_redirected_post_keeps_or_drops_its_body_as_the_standard_says(serve, status, method):
    def answer(handler: BaseHTTPRequestHandler) -> None:
        reply(b"", status, location="/b")(handler) if handler.path == "/a" else reply()(handler)

    server = serve(answer)
    fetch("POST", f"{server.url}/a", content=b"data", max_redirects=1, allow=server.allow)
    assert (server.requests[1][0], server.requests[1][3]) == (method, b"data" if method == "POST" else b"")


def test_redirects_without_end_are_named(serve):
    server = serve(reply(b"", 302, location="/again"))
    with pytest.raises(TooManyRedirects):
        fetch("GET", server.url, max_redirects=3, allow=server.allow)
    assert len(server.requests) == 4


# --- Size and time ---------------------------------------------------------------------------------------
def test_a_gzip_bomb_is_not_unpacked(serve):
    """(traps H2)"""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(500)) + packer.flush()
    server = serve(reply(bomb, content_encoding="gzip"))
    with pytest.raises(AnswerTooLarge) as refused:
        fetch("GET", server.url, allow=server.allow)
    assert refused.value.sent


def test_the_limit_counts_unpacked_bytes_exactly(serve):
    server = serve(reply(gzip.compress(b"x" * 1000), content_encoding="gzip"))
    assert fetch("GET", server.url, max_bytes=1000, allow=server.allow).content == b"x" * 1000
    with pytest.raises(AnswerTooLarge):
        fetch("GET", server.url, max_bytes=999, allow=server.allow)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"Gr\xc3\xbc\xc3\x9fe", mtime=0)),
        ("gzip", gzip.compress(b"Gr\xc3\xbc", mtime=0) + gzip.compress(b"\xc3\x9fe", mtime=0)),
        ("deflate", zlib.compress(b"Gr\xc3\xbc\xc3\x9fe")),
        ("deflate", zlib.compress(b"Gr\xc3\xbc\xc3\x9fe")[2:-4]),
        ("identity", b"Gr\xc3\xbc\xc3\x9fe"),
    ],
)
def test_packed_answers_are_unpacked(serve, encoding, packed):
    server = serve(reply(packed, content_encoding=encoding))
    assert fetch("GET", server.url, allow=server.allow).text == "Grüße"


@pytest.mark.parametrize(
    ("encoding", "body"), [("br", b"x"), ("gzip", b"not packed"), ("gzip", gzip.compress(b"cut off", mtime=0)[:-9])]
)
def test_a_packing_we_did_not_ask_for_is_no_answer(serve, encoding, body):
    server = serve(reply(body, content_encoding=encoding))
    with pytest.raises(AnswerLost):
        fetch("GET", server.url, allow=server.allow)


def test_an_endless_answer_ends_at_the_limit():
    """(traps H2)"""

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"2710\r\n" + b"x" * 10_000 + b"\r\n")

    with raw_server(endless) as place, pytest.raises(AnswerTooLarge):
        fetch("GET", f"http://{place}/", allow=frozenset({place}))


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\nx-long: "])
def test_an_answer_that_trickles_ends_at_the_time(head):
    def trickle(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    started = time.monotonic()
    with raw_server(trickle) as place, pytest.raises(TimedOut) as late:
        fetch("GET", f"http://{place}/", timeout_seconds=0.4, allow=frozenset({place}))
    assert late.value.sent
    assert time.monotonic() - started < 2


def test_a_slow_name_server_ends_at_the_time(monkeypatch):
    done = threading.Event()
    monkeypatch.setattr(address_guard, "resolve", lambda _host, _port: done.wait(5) and [])
    with pytest.raises(TimedOut) as late:
        fetch("GET", "http://slow.example/", timeout_seconds=0.2)
    done.set()
    assert not late.value.sent


def test_an_inner_time_limit_cannot_outlast_the_outer_one(serve):
    server = serve(lambda _handler: time.sleep(1))
    with time_limit(0.2), pytest.raises(TimedOut):
        fetch("GET", server.url, timeout_seconds=30, allow=server.allow)


# --- Sent or not --------------------------------------------------------------------------------------
def test_no_connection_was_surely_not_sent():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(ConnectFailed) as failed:
        fetch("POST", f"http://{place}/", content=b"x", allow=frozenset({place}))
    assert not failed.value.sent
    assert "127.0.0.1" in failed.value.explain()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", b"nonsense\r\n\r\n"])
def test_an_answer_cut_off_was_sent_and_is_lost(said):
    with raw_server(lambda connection: connection.sendall(said)) as place, pytest.raises(AnswerLost) as lost:
        fetch("POST", f"http://{place}/", content=b"x", allow=frozenset({place}))
    assert lost.value.sent


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "ftp://example.com/", "file:///etc/passwd", "http://a b/"])
def test_what_is_no_web_address_is_refused_by_name(url):
    with pytest.raises(HttpProblem) as refused:
        fetch("GET", url)
    assert not refused.value.sent


def test_a_header_that_cannot_be_sent_is_refused_by_name(serve):
    server = serve(reply())
    for value in ("a\r\nx: y", "ü\u20ac"):
        with pytest.raises(ConnectFailed):
            fetch("GET", server.url, headers={"X-Name": value}, allow=server.allow)
    assert server.requests == []


@given(st.text(max_size=40))
def test_any_address_is_refused_by_name_or_not_at_all(text):
    with pytest.raises(HttpProblem):
        fetch("GET", f"http://{text}.invalid/" if text.isalnum() else text, timeout_seconds=2)


# --- Text ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        ("Grüße".encode("latin-1"), "text/plain; charset=iso-8859-1", "Grüße"),
        ("Grüße".encode("latin-1"), "text/plain", "Grüße"),
        ("Grüße".encode(), "text/plain", "Grüße"),
        ('{"a": "Grüße"}'.encode("utf-8-sig"), "application/json", '{"a": "Grüße"}'),
        ("Grüße".encode("utf-8-sig"), "text/plain; charset=utf-8", "Grüße"),
        ("Grüße".encode("utf-16"), "text/plain", "Grüße"),
        ("Grüße".encode(), "text/plain; charset=no-such-thing", "Grüße"),
        ("Grüße".encode("latin-1"), 'text/plain; charset="UTF-8"', "Grüße"),
        ("5 €".encode("cp1252"), "text/plain; charset=iso-8859-1", "5 €"),
        (b"", "", ""),
    ],
)
def test_umlauts_survive(content, content_type, text):
    """(traps H3)"""
    assert decode_text(content, content_type) == text


@given(st.text())
def test_utf8_is_read_as_utf8(text):
    assert decode_text(text.encode()) == text.removeprefix("\ufeff")


@given(st.binary(max_size=50), st.text(max_size=20))
def test_any_bytes_have_a_text(content, charset):
    assert isinstance(decode_text(content, f"text/plain; charset={charset}"), str)


# --- Clients ---------------------------------------------------------------------------------------------
def test_an_answer_has_all_its_parts(serve):
    server = serve(reply(b'{"a": 1}', 201, content_type="application/json"))
    answer = fetch("POST", f"{server.url}/x?y=1", headers={"X-Key": "k"}, content="ü", allow=server.allow)
    assert (answer.status, answer.text, answer.url) == (201, '{"a": 1}', f"{server.url}/x?y=1")
    assert answer.headers["content-type"] == "application/json"
    (method, path, headers, body) = server.requests[0]
    assert (method, path, headers["x-key"], body) == ("POST", "/x?y=1", "k", "ü".encode())


def test_a_cookie_of_one_tenant_is_not_sent_for_another(serve):
    server = serve(reply(set_cookie="session=secret; Path=/"))
    for _tenant in range(2):
        fetch("GET", server.url, allow=server.allow)
    assert "cookie" not in server.requests[1][2]


def test_proxies_of_the_environment_do_not_bypass_the_guard(serve, monkeypatch):
    proxy = serve(reply(b"proxy"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    server = serve(reply(b"direct"))
    assert fetch("GET", server.url, allow=server.allow).text == "direct"
    assert proxy.requests == []


def test_clients_are_pooled_by_what_they_may_reach():
    assert guarded_client() is guarded_client()
    assert guarded_client() is not guarded_client(frozenset({"model.local:11434"}))


def test_the_provider_client_goes_to_the_providers_only(serve, settings):
    platform, other = serve(reply(b"platform")), serve(reply())
    settings.PROVIDER_ADDRESSES = {"emulator": platform.url}
    assert provider_client().get(f"{platform.url}/v26.0/x").text == "platform"
    with pytest.raises(AddressForbidden):
        provider_client().get(other.url)
    assert other.requests == []


def test_openai_speaks_through_the_guard(serve):
    model = serve(reply(b'{"object": "list", "data": []}', content_type="application/json"))
    options = {"api_key": "k", "max_retries": 0, "base_url": f"{model.url}/v1"}
    allowed = OpenAI(http_client=openai_http_client(model.url, model.allow), **options)
    assert list(allowed.models.list()) == []
    guarded = OpenAI(http_client=openai_http_client(model.url), **options)
    with pytest.raises(APIConnectionError) as refused:
        guarded.models.list()
    assert isinstance(refused.value.__cause__, AddressForbidden)
    assert len(model.requests) == 1


def test_a_model_address_that_is_none_is_refused_at_once():
    with pytest.raises(AddressForbidden):
        openai_http_client("file:///etc/passwd")
