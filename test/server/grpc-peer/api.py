"""The Solti task API over gRPC as a client sees it that was written from the schema and the contract."""

import base64
import contextlib
import itertools
import threading

import grpc

from borrowed import until
from stubs import api_pb2, api_pb2_grpc, types_pb2

SERVICE = "/solti.v1.SoltiApi/"
MIB = 1024 * 1024
LIMIT = 4 * MIB
PATIENCE = 30.0
U64 = 2**64 - 1

PENDING, RUNNING, SUCCEEDED, FAILED, TIMEOUT, CANCELED, EXHAUSTED = range(1, 8)
FINAL = {SUCCEEDED, CANCELED, EXHAUSTED, FAILED}
NEVER, ON_FAILURE, ALWAYS = range(1, 4)
DROP, REPLACE, QUEUE = range(1, 4)
BASH, PYTHON, NODE = range(1, 4)
STDOUT, STDERR = 1, 2

Code = grpc.StatusCode

_numbers = itertools.count(1)
_numbers_lock = threading.Lock()


def fresh(prefix="slot"):
    """A name that nobody else has."""
    with _numbers_lock:
        return "%s%d" % (prefix, next(_numbers))


def equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError("%s: expected %.2000r, got %.2000r" % (what, expected, actual))


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def command(file, *args, **members):
    mode = types_pb2.CommandMode(command=file, args=args)
    members.setdefault("fail_on_non_zero", True)
    return types_pb2.TaskKind(subprocess=types_pb2.SubprocessTask(command=mode, **members))


def sh(text, **members):
    return command("sh", "-c", text, **members)


def script(text, runtime=BASH, args=(), **members):
    """`runtime` is a number or a CustomRuntime."""
    body = base64.b64encode(text if isinstance(text, bytes) else text.encode("utf-8")).decode("ascii")
    choice = {"well_known": runtime} if isinstance(runtime, int) else {"custom": runtime}
    mode = types_pb2.ScriptMode(body=body, args=args, **choice)
    members.setdefault("fail_on_non_zero", True)
    return types_pb2.TaskKind(subprocess=types_pb2.SubprocessTask(script=mode, **members))


def variables(**pairs):
    return [types_pb2.KeyValue(key=key, value=value) for key, value in pairs.items()]


def backoff(jitter=1, first=50, most=50, factor=1.0):
    return types_pb2.BackoffStrategy(jitter=jitter, first_ms=first, max_ms=most, factor=factor)


def spec(kind, **members):
    """A spec of a fresh slot that runs once and has time; `members` replace its members, None leaves one out."""
    whole = {
        "slot": fresh(),
        "kind": kind,
        "timeout_ms": 60_000,
        "restart": NEVER,
        "backoff": backoff(),
        "admission": DROP,
    }
    whole.update(members)
    return types_pb2.CreateSpec(**whole)


def refusal(call, *args, **options):
    """Code and text of the error that a call ends with."""
    try:
        answer = call(*args, **options)
        if hasattr(answer, "initial_metadata"):
            answer = list(answer)
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("not refused: %.500r" % answer)


def refused(code, text, call, *args, **options):
    """The call is refused with that code, and with a message that contains the text."""
    found, details = refusal(call, *args, **options)
    expect(found == code and text in details, "expected %s %r, got %s %r" % (code, text, found, details))


# Nothing is replayed (6.3): a task that starts with it speaks only when its log is open.
PAUSE = "sleep 0.3; "


class Client:
    """The six calls on one connection of its own."""

    def __init__(self, address, token=None, options=(), **more):
        # Channels with the same options would share their connection otherwise.
        own = [("grpc.use_local_subchannel_pool", 1), *options]
        self.channel = grpc.insecure_channel(address, options=own, **more)
        self.metadata = [("authorization", "Bearer " + token)] if token is not None else None
        self.stub = api_pb2_grpc.SoltiApiStub(self.channel)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def close(self):
        self.channel.close()

    def call(self, name, request, timeout=PATIENCE, metadata=None, **options):
        return getattr(self.stub, name)(request, timeout=timeout, metadata=metadata or self.metadata, **options)

    def raw(self, path, message=b"", timeout=PATIENCE, **options):
        """Bytes for bytes; `path` is a method of the API or a whole path."""
        whole = path if path.startswith("/") else SERVICE + path
        return self.channel.unary_unary(whole)(message, timeout=timeout, metadata=self.metadata, **options)

    def submit(self, kind, **members):
        answer = self.call("SubmitTask", api_pb2.SubmitTaskRequest(spec=spec(kind, **members)))
        expect(answer.task_id != "", "an id")
        return answer.task_id

    def submit_all(self, specs):
        """Many submits at once, ids in their order."""
        calls = [self.stub.SubmitTask.future(api_pb2.SubmitTaskRequest(spec=it), timeout=PATIENCE) for it in specs]
        return [call.result().task_id for call in calls]

    def task(self, task_id):
        answer = self.call("GetTaskStatus", api_pb2.GetTaskStatusRequest(task_id=task_id))
        return answer.task if answer.HasField("task") else None

    def phase(self, task_id):
        task = self.task(task_id)
        return None if task is None else task.status.phase

    def list(self, **members):
        return self.call("ListTasks", api_pb2.ListTasksRequest(**members))

    def ids(self, **members):
        return [task.metadata.id for task in self.list(**members).tasks]

    def runs(self, task_id):
        return list(self.call("ListTaskRuns", api_pb2.ListTaskRunsRequest(task_id=task_id)).runs)

    def delete(self, task_id):
        equal(self.call("DeleteTask", api_pb2.DeleteTaskRequest(task_id=task_id)).ByteSize(), 0, "empty answer")

    def delete_all(self, tasks):
        requests = [api_pb2.DeleteTaskRequest(task_id=task_id) for task_id in tasks]
        for call in [self.stub.DeleteTask.future(request, timeout=PATIENCE) for request in requests]:
            call.result()

    def log(self, task_id, timeout=PATIENCE, **options):
        return self.call("StreamTaskLogs", api_pb2.StreamTaskLogsRequest(task_id=task_id), timeout=timeout, **options)

    def open_log(self, task_id, **options):
        """A log whose call the server has taken, whether or not something is in it."""
        log = self.log(task_id, **options)
        log.initial_metadata()
        return log

    def no_log(self, task_id):
        equal(refusal(self.log, task_id), (Code.NOT_FOUND, task_id), "log of %.100r" % task_id)

    def no_trace(self, task_id):
        """Nothing is known of that id."""
        equal(self.task(task_id), None, "task")
        equal(self.runs(task_id), [], "runs")
        self.no_log(task_id)

    def in_phase(self, task_id, phase):
        until(lambda: self.phase(task_id) == phase, "%s in phase %d" % (task_id, phase))

    def ended(self, task_id):
        """The runs of a task that is not started again, once it has ended."""
        return until(lambda: [run for run in self.runs(task_id) if run.HasField("finished_at")], "%s ends" % task_id)

    @contextlib.contextmanager
    def task_of(self, kind, **members):
        """A task that is there for a while."""
        task_id = self.submit(kind, **members)
        try:
            # The published server starts what was deleted before it was seen running (4.5).
            self.in_phase(task_id, RUNNING)
            yield task_id
        finally:
            self.delete(task_id)


def chunks(events, stream=STDOUT, attempt=1):
    """The lines of one stream of one attempt, which are counted without a gap."""
    every = [it.chunk for it in events if it.HasField("chunk")]
    found = [it for it in every if (it.stream, it.attempt) == (stream, attempt)]
    equal([it.seq for it in found], list(range(len(found))), "seq of %d" % stream)
    return [it.line for it in found]


def markers(events):
    """Run markers in short: `+1` for a start, `-1` for an end, `-1(3)` for an end with exit code 3."""
    shown = []
    for event in events:
        if event.HasField("run_started"):
            shown.append("+%d" % event.run_started.attempt)
        elif event.HasField("run_finished"):
            end = event.run_finished
            shown.append("-%d%s" % (end.attempt, "(%d)" % end.exit_code if end.HasField("exit_code") else ""))
    return " ".join(shown)
