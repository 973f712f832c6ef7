"""Connections: pings of clients, tokens, and the end of the server (contract 2.2, 6.4, 8.8)."""

import contextlib
import signal
import socket
import threading
import time

import grpc

from api import RUNNING, SERVICE, Client, Code, api_pb2, command, equal, expect, refusal, sh
from borrowed import checks, until
from differences import expected, ours
from stubs import health_pb2, health_pb2_grpc, reflection_pb2_grpc

PREFACE = 24
PING, GOAWAY, ACK = 6, 7, 1
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Wire:
    """Stands between a client and a server, changes nothing, and counts the frames of HTTP/2 that it sees."""

    def __init__(self, address):
        self.target = address.rsplit(":", 1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.connections = 0
        # Frames as (whether the server sent it, type, whether it is an acknowledgement).
        self.frames = []
        self.sockets = [self.listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self.sockets:
            each.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection((self.target[0], int(self.target[1])))
            self.sockets += [client, server]
            self.connections += 1
            threading.Thread(target=self._pass, args=(client, server, False, PREFACE), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True, 0), daemon=True).start()

    def _pass(self, source, sink, of_server, skip):
        pending = b""
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                pending += data
                if skip and len(pending) >= skip:
                    pending, skip = pending[skip:], 0
                while not skip and len(pending) >= 9:
                    size = 9 + int.from_bytes(pending[:3], "big")
                    if len(pending) < size:
                        break
                    self.frames.append((of_server, pending[3], bool(pending[4] & ACK)))
                    pending = pending[size:]
                sink.sendall(data)
        except OSError:
            return

    def count(self, of_server, kind, acknowledged=False):
        return self.frames.count((of_server, kind, acknowledged))


@checks.check(42)
def pings(world):
    """Pings of a client are answered and not held against it, with and without calls"""
    often = [
        ("grpc.keepalive_time_ms", 1000),
        ("grpc.keepalive_timeout_ms", 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_time_between_pings_ms", 500),
    ]
    with Wire(world.main_address) as wire, Client(wire.address, options=often) as client:
        equal(client.task("nobody"), None, "a call")
        time.sleep(3.2)
        idle = wire.count(False, PING)
        expect(idle >= 2, "%d pings without a call" % idle)
        with client.task_of(sh("exec sleep 60")) as task_id:
            log = client.open_log(task_id)
            time.sleep(3.2)
            expect(log.is_active(), "the log is open")
        list(log)
        equal(log.code(), Code.OK, "the log")
        expect(wire.count(False, PING) >= idle + 2, "pings beside a call")
        until(lambda: wire.count(True, PING, True) >= wire.count(False, PING), "each is answered")
        equal((wire.connections, wire.count(True, GOAWAY)), (1, 0), "connections, and how often one was ended")


@checks.check(42)
def many_pings(world):
    """A hundred connections come and go; the server answers the next one"""
    for _ in range(100):
        with Client(world.main_address) as client:
            equal(client.task("nobody"), None, "a call")


def ends(process, address):
    """SIGTERM while logs are open, calls are made and a connection is idle: how everything ends."""
    with Client(address) as client, Client(address) as idle:
        idle.task("nobody")
        tasks = [client.submit(sh("echo ready; exec sleep 60")) for _ in range(3)]
        for task_id in tasks:
            client.in_phase(task_id, RUNNING)
        logs = [client.open_log(task_id) for task_id in tasks for _ in range(2)]
        start = time.monotonic()
        process.terminate(signal.SIGTERM)
        statuses = []
        for log in logs:
            with contextlib.suppress(grpc.RpcError):
                list(log)
            statuses.append((log.code(), log.details()))
        code, _ = process.wait()
        return statuses, code, time.monotonic() - start


@checks.check(42, 56)
def graceful_end(world):
    """SIGTERM kills the tasks, ends their logs, and the process ends with 0"""
    with world.another() as (process, address):
        statuses, code, seconds = ends(process, address)
    expect({it for it, _ in statuses} <= {Code.OK, Code.UNAVAILABLE}, "logs ended with %r" % statuses)
    if expected("graceful end"):
        equal(set(statuses), {(Code.OK, "")}, "logs")
        equal(code, 0, "exit code: %s" % process.errors[-2000:])
    expect(seconds < 10, "it took %.1f s" % seconds)


if ours():

    @checks.check(42, 56)
    def end_without_tasks(world):
        """SIGTERM ends a server with idle connections at once; its health says so first"""
        with world.another() as (process, address), Client(address) as one, Client(address) as two:
            equal((one.task("nobody"), two.task("nobody")), (None, None), "calls")
            watch = health_pb2_grpc.HealthStub(one.channel).Watch(health_pb2.HealthCheckRequest(), timeout=30)
            seen = [next(watch).status]
            start = time.monotonic()
            process.terminate(signal.SIGTERM)
            with contextlib.suppress(grpc.RpcError):
                seen += [answer.status for answer in watch]
            code, _ = process.wait()
        equal(code, 0, "exit code: %s" % process.errors[-2000:])
        expect(time.monotonic() - start < 5, "it took its time")
        equal(seen, [SERVING, NOT_SERVING], "health")

    def unauthenticated(found):
        return found[0] == Code.UNAUTHENTICATED

    @checks.check(1, 42, 66)
    def tokens(world):
        """A server with a token asks for it on every call, and shows it nobody"""
        right, token = world.guarded, world.token
        request = api_pb2.ListTasksRequest()
        for value in ("Bearer " + token, "bearer " + token):
            equal(right.call("ListTasks", request, metadata=[("authorization", value)]).total, 0, "the right one")
        for value in (None, "", token, "Bearer", "Bearer ", "Bearer wrong", "Basic " + token, "Bearer " + token + "x",
                      "Bearer " + token[:-1], "Bearer " + token.upper()):
            metadata = [("x", "y")] if value is None else [("authorization", value)]
            found = refusal(right.call, "ListTasks", request, metadata=metadata)
            expect(unauthenticated(found), "%r: %r" % (value, found))
            expect(token not in found[1], "the token is shown")
        task_id = right.submit(command("true"))
        right.ended(task_id)
        with Client(world.guarded_address) as stranger:
            for name, message in (
                ("SubmitTask", api_pb2.SubmitTaskRequest()),
                ("GetTaskStatus", api_pb2.GetTaskStatusRequest(task_id=task_id)),
                ("ListTaskRuns", api_pb2.ListTaskRunsRequest(task_id=task_id)),
                ("DeleteTask", api_pb2.DeleteTaskRequest(task_id=task_id)),
                ("StreamTaskLogs", api_pb2.StreamTaskLogsRequest(task_id=task_id)),
            ):
                found = refusal(stranger.call, name, message)
                expect(unauthenticated(found), "%s: %r" % (name, found))
            # Whoever looks after the server has no token, and learns nothing but that.
            health = health_pb2_grpc.HealthStub(stranger.channel)
            equal(health.Check(health_pb2.HealthCheckRequest(), timeout=10).status, SERVING, "health")
            schema = reflection_pb2_grpc.ServerReflectionStub(stranger.channel).ServerReflectionInfo
            expect(unauthenticated(refusal(schema, iter([]), timeout=10)), "reflection")
            # The message is refused unread, however large or wrong it is.
            for message in (b"\xff\xff\xff", b"\0" * 5_000_000):
                expect(unauthenticated(refusal(stranger.raw, SERVICE + "GetTaskStatus", message)), "unread")
        expect(right.task(task_id) is not None, "nothing was deleted")
        equal(world.guarded_process.errors.count(token), 0, "the token in what the server says")
