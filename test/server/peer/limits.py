"""Bodies at their limits, and bodies that come late, in pieces or not at all (contract 3.4)."""

import os
import socket
import time

import host
from checks import check
from solti import JSON, ROOT, command, empty, env, envelope, equal, expect, script, sh, spec, submit_body
from wire import Broken, chunked, request, until

LIMIT = 4 * 1024 * 1024
CHUNKED = ("Transfer-Encoding", "chunked")


def padded(length):
    """The body of a valid submit, with blanks to that length."""
    body = submit_body(spec(command("true")))
    return body + b" " * (length - len(body))


@check(41)
def body_limit(world):
    """A body of 4 MiB is read, one byte more is too large, with and without a length"""
    for headers, frame in (([JSON], lambda body: body), ([JSON, CHUNKED], chunked)):
        answer = world.main.post(frame(padded(LIMIT)), headers)
        equal(answer.status, 201, repr(answer))
        answer = world.main.post(frame(padded(LIMIT + 1)), headers)
        envelope(answer, 413, "PayloadTooLarge", "request body exceeds the maximum of 4194304 bytes")


@check(41)
def body_limit_everywhere(world):
    """The limit holds for methods that have no use for a body"""
    for method, target, status in (("GET", ROOT + "/a", 200), ("DELETE", ROOT + "/a", 204), ("GET", "/nowhere", 404)):
        with world.main.connect() as connection:
            connection.send(request(method, target, body=b"x" * LIMIT))
            equal(connection.answer(method).status, status, method)
            connection.send(request("GET", ROOT + "/a"))
            equal(connection.answer().text, "{}", "the connection goes on behind the body")
        envelope(world.main.call(method, target, body=b"x" * (LIMIT + 1)), 413, "PayloadTooLarge")


@check(41)
def script_limit(world):
    """A script of 2 MiB runs, one byte more is refused by the rule"""
    text = b"echo ran\nexit 0\n"
    outcome = world.main.run(script(text + b"#" * (2 * 1024 * 1024 - len(text))))
    equal((outcome.phase, outcome.lines()), ("SUCCEEDED", ["ran"]), "2 MiB")
    answer = world.main.post(submit_body(spec(script(b"#" * (2 * 1024 * 1024 + 1)))))
    envelope(answer, 400, "InvalidRequest", "2097152")


@check(41)
def expectation(world):
    """A client that waits for a go-ahead gets it, or is told at once that it need not send"""
    body = padded(2000)
    expecting = [JSON, ("Expect", "100-continue")]
    with world.main.connect() as connection:
        connection.send(request("POST", ROOT, expecting + [("Content-Length", str(len(body)))]))
        equal(connection.line(), b"HTTP/1.1 100 Continue", "go-ahead")
        equal(connection.line(), b"", "go-ahead")
        connection.send(body)
        equal(connection.answer("POST").status, 201, "answer")
    for headers, status in (
        (expecting + [("Content-Length", str(LIMIT + 1))], 413),
        ([("Expect", "100-continue"), ("Content-Length", "2000")], 400),
    ):
        with world.main.connect() as connection:
            connection.send(request("POST", ROOT, headers))
            answer = connection.answer("POST")
            equal((answer.status, answer.interim), (status, []), "no go-ahead")


@check(41)
def truncated_body(world):
    """A body that breaks off submits nothing, and hurts nobody else"""
    mark = "peer-truncated-%d" % os.getpid()
    body = submit_body(spec(sh("sleep 60", env=env(TRUNCATED=mark))))
    for headers, sent in (
        ([JSON, ("Content-Length", str(len(body) + 1))], body),
        ([JSON, ("Content-Length", str(len(body)))], body[:-1]),
        ([JSON, CHUNKED], chunked(body)[:-5]),
        ([JSON, CHUNKED], chunked(body)[:-2]),
    ):
        for end in (lambda it: it.close(), lambda it: it.finish_sending(), reset):
            with world.main.connect() as connection:
                connection.send(request("POST", ROOT, headers, sent))
                end(connection)
                if end is not reset and connection.socket.fileno() != -1:
                    expect(is_refused(connection), "a refusal or none at all")
    equal(world.main.get(ROOT + "/a").text, "{}", "the server lives")
    equal(host.marked(mark), {}, "nothing runs")


def reset(connection):
    """Closes so that the other side sees a reset."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def is_refused(connection):
    try:
        return connection.head().status == 400
    except Broken:
        return True


@check(41)
def slow_body(world):
    """A body may come byte by byte"""
    body = submit_body(spec(command("true")))
    for headers, pieces in (
        ([JSON, ("Content-Length", str(len(body)))], [body[at:at + 1] for at in range(len(body))]),
        ([JSON, CHUNKED], [b"1\r\n%s\r\n" % body[at:at + 1] for at in range(len(body))] + [b"0\r\n", b"\r\n"]),
    ):
        with world.main.connect() as connection:
            connection.send(request("POST", ROOT, headers))
            for piece in pieces:
                time.sleep(0.001)
                connection.send(piece)
            equal(connection.answer("POST").status, 201, "answer")


@check(41)
def never_complete(world):
    """A request that never comes to its end is given up"""
    for sent in (b"GET / HTTP/1.1\r\n", request("POST", ROOT, [JSON, ("Content-Length", "100")], b"{"), b""):
        with world.hasty.connect() as connection:
            connection.send(sent)
            try:
                equal(connection.head().status, 408, repr(sent))
            except Broken as broken:
                expect("connection ended" in str(broken), str(broken))
    equal(world.hasty.get(ROOT + "/a").text, "{}", "the server lives")


@check(41)
def abandoned(world):
    """A client that goes before its answer came leaves the server as it was"""
    before = host.open_files(world.pid)
    for _ in range(50):
        with world.main.connect() as connection:
            connection.send(request("GET", ROOT))
            reset(connection)
    equal(world.main.get(ROOT + "/a").text, "{}", "the server lives")
    until(lambda: host.open_files(world.pid) < before + 50, "connections are closed")


@check(55)
def early_delete(world):
    """A DELETE sent in one write with its POST stops the task before it can do anything unseen"""
    with host.directory() as place:
        # No process besides the shell itself: it is the only one that can write.
        loop = sh("while :; do echo >> $PLACE/$$; done", env=env(PLACE=place))
        for number in range(1, 31):
            whole = spec(loop)
            task = "default-%s-%d" % (whole["slot"], number)
            with world.pairs.connect() as connection:
                pair = request("POST", ROOT, [JSON], submit_body(whole)), request("DELETE", "%s/%s" % (ROOT, task))
                connection.send(b"".join(pair))
                answer = connection.answer("POST")
                equal((answer.status, answer.json), (201, {"taskId": task}), "submit")
                empty(connection.answer("DELETE"), 204)
            world.pairs.no_trace(task)
        equal(host.marked(place), {}, "no process of them is left")
        written = sizes(place)
        time.sleep(0.5)
        equal(sizes(place), written, "nothing writes any more")


def sizes(place):
    return {entry.name: entry.stat().st_size for entry in os.scandir(place)}
