"""The end of a server while it works (contract 6.4, 8.8)."""

import contextlib
import os
import socket
import time

import host
from checks import check
from children import ESCAPE, STUBBORN, escape
from solti import JSON, ROOT, Server, command, equal, expect, markers, script, sh, spec, submit_body
from wire import Broken, address, request


@contextlib.contextmanager
def serving(*arguments, **options):
    with host.switchyard(*arguments, **options) as process:
        expect(process.ready is not None, "it started: %s" % process.errors)
        yield process, Server(process.ready["url"])


def script_files(place):
    return [name for name in os.listdir(place) if name.startswith("solti-script-")]


@check(46, 51, 56)
def busy_server(world):
    """SIGTERM while everything runs: streams end properly, no process of any group is left, and the exit code is 0"""
    with host.directory() as place, host.directory() as scripts, contextlib.ExitStack() as stack:
        process, server = stack.enter_context(serving(environment={"PLACE": place, "TMPDIR": scripts}))
        slot = {"slot": "one", "admission": "ADMISSION_STRATEGY_QUEUE"}
        again = {"restart": "RESTART_STRATEGY_ALWAYS", "restartIntervalMs": "60000"}
        tasks = server.submit_all([
            spec(sh("sh -c \"%s\" & %s" % (STUBBORN, STUBBORN))),
            spec(script("echo up; sleep 300; true")),
            spec(command("true"), **again),
            spec(sh("echo up; exec sleep 300"), **slot),
            spec(sh("echo never"), **slot),
        ])
        logs = [server.log(task) for task in tasks]
        seen = [log.until(lambda event: event["type"] in ("chunk", "runFinished")) for log in logs[:4]] + [[]]
        idle, half = server.connect(), server.connect()
        idle.send(request("GET", ROOT))
        idle.answer()
        half.send(request("POST", ROOT, [JSON, ("Content-Length", "1000")], b"{"))
        equal(len(script_files(scripts)), 1, "a script file")
        process.terminate()
        whole = [markers(before + log.rest()) for before, log in zip(seen, logs)]
        equal(whole, ["+1 -1", "+1 -1", "+1 -1", "+1 -1", ""], "logs, to their proper ends")
        equal(process.wait(), (0, ""), "exit code, and more on stdout")
        equal(host.marked(place), {}, "no process is left")
        equal(script_files(scripts), [], "nor a script file")
        try:
            socket.create_connection(address(server.url), timeout=5).close()
            raise AssertionError("somebody still listens")
        except ConnectionRefusedError:
            pass


@check(56)
def submit_during_shutdown(world):
    """A submit that comes too late is refused, and nothing of it runs"""
    with host.directory() as place, serving(environment={"PLACE": place}) as (process, server):
        connections = [server.connect() for _ in range(20)]
        body = submit_body(spec(sh("sleep 300")))
        cut = len(body) - 1
        head = request("POST", ROOT, [JSON, ("Content-Length", str(len(body)))], body[:cut])
        for connection in connections:
            connection.send(head)
        process.terminate()
        statuses = []
        for connection in connections:
            time.sleep(0.005)
            with contextlib.suppress(Broken, OSError):
                connection.send(body[cut:])
                statuses.append(connection.answer("POST").status)
        expect(set(statuses) <= {201, 503}, repr(statuses))
        equal(process.wait(), (0, ""), "exit code, and more on stdout")
        equal(host.marked(place), {}, "no process is left")


@check(56, 61)
def readers_at_the_end(world):
    """A reader that does not read does not keep the server from ending"""
    with host.directory() as place, serving(environment={"PLACE": place}) as (process, server):
        task = server.submit(command("yes", "a line of a flood that nobody takes"))
        slow = server.log(task, receive_buffer=4096)
        quick = server.log(task)
        quick.until(lambda event: event["type"] == "lagged")
        process.terminate()
        equal(quick.rest()[-1]["type"], "runFinished", "the quick reader sees the end")
        equal(process.wait(), (0, ""), "exit code, and more on stdout")
        slow.connection.close()
        equal(host.marked(place), {}, "no process is left")


@check(56, 59)
def escapee_at_the_end(world):
    """Who has left the group of its attempt does not keep the server from ending"""
    with host.directory() as place, serving(environment={"PLACE": place}) as (process, server):
        log = server.log(server.submit(sh(ESCAPE + "sleep 300")))
        with escape(place) as pid:
            log.until(lambda event: event["type"] == "chunk")
            process.terminate()
            equal(markers(log.rest()), "-1", "the log has ended")
            equal(process.wait(), (0, ""), "exit code, and more on stdout")
            equal(set(host.marked(place)), {pid}, "only the escapee is left, as documented")


@check(56)
def interrupt(world):
    """SIGINT ends a server like SIGTERM"""
    with host.directory() as place, serving(environment={"PLACE": place}) as (process, server):
        log = server.log(server.submit(sh("sleep 300; true")))
        log.event()
        process.terminate(2)
        equal(markers(log.rest()), "-1", "the log has ended")
        equal(process.wait(), (0, ""), "exit code, and more on stdout")
        equal(host.marked(place), {}, "no process is left")
