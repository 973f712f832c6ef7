"""Slots: who runs, who waits, who is refused (contract 8.2, 8.3)."""

import os

import host
from checks import check
from solti import command, env, equal, expect, fresh, markers, matches, sh, spec
from wire import until

QUEUE = {"admission": "ADMISSION_STRATEGY_QUEUE"}
REPLACE = {"admission": "ADMISSION_STRATEGY_REPLACE"}


def gated(place, name, **members):
    """Writes that it is there, and ends when it is let go."""
    text = "echo +$NAME >> $PLACE/log; while ! test -e $PLACE/go; do sleep 0.02; done; echo -$NAME >> $PLACE/log"
    return spec(sh(text, env=env(PLACE=place, NAME=name)), **members)


def let_go(place):
    open(place + "/go", "w").close()


def written(place):
    if not os.path.exists(place + "/log"):
        return []
    with open(place + "/log") as file:
        return file.read().split()


@check(48, 53)
def queue(world):
    """QUEUE: tasks of a slot run one after the other, in the order of their submits"""
    server, slot = world.main, fresh()
    with host.directory() as place:
        wholes = [gated(place, str(number), slot=slot, **QUEUE) for number in range(8)]
        first, *waiting = tasks = server.submit_all(wholes)
        server.in_phase(first, "RUNNING")
        for task in waiting:
            equal(server.status(task), {"phase": "TASK_STATUS_PENDING", "attempt": 0}, "a queued task")
            equal((server.version(task), server.runs(task)), ("1", []), "a queued task")
        server.delete(waiting.pop(2))
        server.no_trace(tasks.pop(3))
        let_go(place)
        for task in tasks:
            equal(server.finished(task)["phase"], "TASK_STATUS_SUCCEEDED", task)
        equal(written(place), [sign + str(number) for number in (0, 1, 2, 4, 5, 6, 7) for sign in "+-"], "order")
    times = [(int(run["startedAt"]), int(run["finishedAt"])) for task in tasks for run in server.runs(task)]
    expect(all(before[1] <= after[0] for before, after in zip(times, times[1:])), "no two at a time: %r" % times)


@check(48)
def drop(world):
    """DROP_IF_RUNNING: who finds the slot busy is canceled, and told why"""
    slot = fresh()
    holder = world.main.submit(command("sleep", "60"), slot=slot)
    dropped = world.main.submit(command("true"), slot=slot)
    status = world.main.status(dropped)
    equal((status["phase"], status["attempt"]), ("TASK_STATUS_CANCELED", 0), "status")
    matches("slot busy", status["error"])
    equal(world.main.runs(dropped), [], "runs")
    equal(world.main.log(dropped).rest(), [], "its log is empty")
    world.main.delete(holder)
    # The slot is free again as soon as the delete is answered.
    equal(world.main.run(command("true"), slot=slot).phase, "SUCCEEDED", "next one")


@check(48, 53, 59)
def replace(world):
    """REPLACE: the running task is canceled and recorded so, and the new one starts when it has gone"""
    server, slot = world.main, fresh()
    with host.directory() as place:
        (first,) = server.submit_all([gated(place, "first", slot=slot, **REPLACE)])
        log = server.log(first)
        until(lambda: "+first" in written(place), "it runs")
        (second,) = server.submit_all([gated(place, "second", slot=slot, **REPLACE)])
        server.in_phase(second, "RUNNING")
        equal(server.phase(first), "CANCELED", "the replaced task")
        equal(markers(log.rest()), "+1 -1", "its log")
        (run,) = server.runs(first)
        equal((run["attempt"], run["status"], run.get("exitCode")), (1, "TASK_STATUS_CANCELED", None), "its run")
        expect(int(run["finishedAt"]) <= int(server.runs(second)[0]["startedAt"]), "one after the other")
        let_go(place)
        equal(server.finished(second)["phase"], "TASK_STATUS_SUCCEEDED", "the new task")
        equal(written(place), ["+first", "+second", "-second"], "what they did")


@check(48)
def replace_of_replacement(world):
    """REPLACE: a burst leaves one that runs; who waited at the head is superseded, and told by whom"""
    server, slot = world.main, fresh()
    with host.directory() as place:
        # A child that does not die at once would do as well; this one only keeps the slot busy for the moment.
        burst = [gated(place, str(number), slot=slot, **REPLACE) for number in range(5)]
        tail = gated(place, "tail", slot=slot, **QUEUE)
        tasks = server.submit_all(burst[:1] + [tail] + burst[1:])
        last, behind = tasks[-1], tasks[1]
        server.in_phase(last, "RUNNING")
        for task in tasks[2:-1] + [tasks[0]]:
            equal(server.phase(task), "CANCELED", "superseded")
        let_go(place)
        equal(server.finished(last)["phase"], "TASK_STATUS_SUCCEEDED", "the last one")
        # The first replacement took the head of the queue from the one that had queued.
        equal(server.phase(behind), "CANCELED", "overwritten head")
        matches("superseded by " + tasks[2], server.status(behind)["error"])


@check(48, 55)
def queue_full(world):
    """A hundred tasks may wait for a slot; one more is failed, and told why"""
    server, slot = world.main, fresh()
    holder = server.submit(command("sleep", "60"), slot=slot)
    queued = server.submit_all([spec(command("true"), slot=slot, **QUEUE) for _ in range(101)])
    refused = queued.pop()
    status = server.status(refused)
    equal(status, {"phase": "TASK_STATUS_FAILED", "attempt": 0, "error": "queue_full: 100/100"}, "status")
    equal(server.phase(queued[-1]), "PENDING", "the hundredth")
    server.delete(queued[50])
    (late,) = server.submit_all([spec(command("true"), slot=slot, **QUEUE)])
    equal(server.phase(late), "PENDING", "room again")
    server.delete(holder)
    equal(server.finished(late)["phase"], "TASK_STATUS_SUCCEEDED", "the last of the queue")
    starts = [int(server.runs(task)[0]["startedAt"]) for task in queued[:50] + queued[51:] + [late]]
    equal(starts, sorted(starts), "order of starts")


@check(48)
def slots_do_not_meet(world):
    """Tasks of different slots run side by side"""
    holder = world.main.submit(command("sleep", "60"))
    equal(world.main.run(command("true")).phase, "SUCCEEDED", "another slot")
    equal(world.main.phase(holder), "RUNNING", "the first slot")
    world.main.delete(holder)


@check(52, 53, 55)
def global_limit(world):
    """No more attempts than allowed run at a time; the others are pending, and can be deleted"""
    server = world.two
    with host.directory() as place:
        tasks = server.submit_all([gated(place, str(number)) for number in range(6)])
        until(lambda: len(written(place)) == 2, "two run")
        running, waiting = tasks[:2], tasks[2:]
        equal([server.phase(task) for task in running], ["RUNNING"] * 2, "running")
        equal([(server.phase(task), server.version(task)) for task in waiting], [("PENDING", "1")] * 4, "waiting")
        log = server.log(waiting[0])
        server.delete(waiting[0])
        equal(log.rest(), [], "log of a deleted pending task")
        let_go(place)
        for task in running + waiting[1:]:
            equal(server.finished(task)["phase"], "TASK_STATUS_SUCCEEDED", task)
        level = most = 0
        for word in written(place):
            level += 1 if word[0] == "+" else -1
            most = max(most, level)
        equal((level, most), (0, 2), "attempts at a time")
    times = [run for task in running + waiting[1:] for run in server.runs(task)]
    steps = sorted([(int(run["startedAt"]), 1) for run in times] + [(int(run["finishedAt"]), -1) for run in times])
    most = max(sum(step for _, step in steps[:end]) for end in range(len(steps)))
    equal(most, 2, "runs at a time")
