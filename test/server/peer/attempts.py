"""Attempts: restarts, back-off, time-outs, versions, runs, retention (contract 8.3 - 8.5, 9)."""

import time

import host
from checks import check
from solti import ROOT, command, env, equal, expect, markers, sh
from wire import until


def policy(jitter="NONE", first=50, most=50, factor=1.0):
    return {"jitter": "JITTER_STRATEGY_" + jitter, "firstMs": str(first), "maxMs": str(most), "factor": factor}


ON_FAILURE = {"restart": "RESTART_STRATEGY_ON_FAILURE"}
ALWAYS = {"restart": "RESTART_STRATEGY_ALWAYS"}


def shown(run):
    return run["attempt"], run["status"].replace("TASK_STATUS_", ""), run.get("exitCode"), run.get("error")


@check(53)
def versions(world):
    """A task is version 1 while it waits, 3n while attempt n runs, 3n + 1 behind it"""
    server = world.main
    with host.directory() as place:
        wait = "while ! test -e $PLACE/$n; do sleep 0.02; done"
        text = "echo x >> $PLACE/tries; n=$(wc -l < $PLACE/tries); %s; test $n -ge 3" % wait
        task = server.submit(sh(text, env=env(PLACE=place)), backoff=policy(first=900, most=900), **ON_FAILURE)
        seen = []
        for attempt in (1, 2, 3):
            until(lambda: server.status(task)["attempt"] == attempt, "attempt %d" % attempt)
            body = server.task(task)
            equal(body["metadata"]["resourceVersion"], str(3 * attempt), "while it runs")
            # Nothing is left of the error of the attempt before.
            equal(body["status"], {"phase": "TASK_STATUS_RUNNING", "attempt": attempt}, "while it runs")
            seen.append(int(body["metadata"]["updatedAt"]))
            open("%s/%d" % (place, attempt), "w").close()
            if attempt < 3:
                body = until(lambda: failed(server.task(task)), "attempt %d has failed" % attempt)
                equal(body["metadata"]["resourceVersion"], str(3 * attempt + 1), "between attempts")
                equal((body["status"]["attempt"], body["status"]["exitCode"]), (attempt, 1), "between attempts")
                seen.append(int(body["metadata"]["updatedAt"]))
        equal(server.finished(task), {"phase": "TASK_STATUS_SUCCEEDED", "attempt": 3}, "the end")
        body = server.task(task)
        equal(body["metadata"]["resourceVersion"], "10", "the end")
        seen.append(int(body["metadata"]["updatedAt"]))
        equal(seen, sorted(seen), "updatedAt")
        expect(int(body["metadata"]["createdAt"]) <= seen[0], "createdAt")


def failed(task):
    return task if task["status"]["phase"] == "TASK_STATUS_FAILED" else None


@check(49, 53)
def ends(world):
    """Each way to end has its phases, errors and codes, on the task and on its run"""
    non_zero = "execution failed: process exited with non-zero code: 3"
    signal = "execution failed: process terminated by signal"
    for subprocess, members, phase, run in (
        (sh("exit 0"), {}, {"phase": "SUCCEEDED"}, (1, "SUCCEEDED", None, None)),
        (sh("exit 3", failOnNonZero=False), {}, {"phase": "SUCCEEDED"}, (1, "SUCCEEDED", None, None)),
        (sh("kill -9 $$", failOnNonZero=False), {}, {"phase": "SUCCEEDED"}, (1, "SUCCEEDED", None, None)),
        (sh("exit 3"), {}, {"phase": "EXHAUSTED", "exitCode": 3, "error": non_zero}, (1, "FAILED", 3, non_zero)),
        (sh("kill -9 $$"), {}, {"phase": "EXHAUSTED", "error": signal}, (1, "FAILED", None, signal)),
        (sh("exit 0"), ON_FAILURE, {"phase": "SUCCEEDED"}, (1, "SUCCEEDED", None, None)),
    ):
        outcome = world.main.run(subprocess, **members)
        expected = dict(phase, phase="TASK_STATUS_" + phase["phase"], attempt=1)
        equal((outcome.status, [shown(run) for run in outcome.runs]), (expected, [run]), repr(subprocess))
        equal(markers(outcome.events), "+1 -1" + ("(3)" if run[2] else ""), "markers")
        equal(world.main.version(outcome.task_id), "4", "version")


@check(51, 53)
def timeout(world):
    """A time-out ends the attempt as such, kills its whole group, and is one step"""
    with host.directory() as place:
        stubborn = "trap '' TERM HUP INT; (sleep 300; true) & "
        tree = stubborn + "sh -c 'trap \"\" TERM; sleep 300; true' & echo up; wait; sleep 300"
        outcome = world.main.run(sh(tree, env=env(TREE=place)), timeoutMs="600")
        host.none_left(place)
    error = "task attempt timed out after 600 ms"
    equal(outcome.status, {"phase": "TASK_STATUS_EXHAUSTED", "attempt": 1, "error": error}, "status")
    equal([shown(run) for run in outcome.runs], [(1, "TIMEOUT", None, error)], "runs")
    equal((markers(outcome.events), outcome.lines()), ("+1 -1", ["up"]), "log")
    equal(world.main.version(outcome.task_id), "4", "version")


@check(49, 50, 51)
def timeout_and_retry(world):
    """A time-out is retried like a failure, and found by its phase in between"""
    server = world.main
    task = server.submit(command("sleep", "60"), timeoutMs="100", backoff=policy(first=800, most=800), **ON_FAILURE)
    server.in_phase(task, "TIMEOUT")
    found = server.get("%s?status=timeout&slot=%s" % (ROOT, server.task(task)["spec"]["slot"])).json
    equal(([it["metadata"]["id"] for it in found["tasks"]], found["total"]), ([task], 1), "?status=timeout")
    until(lambda: len(server.runs(task)) >= 2, "the next attempt")
    server.delete(task)


@check(49)
def intervals(world):
    """ALWAYS pauses for its interval behind a success, and for its back-off behind a failure"""
    task = world.main.submit(command("true"), restartIntervalMs="250", **ALWAYS)
    failing = world.main.submit(command("false"), restartIntervalMs="1", backoff=policy(first=250, most=250), **ALWAYS)
    for each, phase in ((task, "SUCCEEDED"), (failing, "FAILED")):
        runs = until(lambda: world.main.runs(each)[2:] and world.main.runs(each)[:3], "three runs")
        equal([run["status"] for run in runs[:2]], ["TASK_STATUS_" + phase] * 2, "runs")
        for pause in pauses(runs):
            expect(pause >= 249, "paused for %d ms" % pause)
        world.main.delete(each)


def pauses(runs):
    """Between the end of a run and the start of the next, in ms."""
    return [int(after["startedAt"]) - int(before["finishedAt"]) for before, after in zip(runs, runs[1:])]


@check(50)
def back_off(world):
    """Back-off grows by its factor up to its maximum; equal and decorrelated jitter keep their least delay"""
    server = world.main
    expected = {"NONE": [100, 200, 400, 400], "EQUAL": [50, 100, 200, 200], "DECORRELATED": [100] * 4, "FULL": [0] * 4}
    tasks = [server.submit(command("false"), backoff=policy(it, 100, 400, 2), **ON_FAILURE) for it in expected]
    for task, (jitter, least) in zip(tasks, expected.items()):
        until(lambda: len(server.runs(task)) >= 5, "five runs of %s" % jitter)
        found = pauses(server.runs(task))
        # Clocks of timers and of time stamps may round apart by one.
        expect(all(pause >= wanted - 1 for pause, wanted in zip(found, least)), "%s: %r" % (jitter, found))
        server.delete(task)


@check(54)
def history(world):
    """Of many attempts the latest 256 runs are kept, oldest first"""
    server = world.alone
    task = server.submit(command("true"), **ALWAYS)
    until(lambda: server.status(task)["attempt"] >= 500, "500 attempts", limit=60)
    runs = server.runs(task)
    attempts = [run["attempt"] for run in runs]
    expect(attempts[-1] >= 500, "latest")
    equal(attempts, list(range(attempts[-1] - 255, attempts[-1] + 1)), "attempts")
    equal({run["status"] for run in runs[:-1]}, {"TASK_STATUS_SUCCEEDED"}, "closed runs")
    server.delete(task)
    server.no_trace(task)


@check(54, 62)
def sweep(world):
    """What has ended stays until the sweep, runs first; functions of the host are not to be seen, nor to be stopped"""
    server = world.brief
    for method in ("DELETE", "GET"):
        expect(server.call(method, ROOT + "/solti-state-sweep").status in (200, 204), method)
    server.no_trace("solti-state-sweep")
    equal(server.get(ROOT).json["total"], 0, "total")
    held = server.submit(command("sleep", "60"))
    task = server.submit(command("false"))
    seen = server.finished(task)
    equal(seen["phase"], "TASK_STATUS_EXHAUSTED", "the ended task")
    expect(server.runs(task) != [], "its runs")
    until(lambda: server.runs(task) == [], "its runs are swept")
    until(lambda: server.task(task) is None, "it is swept")
    equal((server.phase(held), len(server.runs(held))), ("RUNNING", 1), "what runs stays")
    equal(server.get(ROOT).json["total"], 1, "total")
    server.delete(held)


@check(54)
def no_vanishing(world):
    """A finished task is still there"""
    tasks = [world.main.submit(command(file)) for file in ("true", "false", "no-such-program")]
    phases = [world.main.finished(task)["phase"] for task in tasks]
    equal(phases, ["TASK_STATUS_SUCCEEDED", "TASK_STATUS_EXHAUSTED", "TASK_STATUS_FAILED"], "phases")
    time.sleep(1)
    equal(["TASK_STATUS_" + world.main.phase(task) for task in tasks], phases, "phases a second later")


@check(55)
def deletes(world):
    """A delete is as good as another: many at once, again, and behind the end"""
    server = world.main
    task = server.submit(command("sleep", "60"))
    connections = [server.connect() for _ in range(10)]
    for connection in connections:
        connection.send(b"DELETE %s/%s HTTP/1.1\r\nHost: peer.test\r\n\r\n" % (ROOT.encode(), task.encode()))
    equal([connection.answer("DELETE").status for connection in connections], [204] * 10, "answers")
    server.no_trace(task)
    server.delete(task)
    ended = server.run(command("true")).task_id
    server.delete(ended)
    server.no_trace(ended)
