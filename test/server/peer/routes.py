"""Routes, methods, ids, query parameters, and the connection below them (contract 3.3, 4)."""

from checks import check
from solti import ROOT, command, empty, envelope, equal, expect, fresh, plain, sh, spec, submit_body
from wire import request


@check(41)
def unknown_routes(world):
    """What is no route is 404 and empty"""
    for target in (
        "/", "/api", "/api/v1", "/api/v2/tasks", "/API/v1/tasks", "/api/v1/task", "//api/v1/tasks", "/api/v1//tasks",
        ROOT + "/", ROOT + "/a/", ROOT + "/a/runs/", ROOT + "/a/logs/", ROOT + "/a/b", ROOT + "/a/b/runs",
        ROOT + "/../tasks/a/b", "/api/v1/tasks%2Fa", "/apis/solti.io/v1/tasks", "*",
    ):
        empty(world.main.get(target), 404)
    empty(world.main.call("POST", ROOT + "/", body=b"{}"), 404)


@check(41)
def wrong_methods(world):
    """A route that does not have the method is 405, empty, and says what it has"""
    for target, methods, allow in (
        (ROOT, ("PUT", "OPTIONS", "DELETE", "PATCH", "PROPFIND"), "POST,GET,HEAD"),
        (ROOT + "?limit=1", ("PUT",), "POST,GET,HEAD"),
        (ROOT + "/a", ("PUT", "OPTIONS", "POST", "PATCH"), "GET,HEAD,DELETE"),
        (ROOT + "/a/runs", ("PUT", "OPTIONS", "POST", "DELETE"), "GET,HEAD"),
        (ROOT + "/a/logs", ("PUT", "OPTIONS", "POST", "DELETE"), "GET,HEAD"),
    ):
        for method in methods:
            answer = world.main.call(method, target)
            empty(answer, 405)
            equal(answer.header("allow"), allow, "%s %s" % (method, target))
    answer = world.main.call("PUT", ROOT, [("Content-Type", "application/json")], submit_body(spec(command("true"))))
    equal(answer.status, 405, "an apply of 0.0.3")


@check(41)
def heads(world):
    """HEAD has the headers of GET and no body"""
    for target in (ROOT + "/nobody", ROOT + "/nobody/runs", ROOT + "?slot=" + fresh("none")):
        got, asked = world.main.get(target), world.main.call("HEAD", target)
        same = [("content-length", str(len(got.body))), ("content-type", "application/json")]
        equal([(name, asked.header(name)) for name, _ in same], same, target)
        equal((asked.status, asked.body), (200, b""), target)
    equal(world.main.call("HEAD", ROOT + "/nobody/logs").status, 404, "HEAD of a log that is not there")
    equal(world.main.call("HEAD", ROOT + "?limit=abc").status, 400, "HEAD of a list with a bad parameter")


@check(41, 46)
def head_of_log(world):
    """HEAD of a log has its headers, and takes nothing from who opens it first"""
    task = world.main.submit(sh("echo line; sleep 60"))
    answer = world.main.call("HEAD", "%s/%s/logs" % (ROOT, task))
    equal((answer.status, answer.header("content-type")), (200, "text/event-stream"), repr(answer))
    first = world.main.log(task).event()
    equal((first["type"], first["attempt"]), ("runStarted", 1), "first event")
    world.main.delete(task)


@check(41)
def absent(world):
    """An unknown id is a value, except for its log"""
    for task in (
        "nobody", "a%2Fb", "..", ".", "%2e%2e", "%2E", "%C3%BC", "a%20b", "a+b", "%zz", "a%", "@:!$&'()*,;=",
        "x" * 3000,
    ):
        base = "%s/%s" % (ROOT, task)
        answer = world.main.get(base)
        equal((answer.status, answer.text), (200, "{}"), base)
        answer = world.main.get(base + "/runs")
        equal((answer.status, answer.text), (200, '{"runs":[]}'), base)
        envelope(world.main.get(base + "/logs"), 404, "TaskNotFound")
        empty(world.main.call("DELETE", base), 204)
    equal(world.main.get(ROOT + "/a%2Fb/logs").json["message"], "a/b", "the id is decoded once")
    equal(world.main.get(ROOT + "/a%252Fb/logs").json["message"], "a%2Fb", "the id is decoded once")


@check(41)
def blank_ids(world):
    """A blank id is refused by every call that takes one"""
    for blank in ("%20", "%09%20", "%C2%A0", "%E2%80%83"):
        for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/runs"), ("GET", "/logs")):
            answer = world.main.call(method, "%s/%s%s" % (ROOT, blank, rest))
            envelope(answer, 400, "InvalidRequest", "task_id cannot be empty")
    for target in (ROOT + "//runs", ROOT + "//logs"):
        envelope(world.main.get(target), 400, "InvalidRequest", "task_id cannot be empty")


@check(41)
def broken_encoding(world):
    """An id that is not UTF-8 is refused in plain text"""
    for method, target in (("GET", "/%ff"), ("DELETE", "/a%c3"), ("GET", "/%ed%a0%80/runs"), ("GET", "/%c0%af/logs")):
        plain(world.main.call(method, ROOT + target), 400, "Invalid URL: Invalid UTF-8 in `id`")


@check(41)
def bad_queries(world):
    """A query that is no query is refused in plain text"""
    for query in (
        "limit=abc", "limit=-1", "limit=", "limit=1.0", "limit=4294967296", "limit=%201", "limit=1e1", "limit=0x1",
        "offset=4294967296", "offset=-1", "offset=", "offset=a",
        "limit=1&limit=1", "offset=1&offset=2", "slot=a&slot=b", "status=running&status=running", "slot=a&%73lot=b",
    ):
        plain(world.main.get(ROOT + "?" + query), 400, "Failed to deserialize query string")
    plain(world.main.get(ROOT + "?limit=abc"), 400, "limit: invalid digit found in string")


@check(41)
def refused_filters(world):
    """A filter that can match nothing is refused with the envelope"""
    for query in ("slot=", "slot=%20", "slot=+", "slot"):
        envelope(world.main.get(ROOT + "?" + query), 400, "InvalidRequest", "slot cannot be empty")
    for query in ("status=nope", "status=TASK_STATUS_RUNNING", "status=2", "status=running,failed", "status="):
        envelope(world.main.get(ROOT + "?" + query), 400, "InvalidRequest", "invalid status", "canceled", "exhausted")


@check(41, 53)
def lists(world):
    """A list is filtered, sorted by id as text, cut to its page, and counts all matches"""
    slot, server = fresh("page"), world.alone
    queued = {"slot": slot, "admission": "ADMISSION_STRATEGY_QUEUE"}
    tasks = server.submit_all([spec(command("true"), **queued) for _ in range(12)])
    for task in tasks:
        server.finished(task)
    running = server.submit(command("sleep", "60"), slot=slot)
    expected = sorted(tasks + [running])
    expect(expected != tasks + [running], "ids of different lengths")

    def page(query):
        answer = server.get("%s?slot=%s%s" % (ROOT, slot, query))
        equal((answer.status, set(answer.json)), (200, {"tasks", "total"}), query)
        return [task["metadata"]["id"] for task in answer.json["tasks"]], answer.json["total"]

    for query in ("", "&limit=0", "&limit=5000", "&limit=00100", "&LIMIT=1", "&"):
        equal(page(query), (expected, 13), query)
    equal(page("&limit=5"), (expected[:5], 13), "limit")
    equal(page("&limit=5&offset=10"), (expected[10:], 13), "offset")
    equal(page("&offset=13"), ([], 13), "offset beyond the end")
    equal(page("&offset=4294967295"), ([], 13), "offset beyond the end")
    for status in ("running", "RUNNING", "%20Running+", "running%09"):
        equal(page("&status=" + status), ([running], 1), status)
    equal(page("&status=succeeded&limit=3"), (sorted(tasks)[:3], 12), "two filters and a page")
    equal(page("&status=timeout"), ([], 0), "no match")
    # Bytes that are not UTF-8 are replaced, which matches nothing here.
    equal(server.get(ROOT + "?slot=%ff").json, {"tasks": [], "total": 0}, "not UTF-8 in a query")
    equal(page("&unknown=%ff&limit=1"), (expected[:1], 13), "unknown parameter")
    server.delete(running)


@check(41)
def one_connection(world):
    """A connection serves one request after the other, whatever the answers were"""
    with world.main.connect() as connection:
        for method, target, status in (
            ("GET", ROOT + "/a", 200), ("GET", "/nowhere", 404), ("PUT", ROOT, 405), ("POST", ROOT, 400),
            ("GET", ROOT + "/%ff", 400), ("HEAD", ROOT, 200), ("DELETE", ROOT + "/a", 204),
            ("GET", ROOT + "/a/logs", 404),
        ):
            connection.send(request(method, target, body=b"{" if method == "POST" else None))
            equal(connection.answer(method).status, status, "%s %s" % (method, target))
    with world.main.connect() as connection:
        connection.send(request("GET", ROOT + "/a") * 50 + request("HEAD", ROOT + "/a") + request("GET", "/nowhere"))
        equal([connection.answer().status for _ in range(50)], [200] * 50, "pipelined")
        equal(connection.answer("HEAD").status, 200, "pipelined")
        equal(connection.answer().status, 404, "pipelined")


@check(41)
def odd_requests(world):
    """Requests in odd but legal forms are served"""
    with world.main.connect() as connection:
        for byte in request("GET", ROOT + "/a"):
            connection.send(bytes([byte]))
        equal(connection.answer().text, "{}", "byte by byte")
        connection.send(request("GET", "http://peer.test%s/a" % ROOT))
        equal(connection.answer().text, "{}", "absolute target")
        connection.send(request("GET", ROOT + "/a", [("Connection", "close")]))
        equal(connection.answer().text, "{}", "last of its connection")
        expect(connection.ends(), "the connection ends with it")
    with world.main.connect() as connection:
        connection.send(request("GET", ROOT + "/a", version="HTTP/1.0"))
        equal(connection.answer().text, "{}", "HTTP/1.0")
        expect(connection.ends(), "the connection ends with it")


@check(41)
def nonsense(world):
    """What is no HTTP is refused, and the connection with it"""
    for data, status in (
        (b"hello\r\n\r\n", 400),
        (b"GET %s HTTP/1.1\r\n\r\n" % ROOT.encode(), 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (request("GET", ROOT, [("X-Long", "x" * 100000)]), 431),
    ):
        with world.main.connect() as connection:
            connection.send(data)
            equal(connection.head().status, status, repr(data[:80]))
    equal(world.main.get(ROOT + "/a").text, "{}", "the server lives")
