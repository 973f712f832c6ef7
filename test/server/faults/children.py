"""Children that ignore signals, leave others behind, hold pipes or end in odd ways (contract 8.5 - 8.8)."""

import contextlib
import os

import host
from checks import check
from solti import command, env, equal, expect, markers, sh
from wire import until

STUBBORN = "trap '' TERM INT HUP QUIT; echo up; while :; do sleep 300; done"
ESCAPE = "setsid sh -c 'echo $$ > $PLACE/pid; echo from outside; exec sleep 300' & "


@contextlib.contextmanager
def escape(place):
    """Knows the process that has left its group for a session of its own, and ends it."""
    pid = int(until(lambda: read(place + "/pid"), "it has escaped"))
    try:
        yield pid
    finally:
        host.kill(pid)


def read(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def up(server, text, place, **members):
    """A task of that shell text, and its log, read up to its first line."""
    task = server.submit(sh(text, env=env(PLACE=place)), **members)
    log = server.log(task)
    log.until(lambda event: event["type"] == "chunk")
    return task, log


@check(51, 55, 59)
def stubborn(world):
    """A child that ignores signals, and its children that do so too, are gone when the delete is answered"""
    with host.directory() as place:
        task, log = up(world.main, "sh -c \"%s\" & sh -c \"%s\" | cat & %s" % ((STUBBORN,) * 3), place)
        until(lambda: len(host.marked(place)) >= 6, "a whole tree")
        world.main.delete(task)
        host.none_left(place)
        equal(markers(log.rest()), "-1", "the end")


@check(55, 59)
def stopped(world):
    """A child that has stopped itself can be deleted"""
    with host.directory() as place:
        task, log = up(world.main, "echo up; kill -STOP $$", place)
        world.main.delete(task)
        host.none_left(place)
        equal(markers(log.rest()), "-1", "the end")


@check(57, 59)
def orphans_in_group(world):
    """Whom a child leaves behind in its group does not outlive the attempt, and its exit is the outcome"""
    for text, seen in (
        ("sleep 300 > /dev/null 2>&1 & echo left; exit 0", ["left"]),
        ("(sh -c 'echo inner; exec sleep 300' > /dev/null 2>&1 &); echo left; exit 0", ["left"]),
        # These hold the pipe: what they write while the attempt waits for it is in the log.
        ("(sleep 0.2; echo late; sleep 300) & echo left; exit 0", ["left", "late"]),
        ("trap '' TERM; (sleep 300; true) & echo left; kill -9 $$", ["left"]),
    ):
        with host.directory() as place:
            outcome = world.quick.run(sh(text, env=env(PLACE=place), failOnNonZero="kill" in text))
            equal(outcome.lines(), seen, text)
            equal(outcome.phase, "EXHAUSTED" if "kill" in text else "SUCCEEDED", text)
            host.none_left(place)


@check(55, 59, 61)
def escapee(world):
    """Who leaves the group and holds the pipe holds the attempt for a while, and nobody else at all"""
    with host.directory() as place:
        task = world.main.submit(sh(ESCAPE + "exit 0", env=env(PLACE=place)))
        log = world.main.log(task)
        with escape(place) as pid:
            equal(world.main.phase(task), "RUNNING", "its output is waited for")
            other = world.main.run(command("echo", "other"))
            equal((other.lines(), other.phase), (["other"], "SUCCEEDED"), "another task meanwhile")
            world.main.delete(world.main.submit(command("sleep", "60")))
            equal(world.main.phase(task), "RUNNING", "still waited for")
            equal(world.main.finished(task)["phase"], "TASK_STATUS_SUCCEEDED", "phase")
            equal(markers(log.rest()), "+1 -1", "the log has ended")
            world.main.no_log(task)
            (run,) = world.main.runs(task)
            held = int(run["finishedAt"]) - int(run["startedAt"])
            expect(held < 20000, "it was held for %d ms" % held)
            expect(pid in host.marked(place), "the escapee lives on, as documented")


@check(55, 59)
def escapee_and_delete(world):
    """A delete does not wait for who has left the group, and no other call waits for the delete"""
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(host.directory()) for _ in range(3)]
        tasks = [world.main.submit(sh(ESCAPE + "sleep 300", env=env(PLACE=place))) for place in places]
        pids = [stack.enter_context(escape(place)) for place in places]
        connections = [world.main.connect() for _ in tasks]
        for connection, task in zip(connections, tasks):
            connection.send(b"DELETE /api/v1/tasks/%s HTTP/1.1\r\nHost: peer.test\r\n\r\n" % task.encode())
        equal(world.main.run(command("true")).phase, "SUCCEEDED", "another task meanwhile")
        world.main.delete("nobody")
        equal([connection.answer("DELETE").status for connection in connections], [204] * 3, "deletes")
        for task, place, pid in zip(tasks, places, pids):
            world.main.no_trace(task)
            equal(set(host.marked(place)), {pid}, "only the escapee is left")


@check(51, 59)
def escapee_and_timeout(world):
    """A time-out is not put off by who has left the group"""
    with host.directory() as place:
        task = world.quick.submit(sh(ESCAPE + "sleep 300", env=env(PLACE=place)), timeoutMs="800")
        log = world.quick.log(task)
        with escape(place):
            equal(world.quick.finished(task)["phase"], "TASK_STATUS_EXHAUSTED", "phase")
            events = log.rest()
            equal(markers(events), "+1 -1", "the log has ended")
            equal([run["status"] for run in world.quick.runs(task)], ["TASK_STATUS_TIMEOUT"], "runs")


@check(57, 59)
def closed_pipes(world):
    """A child that closes its output is not taken for one that has ended"""
    outcome = world.main.run(sh("echo before; exec >&- 2>&-; sleep 0.3; exit 7"))
    equal((outcome.lines(), outcome.status.get("exitCode")), (["before"], 7), "outcome")


@check(59)
def crowd(world):
    """A crowd of descendants goes with its group"""
    with host.directory() as place:
        text = "for n in $(seq 60); do sleep 300 & done; echo up; wait"
        task, _ = up(world.main, text, place)
        until(lambda: len(host.marked(place)) == 61, "all are there")
        world.main.delete(task)
        host.none_left(place)


@check(57, 61)
def chatty_to_the_end(world):
    """What was written before the end is in the log, however the end came"""
    for text, code in (("seq 900; exit 5", 5), ("seq 900; kill -9 $$", None), ("seq 900; exec sleep 0", None)):
        outcome = world.main.run(sh(text))
        equal(outcome.lines(), [str(number) for number in range(1, 901)], text)
        equal(outcome.status.get("exitCode"), code, text)


@check(57)
def unreadable_places(world):
    """What its user may not enter, read or execute cannot be started, and says so"""
    with host.directory() as place, host.servers({"only": {}}, within=host.as_stranger()) as (_, it):
        os.chmod(place, 0o755)
        os.mkdir(place + "/closed", 0o000)
        os.mkdir(place + "/listed", 0o444)
        tool = os.path.join(place, "tool")
        with open(tool, "w") as file:
            file.write("#!/bin/sh\necho ran\n")
        os.chmod(tool, 0o644)
        for subprocess in (
            command("true", cwd=place + "/closed"),
            command("true", cwd=place + "/listed"),
            command(tool),
            command(place + "/closed/tool"),
        ):
            outcome = it["only"].run(subprocess, restart="RESTART_STRATEGY_ON_FAILURE")
            error = "fatal error (no retry): spawn failed: Permission denied (os error 13)"
            equal((outcome.phase, outcome.status["error"]), ("FAILED", error), repr(subprocess))
        os.chmod(tool, 0o755)
        equal(it["only"].run(command(tool)).lines(), ["ran"], "once it may")
        # So that whoever is not root can remove it.
        os.chmod(place + "/closed", 0o700)
