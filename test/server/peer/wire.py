"""HTTP/1.1 and server-sent events over plain sockets: sends exactly what it is told, and believes nothing it reads."""

import json
import re
import socket
import time

PATIENCE = 30.0


class Broken(Exception):
    """The connection ended, or said something else, where an answer had to go on."""


class Answer:
    def __init__(self, status, headers, interim):
        self.status = status
        self.headers = headers
        self.interim = interim
        self.body = b""

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name]
        if len(values) > 1:
            raise AssertionError("header %s came %d times" % (name, len(values)))
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        if self.header("content-type") != "application/json":
            raise AssertionError("not JSON: %s %s %r" % (self.status, self.headers, self.body[:200]))
        return json.loads(self.text)

    def __repr__(self):
        return "%d %s %r" % (self.status, self.headers, self.body[:300])


def address(url):
    host, port = re.match(r"^http://([0-9.]+):(\d+)$", url).groups()
    return host, int(port)


def request(method, target, headers=(), body=None, version="HTTP/1.1"):
    """The bytes of a request; Host and Content-Length are added unless they are given."""
    names = {name.lower() for name, _ in headers}
    lines = ["%s %s %s" % (method, target, version)]
    if "host" not in names:
        lines.append("Host: peer.test")
    lines.extend("%s: %s" % pair for pair in headers)
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        lines.append("Content-Length: %d" % len(body))
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8") + (body or b"")


def chunked(body, size=65536):
    pieces = (body[at:at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class Connection:
    def __init__(self, url, receive_buffer=None):
        self.socket = socket.socket(socket.AF_INET)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(address(url))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            raise Broken("silence for %g s, so far: %r" % (PATIENCE, self.buffer[:200]))
        except OSError as error:
            raise Broken("connection lost (%s), so far: %r" % (error, self.buffer[:200]))
        if data == b"":
            raise Broken("connection ended, so far: %r" % self.buffer[:200])
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def exactly(self, length):
        while len(self.buffer) < length:
            self._more()
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def chunk(self):
        """The next chunk of a chunked body; empty at its proper end."""
        size = self.line()
        if not re.match(rb"^[0-9A-Fa-f]+$", size):
            raise Broken("not a chunk size: %r" % size)
        data = self.exactly(int(size, 16))
        if self.line() != b"":
            raise Broken("a chunk longer than its size, or trailers")
        return data

    def head(self):
        """Status line and headers, behind any 1xx answers; the body is still to be read."""
        interim = []
        while True:
            match = re.match(rb"^HTTP/1\.1 (\d{3}) ", self.line())
            if match is None:
                raise Broken("not a status line")
            headers = []
            for line in iter(self.line, b""):
                name, value = line.decode("latin-1").split(":", 1)
                headers.append((name, value.strip()))
            status = int(match.group(1))
            if status >= 200:
                return Answer(status, headers, interim)
            interim.append(status)

    def answer(self, method="GET"):
        answer = self.head()
        if method == "HEAD" or answer.status in (204, 304):
            return answer
        if answer.header("transfer-encoding") == "chunked":
            answer.body = b"".join(iter(self.chunk, b""))
        else:
            answer.body = self.exactly(int(answer.header("content-length")))
        return answer

    def ends(self):
        """Reads until the server closes: whether it did so without a word more, and without a reset."""
        try:
            return self.buffer == b"" and self.socket.recv(1) == b""
        except OSError:
            return False


KEEP_ALIVE = "keep-alive"

SHAPES = {
    "chunk": ("chunk", {"attempt": int, "stream": str, "seq": int, "ts": int, "line": str}),
    "runStarted": ("run-started", {"attempt": int, "startedAt": int}),
    "runFinished": ("run-finished", {"attempt": int, "finishedAt": int}),
    "lagged": ("lagged", {"skipped": int}),
}


def frame(chunk):
    """An event from one chunk of the body: a frame of two lines, or the comment that keeps the connection open."""
    if chunk == b":\n\n":
        return KEEP_ALIVE
    match = re.match(rb"^event: ([a-z-]+)\ndata: ([^\n\r]+)\n\n$", chunk)
    if match is None:
        raise AssertionError("not one frame in one chunk: %r" % chunk[:300])
    event = json.loads(match.group(2).decode("utf-8"))
    name, members = SHAPES[event["type"]]
    optional = {"exitCode": int} if event["type"] == "runFinished" else {}
    shape = {key: type(value) for key, value in event.items() if key != "type" and key not in optional}
    if match.group(1).decode() != name or shape != members:
        raise AssertionError("not the frame of the contract: %r" % chunk[:300])
    return event


class Log:
    """An open log stream."""

    def __init__(self, connection, target, headers=()):
        self.connection = connection
        connection.send(request("GET", target, headers))
        self.answer = connection.head()
        if self.answer.status != 200:
            raise AssertionError("no log: %d" % self.answer.status)

    def frame(self):
        """The next event or keep-alive; None at the proper end of the body."""
        chunk = self.connection.chunk()
        return None if chunk == b"" else frame(chunk)

    def event(self):
        found = self.frame()
        while found == KEEP_ALIVE:
            found = self.frame()
        return found

    def until(self, wanted):
        """Events up to and with the first that is `wanted`."""
        events = []
        for event in iter(self.event, None):
            events.append(event)
            if wanted(event):
                return events
        raise AssertionError("the log ended before that event: %r" % events[-5:])

    def rest(self):
        """All events up to the proper end of the body."""
        return list(iter(self.event, None))


def until(question, what, limit=PATIENCE, pause=0.02):
    """Asks again and again; gives the first answer that is not empty."""
    end = time.monotonic() + limit
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("still not after %g s: %s (%r)" % (limit, what, answer))
        time.sleep(pause)
