"""Streams of logs: their events, their order, their end, and clients that leave (contract 6.2 - 6.4)."""

import os
import time

from api import (
    ALWAYS, ON_FAILURE, PAUSE, RUNNING, STDERR, Client, Code, api_pb2, backoff, chunks, equal, expect, markers, refusal,
    sh, variables,
)
from borrowed import checks, host, until
from differences import expected, ours

ESTABLISHED = "01"


@checks.check(12, 19)
def whole_log(world):
    """Lines of both streams come in order, counted from 0, between the markers of their run; then OK"""
    before = int(time.time() * 1000)
    task_id = world.main.submit(sh(PAUSE + "for n in 1 2 3; do echo out $n; echo err $n >&2; done; printf end"))
    log = world.main.log(task_id)
    events = list(log)
    equal((log.code(), log.details()), (Code.OK, ""), "status")
    equal(chunks(events), [b"out 1", b"out 2", b"out 3", b"end"], "stdout")
    equal(chunks(events, STDERR), [b"err 1", b"err 2", b"err 3"], "stderr")
    after = int(time.time() * 1000)
    expect(all(before - 1000 <= it.chunk.ts <= after + 1000 for it in events if it.HasField("chunk")), "ts")
    if expected("clean markers"):
        equal(markers(events), "+1 -1", "markers")
        equal((events[0].WhichOneof("kind"), events[-1].WhichOneof("kind")), ("run_started", "run_finished"), "order")
        (run,) = world.main.ended(task_id)
        equal(events[0].run_started.started_at, run.started_at, "started_at")
        equal(events[-1].run_finished.finished_at, run.finished_at, "finished_at")
    else:
        expect("-1" in markers(events), markers(events))
    world.main.no_log(task_id)


@checks.check(12, 60)
def bytes_of_lines(world):
    """Lines are bytes of UTF-8: without their end, control characters as they are, what is no text replaced"""
    task_id = world.main.submit(sh(PAUSE + r"printf '\033[1mbold\n\nwin\r\na\0b\nbad \377\nn\303\266\n'"))
    lines = chunks(world.main.log(task_id))
    equal(lines, [b"\x1b[1mbold", b"", b"win", b"a\0b", "bad \ufffd".encode(), "nö".encode()], "lines")


@checks.check(12, 60)
def long_lines(world):
    """A long line is cut, and says so"""
    task_id = world.main.submit(sh(PAUSE + "head -c 70000 /dev/zero | tr '\\0' x; echo; sleep 0.1; echo next"))
    long, following = chunks(world.main.log(task_id))
    equal((long, following), (b"x" * 4096 + b"... (truncated 61482 bytes)", b"next"), "lines")


@checks.check(12, 49, 61)
def many_attempts(world):
    """One log covers all attempts, with lines counted from 0 in each and the exit codes of those that failed"""
    with host.directory() as place:
        text = "sleep 0.3; echo x >> $FILE; n=$(wc -l < $FILE); echo $n; echo two >&2; test $n -ge 3 || exit $n"
        task_id = world.main.submit(sh(text, env=variables(FILE=place + "/tries")), restart=ON_FAILURE)
        events = list(world.main.log(task_id))
    for attempt in (1, 2, 3):
        equal(chunks(events, attempt=attempt), [b"%d" % attempt], "lines")
        equal(chunks(events, STDERR, attempt), [b"two"], "lines")
    if expected("clean markers"):
        equal(markers(events), "+1 -1(1) +2 -2(2) +3 -3", "markers")
    else:
        expect("-1(1) +2 -2(2) +3" in markers(events), markers(events))


@checks.check(12, 55)
def deleted(world):
    """A delete ends the logs of everybody with OK"""
    with world.main.task_of(sh("echo ready; exec sleep 60")) as task_id:
        logs = [world.main.open_log(task_id) for _ in range(5)]
    for log in logs:
        events = list(log)
        equal(log.code(), Code.OK, "status")
        if expected("clean markers"):
            equal(events[-1].WhichOneof("kind"), "run_finished", "last event")
    if ours():
        world.main.no_trace(task_id)


@checks.check(12, 61)
def ended_log(world):
    """A log ends with OK when its task has ended by itself, however late the client asks for the next event"""
    task_id = world.main.submit(sh(PAUSE + "echo one; exit 4"))
    log = world.main.open_log(task_id)
    world.main.ended(task_id)
    time.sleep(0.3)
    events = list(log)
    equal((chunks(events), log.code()), ([b"one"], Code.OK), "log")
    expect("-1(4)" in markers(events), markers(events))


@checks.check(12, 61)
def between_attempts(world):
    """A log stays open between attempts, and ends when the task is deleted there"""
    pause = backoff(1, 600_000, 600_000)
    task_id = world.main.submit(sh(PAUSE + "exit 1"), restart=ON_FAILURE, backoff=pause)
    log = world.main.open_log(task_id)
    world.main.ended(task_id)
    until(lambda: world.main.phase(task_id) != RUNNING, "the pause")
    world.main.delete(task_id)
    events = list(log)
    expect("-1(1)" in markers(events), markers(events))
    equal(log.code(), Code.OK, "status")


@checks.check(12, 61)
def always(world):
    """A task that always restarts is followed through its attempts"""
    task_id = world.main.submit(sh("echo again"), restart=ALWAYS, restart_interval_ms=30)
    log = world.main.log(task_id)
    seen = []
    for event in log:
        if event.HasField("chunk"):
            seen.append((event.chunk.attempt, event.chunk.seq))
        if len(seen) == 5:
            break
    first = seen[0][0]
    equal(seen, [(first + n, 0) for n in range(5)], "attempts")
    world.main.delete(task_id)
    list(log)
    equal(log.code(), Code.OK, "status")


@checks.check(30)
def cancelled_streams(world):
    """A client cancels 200 logs, with and without having read of them; later ones work, and nothing is left of them"""
    with Client(world.main_address) as client, client.task_of(sh("echo ready; exec sleep 60")) as task_id:
        keeper = client.open_log(task_id)
        for number in range(200):
            log = client.log(task_id)
            if number % 2 == 0:
                log.initial_metadata()
            log.cancel()
            equal(log.code(), Code.CANCELLED, "status")
        expect(client.task(task_id) is not None, "a call")
        later = client.open_log(task_id)
        client.delete(task_id)
        for log in (keeper, later):
            list(log)
            equal(log.code(), Code.OK, "the others")


def connections(address):
    """How many connections that port has on the side of its server."""
    local = "0100007F:%04X" % int(address.rsplit(":", 1)[1])
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file]
    return sum(row[1] == local and row[3] == ESTABLISHED for row in rows)


@checks.check(30)
def lost_connections(world):
    """Connections that are dropped with open logs are let go"""
    server = world.alone
    with server.task_of(sh("echo ready; exec sleep 60")) as task_id:
        before = connections(world.alone_address)
        clients = [Client(world.alone_address) for _ in range(30)]
        logs = [client.open_log(task_id) for client in clients for _ in range(3)]
        equal(connections(world.alone_address), before + 30, "a connection each")
        for client in clients:
            client.close()
        until(lambda: connections(world.alone_address) == before, "connections are closed")
        equal({log.code() for log in logs}, {Code.CANCELLED}, "statuses")


@checks.check(30)
def deadlines(world):
    """A deadline ends a silent log on time, and leaves the log of others alone"""
    with world.main.task_of(sh("exec sleep 60")) as task_id:
        other = world.main.open_log(task_id)
        for _ in range(3):
            start = time.monotonic()
            log = world.main.log(task_id, timeout=0.2)
            equal(refusal(lambda: log)[0], Code.DEADLINE_EXCEEDED, "status")
            expect(0.15 < time.monotonic() - start < 5, "on time")
        # One that has passed before the call is sent.
        equal(refusal(world.main.log, task_id, timeout=0)[0], Code.DEADLINE_EXCEEDED, "status")
    list(other)
    equal(other.code(), Code.OK, "the other")


@checks.check(30, 55, 59)
def slow_delete(world):
    """A deadline ends the wait for a slow delete; the delete goes on"""
    server = world.slow
    # Whoever has left the group holds the pipe: the attempt has not ended before it has, or the server gives it up.
    with host.directory() as place:
        kind = sh("setsid sh -c 'touch $FILE; exec sleep 2.5' & exec sleep 60", env=variables(FILE=place + "/up"))
        task_id = server.submit(kind)
        until(lambda: os.path.exists(place + "/up"), "it runs")
    request = api_pb2.DeleteTaskRequest(task_id=task_id)
    code, _ = refusal(server.call, "DeleteTask", request, timeout=0.3)
    expect(code in expected("deadline"), "status: %s" % code)
    until(lambda: server.task(task_id) is None, "it is deleted")
