"""The Solti task API as a peer that was written from its contract alone sees it."""

import base64
import itertools
import json
import re
import threading

from wire import Connection, Log, request, until

ROOT = "/api/v1/tasks"
JSON = ("Content-Type", "application/json")
FINAL = {"TASK_STATUS_SUCCEEDED", "TASK_STATUS_CANCELED", "TASK_STATUS_EXHAUSTED", "TASK_STATUS_FAILED"}

numbers = itertools.count(1)
numbers_lock = threading.Lock()


def fresh(prefix="slot"):
    """A name that nobody else has."""
    with numbers_lock:
        return "%s%d" % (prefix, next(numbers))


def command(file, *args, **members):
    return dict(members, command={"command": file, "args": list(args)})


def sh(text, **members):
    return command("sh", "-c", text, **members)


def script(text, runtime="SCRIPT_RUNTIME_BASH", args=(), **members):
    body = text if isinstance(text, bytes) else text.encode("utf-8")
    mode = {"wellKnown": runtime} if isinstance(runtime, str) else {"custom": runtime}
    mode.update(body=base64.b64encode(body).decode("ascii"), args=list(args))
    return dict(members, script=mode)


def env(**variables):
    return [{"key": key, "value": value} for key, value in variables.items()]


def spec(subprocess, **members):
    """A spec of a fresh slot that runs once, fails on a non-zero exit and has time; `members` replace its members."""
    whole = {
        "slot": fresh(),
        "kind": {"subprocess": dict({"failOnNonZero": True}, **subprocess)},
        "timeoutMs": "60000",
        "restart": "RESTART_STRATEGY_NEVER",
        "backoff": {"jitter": "JITTER_STRATEGY_NONE", "firstMs": "50", "maxMs": "50", "factor": 1.0},
        "admission": "ADMISSION_STRATEGY_DROP_IF_RUNNING",
    }
    whole.update(members)
    return whole


def submit_body(whole):
    return json.dumps({"spec": whole}).encode("utf-8")


def equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError("%s: expected %r, got %r" % (what, expected, actual))


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def envelope(answer, status, error, *texts):
    """An error answer with exactly the two members of the envelope."""
    equal((answer.status, answer.header("content-type")), (status, "application/json"), repr(answer))
    equal(set(answer.json), {"error", "message"}, "members of the envelope")
    equal(answer.json["error"], error, answer.text)
    for text in texts:
        expect(text in answer.json["message"], "%r is not in %r" % (text, answer.json["message"]))


def plain(answer, status, *texts):
    """An error answer in plain text."""
    equal((answer.status, answer.header("content-type")), (status, "text/plain; charset=utf-8"), repr(answer))
    for text in texts:
        expect(text in answer.text, "%r is not in %r" % (text, answer.text))


def empty(answer, status):
    equal((answer.status, answer.body, answer.header("content-type")), (status, b"", None), repr(answer))


class Server:
    """The six operations of one server, and whatever else one may send to it."""

    def __init__(self, url, token=None):
        self.url = url
        self.headers = [] if token is None else [("Authorization", "Bearer " + token)]

    def connect(self, **options):
        return Connection(self.url, **options)

    def call(self, method, target, headers=(), body=None):
        with self.connect() as connection:
            connection.send(request(method, target, self.headers + list(headers), body))
            return connection.answer(method)

    def get(self, target):
        return self.call("GET", target)

    def post(self, body, headers=(JSON,)):
        return self.call("POST", ROOT, headers, body)

    def submit(self, subprocess, **members):
        answer = self.post(submit_body(spec(subprocess, **members)))
        equal(answer.status, 201, answer.text)
        equal(set(answer.json), {"taskId"}, "members of the answer to a submit")
        return answer.json["taskId"]

    def submit_all(self, wholes):
        """Many submits in one write, ids in their order."""
        with self.connect() as connection:
            connection.send(b"".join(request("POST", ROOT, self.headers + [JSON], submit_body(it)) for it in wholes))
            answers = [connection.answer("POST") for _ in wholes]
        equal({answer.status for answer in answers}, {201}, "statuses")
        return [answer.json["taskId"] for answer in answers]

    def task(self, task_id):
        answer = self.get("%s/%s" % (ROOT, task_id))
        equal(answer.status, 200, answer.text)
        return answer.json.get("task")

    def status(self, task_id):
        task = self.task(task_id)
        return None if task is None else task["status"]

    def phase(self, task_id):
        status = self.status(task_id)
        return None if status is None else status["phase"].replace("TASK_STATUS_", "")

    def version(self, task_id):
        return self.task(task_id)["metadata"]["resourceVersion"]

    def runs(self, task_id):
        answer = self.get("%s/%s/runs" % (ROOT, task_id))
        equal((answer.status, set(answer.json)), (200, {"runs"}), answer.text)
        return answer.json["runs"]

    def delete(self, task_id):
        answer = self.call("DELETE", "%s/%s" % (ROOT, task_id))
        equal((answer.status, answer.body), (204, b""), answer.text)

    def log(self, task_id, **options):
        return Log(self.connect(**options), "%s/%s/logs" % (ROOT, task_id), self.headers)

    def no_log(self, task_id):
        """There is no log of that id, and the answer says so."""
        answer = self.get("%s/%s/logs" % (ROOT, task_id))
        envelope(answer, 404, "TaskNotFound")
        equal(answer.json["message"], task_id, "message")

    def no_trace(self, task_id):
        """Nothing is known of that id."""
        equal(self.get("%s/%s" % (ROOT, task_id)).text, "{}", "task")
        equal(self.runs(task_id), [], "runs")
        self.no_log(task_id)

    def in_phase(self, task_id, phase):
        until(lambda: self.phase(task_id) == phase, "%s in phase %s: %r" % (task_id, phase, self.status(task_id)))

    def finished(self, task_id):
        """The status of a task without restarts, once it has ended."""
        return until(lambda: self._ended(task_id), "%s has ended" % task_id)

    def _ended(self, task_id):
        status = self.status(task_id)
        return status if status["phase"] in FINAL else None

    def run(self, subprocess, **members):
        """Runs a task to its end and gives all it said: its lines by stream, its events, its status."""
        task_id = self.submit(subprocess, **members)
        events = self.log(task_id).rest()
        return Outcome(task_id, events, self.finished(task_id), self.runs(task_id))


class Outcome:
    def __init__(self, task_id, events, status, runs):
        self.task_id = task_id
        self.events = events
        self.status = status
        self.runs = runs

    @property
    def phase(self):
        return self.status["phase"].replace("TASK_STATUS_", "")

    def lines(self, stream="stdout"):
        return lines(self.events, stream)


def lines(events, stream="stdout", attempt=1):
    """The lines of one stream of one attempt, which are counted without a gap."""
    chunks = [it for it in events if it["type"] == "chunk" and (it["stream"], it["attempt"]) == (stream, attempt)]
    equal([it["seq"] for it in chunks], list(range(len(chunks))), "seq of %s" % stream)
    return [it["line"] for it in chunks]


def markers(events):
    """Run markers in short: `+1` for a start, `-1` for an end, `-1(3)` for an end with exit code 3."""
    shown = []
    for event in events:
        if event["type"] == "runStarted":
            shown.append("+%d" % event["attempt"])
        elif event["type"] == "runFinished":
            code = "(%d)" % event["exitCode"] if "exitCode" in event else ""
            shown.append("-%d%s" % (event["attempt"], code))
    return " ".join(shown)


def well_formed(events):
    """What every whole log of ours is: attempt by attempt, opened once, with its lines inside, and closed once."""
    running = None
    last = 0
    for event in events:
        kind = event["type"]
        if kind == "runStarted":
            expect(running is None and event["attempt"] == last + 1, "run-started out of place: %s" % markers(events))
            running = last = event["attempt"]
        elif kind == "runFinished":
            expect(event["attempt"] == running, "run-finished out of place: %s" % markers(events))
            running = None
        elif kind == "chunk":
            expect(event["attempt"] == running, "a line outside its attempt: %r in %s" % (event, markers(events)))
    return markers(events)


def matches(pattern, text):
    expect(re.search(pattern, text) is not None, "%r does not match %r" % (text, pattern))
