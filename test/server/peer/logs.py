"""Log streams: their events, their order, their end (contract 6)."""

import time

import host
from checks import check
from solti import command, env, equal, expect, lines, markers, sh, well_formed
from wire import KEEP_ALIVE

@check(46, 61)
def whole_log(world):
    """The first subscriber gets everything from run-started 1 on, whenever it comes; behind the end is 404"""
    for pause in (0, 0.2):
        task = world.main.submit(sh("echo out; echo err >&2; echo more"))
        if pause > 0:
            world.main.finished(task)
            time.sleep(pause)
        log = world.main.log(task)
        equal(log.answer.header("content-type"), "text/event-stream", "content type")
        equal(log.answer.header("cache-control"), "no-cache", "cache control")
        events = log.rest()
        equal(well_formed(events), "+1 -1", "markers")
        equal((lines(events), lines(events, "stderr")), (["out", "more"], ["err"]), "lines")
        world.main.no_log(task)


@check(46)
def after_the_end(world):
    """An answered log leaves its connection fit for the next request"""
    task = world.main.submit(command("true"))
    log = world.main.log(task)
    log.rest()
    log.connection.send(b"GET /api/v1/tasks/nobody HTTP/1.1\r\nHost: peer.test\r\n\r\n")
    equal(log.connection.answer().text, "{}", "next answer")


@check(61)
def unopened_log(world):
    """A log that nobody has opened is gone some time behind its end"""
    task = world.main.submit(command("true"))
    world.main.finished(task)
    time.sleep(2.5)
    world.main.no_log(task)


@check(46)
def keep_alive(world):
    """A silent log is kept open with comments, a busy one is not"""
    task = world.main.submit(sh("echo first; sleep 60"))
    log = world.main.log(task)
    equal([log.frame()["type"] for _ in range(2)], ["runStarted", "chunk"], "first events")
    equal([log.frame() for _ in range(3)], [KEEP_ALIVE] * 3, "then silence")
    world.main.delete(task)
    rest = log.rest()
    equal(markers(rest), "-1", "the end")


@check(61)
def later_subscriber(world):
    """A later subscriber gets new events only, and the same end"""
    with host.directory() as place:
        text = "echo one; while ! test -e $GATE; do sleep 0.05; done; echo two"
        task = world.main.submit(sh(text, env=env(GATE=place + "/go")))
        first = world.main.log(task)
        first.until(lambda event: event["type"] == "chunk")
        second = world.main.log(task)
        open(place + "/go", "w").close()
        for rest in (first.rest(), second.rest()):
            equal([event.get("line", event["type"]) for event in rest], ["two", "runFinished"], "new events")
            equal(rest[0]["seq"], 1, "seq")


@check(49, 53, 61)
def attempts(world):
    """One log covers all attempts, each opened and closed once, with lines counted from 0"""
    with host.directory() as place:
        text = "echo try; echo x >> $FILE; n=$(wc -l < $FILE); echo number $n; test $n -ge 3 || exit $n"
        outcome = world.main.run(sh(text, env=env(FILE=place + "/tries")), restart="RESTART_STRATEGY_ON_FAILURE")
    equal(well_formed(outcome.events), "+1 -1(1) +2 -2(2) +3 -3", "markers")
    for attempt in (1, 2, 3):
        equal(lines(outcome.events, "stdout", attempt), ["try", "number %d" % attempt], "lines of %d" % attempt)
    equal(outcome.phase, "SUCCEEDED", "phase")
    shown = [(run["attempt"], run["status"][12:], run.get("exitCode")) for run in outcome.runs]
    equal(shown, [(1, "FAILED", 1), (2, "FAILED", 2), (3, "SUCCEEDED", None)], "runs")
    starts = [event["startedAt"] for event in outcome.events if event["type"] == "runStarted"]
    ends = [event["finishedAt"] for event in outcome.events if event["type"] == "runFinished"]
    equal([(str(a), str(b)) for a, b in zip(starts, ends)],
          [(run["startedAt"], run["finishedAt"]) for run in outcome.runs], "times of markers and runs")


@check(49, 55, 61)
def always(world):
    """A task that always restarts keeps its log open until it is deleted; the end is a proper one"""
    task = world.main.submit(sh("echo again"), restart="RESTART_STRATEGY_ALWAYS", restartIntervalMs="30")
    log = world.main.log(task)
    events = log.until(lambda event: event["type"] == "runFinished" and event["attempt"] == 4)
    world.main.delete(task)
    events += log.rest()
    shown = well_formed(events)
    expect(shown.startswith("+1 -1 +2 -2 +3 -3 +4 -4"), shown)
    expect(shown.count("+") == shown.count("-"), shown)
    world.main.no_trace(task)


@check(55, 61)
def deleted_while_running(world):
    """A delete closes the attempt and ends the log of everybody, and nothing is left"""
    task = world.main.submit(sh("echo ready; exec sleep 60"))
    first = world.main.log(task)
    first.until(lambda event: event["type"] == "chunk")
    others = [world.main.log(task) for _ in range(3)]
    world.main.delete(task)
    world.main.no_trace(task)
    equal([markers(log.rest()) for log in [first] + others], ["-1"] * 4, "markers")


@check(55, 61)
def deleted_while_not_running(world):
    """A delete during back-off or in the queue ends the log without another marker"""
    task = world.main.submit(
        command("false"),
        restart="RESTART_STRATEGY_ON_FAILURE",
        backoff={"jitter": "JITTER_STRATEGY_NONE", "firstMs": "60000", "maxMs": "60000", "factor": 1},
    )
    log = world.main.log(task)
    log.until(lambda event: event["type"] == "runFinished")
    equal(world.main.phase(task), "FAILED", "phase during back-off")
    world.main.delete(task)
    equal(log.rest(), [], "back-off")
    holder = world.main.submit(command("sleep", "60"), slot="logs-queue")
    queued = world.main.submit(command("true"), slot="logs-queue", admission="ADMISSION_STRATEGY_QUEUE")
    log = world.main.log(queued)
    equal(log.frame(), KEEP_ALIVE, "silence")
    world.main.delete(queued)
    equal(log.rest(), [], "queue")
    world.main.no_trace(queued)
    world.main.delete(holder)


@check(61)
def flood(world):
    """A flood of a thousand lines arrives whole and in order"""
    events = world.main.run(sh("seq 1000; seq 1000 1020 >&2")).events
    equal(well_formed(events), "+1 -1", "markers")
    equal(lines(events), [str(number) for number in range(1, 1001)], "stdout")
    equal(lines(events, "stderr"), [str(number) for number in range(1000, 1021)], "stderr")


@check(61)
def slow_reader(world):
    """Who reads too slowly is told exactly how many events it has lost, and goes on behind them"""
    total = 150000
    task = world.main.submit(sh("seq -f 'line %%.0f of a flood that nobody can take at once' %d" % total))
    slow = world.main.log(task, receive_buffer=4096)
    world.main.finished(task)
    events = slow.rest()
    skipped = sum(event["skipped"] for event in events if event["type"] == "lagged")
    expect(skipped > 0, "it was too slow")
    kept = [event for event in events if event["type"] != "lagged"]
    # The lines and two markers.
    equal(len(kept) + skipped, total + 2, "kept and lost")
    expected = None
    for before, event in zip(events, events[1:]):
        if event["type"] == "chunk":
            gap = before["skipped"] if before["type"] == "lagged" else 0
            if expected is not None:
                equal(event["seq"], expected + gap, "seq behind %r" % before)
            equal(event["line"], "line %d of a flood that nobody can take at once" % (event["seq"] + 1), "line")
            expected = event["seq"] + 1
    equal(events[-1]["type"], "runFinished", "last event")


@check(46, 61)
def fickle_readers(world):
    """Readers that come and go disturb neither the task nor each other"""
    with host.directory() as place:
        count = "n=0; while ! test -e $GATE; do n=$((n + 1)); echo $n; sleep 0.01; done"
        task = world.main.submit(sh(count, env=env(GATE=place + "/go")))
        steady = world.main.log(task)
        for _ in range(20):
            world.main.log(task).connection.close()
        open(place + "/go", "w").close()
        seen = lines(steady.rest())
    equal(seen, [str(number) for number in range(1, len(seen) + 1)], "lines")
    equal(world.main.finished(task)["phase"], "TASK_STATUS_SUCCEEDED", "phase")
