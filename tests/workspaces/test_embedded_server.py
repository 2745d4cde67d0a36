"""The server of emulator and demo model, byte by byte."""

import socket

import pytest

from workspaces.embedded_server import Answer, EmbeddedServer, Request, json_answer, served_in_thread


class Echo:
    """Tells what it was asked."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def __call__(self, request: Request) -> Answer:
        if request.path == "/broken":
            raise RuntimeError("broken on purpose")
        if request.path == "/stream":
            return Answer(stream=pieces())
        return json_answer([request.method, request.path, request.query, request.body.decode()])


async def pieces():
    yield b"eins"
    yield b"zwei"


@pytest.fixture(scope="module")
def server():
    with served_in_thread(Echo()) as server:
        yield server


def exchange(server: EmbeddedServer, *pieces: bytes) -> bytes:
    """All bytes that come back until the server closes, or until it has nothing more to say."""
    with socket.create_connection((server.host, server.port), timeout=2) as connection:
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while data := connection.recv(65536):
            found += data
        return found


def test_two_requests_on_one_connection(server):
    got = exchange(server, b"GET /a?x=1&x=2&y= HTTP/1.1\r\nhost: h\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
    assert b'["GET","/a",{"x":"2","y":""},""]' in got
    assert b'["GET","/b",{},""]' in got
    assert got.count(b"connection: keep-alive") == 2


def test_paths_are_unquoted_and_keep_their_plus(server):
    assert b'"/c/+43 664/\xc3\xa4"' in exchange(server, b"GET /c/+43%20664/%C3%A4 HTTP/1.1\r\n\r\n")


def test_a_body_with_length_and_one_in_chunks(server):
    assert b'"Hallo"' in exchange(server, b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nHa", b"llo")
    chunked = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nHal\r\n2\r\nlo\r\n0\r\ntrailer: 1\r\n\r\n"
    assert b'"Hallo"' in exchange(server, chunked)


def test_expect_is_answered_first(server):
    got = exchange(server, b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\nx")
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_close_is_honoured_and_head_has_no_body(server):
    got = exchange(server, b"HEAD / HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert b"connection: close" in got
    assert got.endswith(b"\r\n\r\n")


def test_a_stream_is_chunked(server):
    assert exchange(server, b"GET /stream HTTP/1.1\r\n\r\n").endswith(b"4\r\neins\r\n4\r\nzwei\r\n0\r\n\r\n")


def test_a_failing_app_answers_500_and_the_connection_lives(server):
    got = exchange(server, b"GET /broken HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 500 Internal Server Error")
    assert b'"/b"' in got


@pytest.mark.parametrize(
    "nonsense",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / SPDY/3\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_nonsense_is_answered_400_and_cut(server, nonsense):
    assert exchange(server, nonsense).startswith(b"HTTP/1.1 400 Bad Request")


def test_an_unfinished_request_is_dropped(server):
    assert exchange(server, b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nHal") == b""
    assert exchange(server, b"GET / HT") == b""


def test_a_taken_port_is_told(server):
    with pytest.raises(OSError, match="in use"), served_in_thread(Echo(), port=server.port):
        pass
