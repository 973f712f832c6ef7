"""The five unary calls where nothing is wrong (contract 4, 5)."""

import time

from api import (
    ALWAYS, CANCELED, DROP, FAILED, ON_FAILURE, PAUSE, PYTHON, QUEUE, REPLACE, RUNNING, SUCCEEDED, U64, Code, backoff,
    chunks, command, equal, expect, fresh, refusal, script, sh, spec, types_pb2, variables,
)
from borrowed import checks, host, until
from differences import expected, ours


@checks.check(6, 13, 14, 15, 42)
def submit_command(world):
    """A command is taken, run, and seen by all five calls"""
    server = world.main
    before = time.time() * 1000
    with host.directory() as place:
        kind = sh(PAUSE + "echo $NAME; pwd", env=variables(NAME="first", OTHER=""), cwd=place)
        whole = spec(kind, labels={"team": "infra", "": "empty", "ключ": "значение"}, admission=QUEUE)
        (task_id,) = server.submit_all([whole])
        equal(task_id.rsplit("-", 1)[0], "default-" + whole.slot, "id")
        events = list(server.log(task_id))
        (run,) = server.ended(task_id)
        equal(chunks(events), [b"first", place.encode()], "lines")
    equal((run.attempt, run.status), (1, SUCCEEDED), "run")
    expect(not run.HasField("exit_code") and not run.HasField("error"), "no exit code, no error: %r" % run)
    expect(before - 1000 <= run.started_at <= run.finished_at <= time.time() * 1000 + 1000, "times")
    task = server.task(task_id)
    if expected("ended stays"):
        equal(task.spec, whole, "spec comes back")
        equal((task.metadata.id, task.metadata.resource_version), (task_id, 4), "metadata")
        equal((task.status.phase, task.status.attempt), (SUCCEEDED, 1), "status")
        equal(server.ids(slot=whole.slot), [task_id], "list")
        server.delete(task_id)
    server.delete(task_id)
    equal(server.task(task_id), None, "task")
    server.no_log(task_id)


@checks.check(13, 14, 15, 18)
def whole_spec(world):
    """Each member of a spec comes back as it was sent while the task runs"""
    kinds = [
        sh("exec sleep 60", env=variables(A="1", B="2"), cwd="/", fail_on_non_zero=False),
        script("exec sleep 60", args=["one", "", "drei Wörter"]),
        script("import time; time.sleep(60)", runtime=PYTHON),
        script("sleep 60", runtime=types_pb2.CustomRuntime(command="sh", flag="-c")),
    ]
    for number, kind in enumerate(kinds):
        whole = spec(
            kind,
            timeout_ms=30_000 + number,
            restart=(1, 2, 3, 3)[number],
            backoff=backoff(number + 1, 7, 8, 1.5),
            admission=(DROP, REPLACE, QUEUE, DROP)[number],
            labels={"n": str(number)},
        )
        if whole.restart == ALWAYS:
            # 0 is there, and something else than absent.
            whole.restart_interval_ms = number - 2
        (task_id,) = world.main.submit_all([whole])
        world.main.in_phase(task_id, RUNNING)
        task = world.main.task(task_id)
        equal(task.spec, whole, "spec")
        equal((task.status.attempt, task.metadata.resource_version), (1, 3), "version")
        expect(not task.status.HasField("error") and not task.status.HasField("exit_code"), "status")
        world.main.delete(task_id)


@checks.check(20)
def extremes(world):
    """64-bit numbers come back equal, and are not mistaken for little ones"""
    server = world.main
    kind = sh("exec sleep 60")
    for timeout in (U64, 2**63, 2**53 + 1, 2**31):
        with server.task_of(kind, timeout_ms=timeout, backoff=backoff(1, U64, U64)) as task_id:
            time.sleep(0.05)
            task = server.task(task_id)
            equal((task.status.phase, task.status.attempt), (RUNNING, 1), "timeout %d" % timeout)
            equal(task.spec.timeout_ms, timeout, "timeout_ms")
            equal((task.spec.backoff.first_ms, task.spec.backoff.max_ms), (U64, U64), "backoff")
    # Both are in a pause that nobody will see the end of.
    pausing = [
        server.submit(command("true"), restart=ALWAYS, restart_interval_ms=2**63),
        server.submit(command("false"), restart=ON_FAILURE, backoff=backoff(1, 2**63, U64, 1e308)),
        server.submit(command("false"), restart=ON_FAILURE, backoff=backoff(4, U64, U64, 2)),
    ]
    for task_id in pausing:
        server.ended(task_id)
    time.sleep(0.2)
    for task_id, phase in zip(pausing, (SUCCEEDED, FAILED, FAILED)):
        task = server.task(task_id)
        equal((task.status.phase, task.status.attempt), (phase, 1), "in the pause")
    equal(server.task(pausing[0]).spec.restart_interval_ms, 2**63, "restart_interval_ms")
    equal(server.task(pausing[1]).spec.backoff.factor, 1e308, "factor")
    for task_id in pausing:
        server.delete(task_id)


@checks.check(14, 15)
def interpreters(world):
    """Scripts of all runtimes run with their arguments"""
    for kind, line in (
        (script(PAUSE + "echo bash $1 $#", args=["a b", "c"]), b"bash a b 2"),
        (script("import sys, time; time.sleep(0.3); print('python', sys.argv[1:])", PYTHON, ["x"]), b"python ['x']"),
        (script(PAUSE + "echo custom $1", types_pb2.CustomRuntime(command="sh", flag="-c"), ["y"]), b"custom y"),
    ):
        task_id = world.main.submit(kind)
        equal(chunks(world.main.log(task_id)), [line], "line")


@checks.check(57)
def exit_codes(world):
    """Failures have their exit code and text on the run"""
    for kind, code, text in (
        (sh("exit 3"), 3, "execution failed: process exited with non-zero code: 3"),
        (sh("exit 255"), 255, "execution failed: process exited with non-zero code: 255"),
        (sh("kill -9 $$"), None, "execution failed: process terminated by signal"),
        (command("no-such-program"), None, "fatal error (no retry): spawn failed: No such file or directory"),
    ):
        task_id = world.main.submit(kind)
        (run,) = world.main.ended(task_id)
        equal((run.attempt, run.status), (1, FAILED), text)
        equal(run.exit_code if run.HasField("exit_code") else None, code, text)
        expect(text in run.error, run.error)


@checks.check(8, 9, 10)
def absent(world):
    """Unknown ids, whatever is in them: no task, no runs, no error of a delete; no log, with the id as text"""
    for task_id in ("default-t-999999", "a/b", "..", " x ", "ü%41%", "a\nb\r\tc\0d", "🚦", "x" * 2000):
        world.main.no_trace(task_id)
        for _ in range(2):
            world.main.delete(task_id)
    # Headers have only so much room: the text of a status may be cut.
    code, details = refusal(world.main.log, "y" * 5000)
    equal((code, details), (Code.NOT_FOUND, "y" * expected("longest text")), "a long id")


@checks.check(10, 55)
def delete_twice(world):
    """A delete ends what runs and leaves nothing; another one is as good"""
    task_id = world.main.submit(sh("exec sleep 60"))
    world.main.in_phase(task_id, RUNNING)
    world.main.delete(task_id)
    equal(world.main.task(task_id), None, "task")
    equal(world.main.runs(task_id), [], "runs")
    until(lambda: not_found(world.main, task_id), "its log is gone")
    world.main.delete(task_id)


def not_found(server, task_id):
    try:
        server.no_log(task_id)
    except AssertionError:
        return False
    return True


@checks.check(8)
def lists(world):
    """Lists are filtered by slot and status, in the order of ids, and paged by limit and offset"""
    server, slot = world.main, fresh("list")
    pause = {"restart": ON_FAILURE, "backoff": backoff(1, 600_000, 600_000)}
    slots = [slot] * 1 + [fresh("list") for _ in range(11)]
    failing = server.submit_all([spec(command("false"), slot=it, **pause) for it in slots])
    for task_id in failing:
        until(lambda: server.phase(task_id) == FAILED, "%s is in its pause" % task_id)
    equal(server.ids(slot=slot), failing[:1], "by slot")
    equal(server.ids(slot=slot, status=FAILED), failing[:1], "by both")
    equal((server.ids(slot=slot, status=RUNNING), server.ids(slot=slot + "x")), ([], []), "nothing of it")
    whole = server.ids(status=FAILED, limit=1000)
    equal(whole, sorted(whole, key=lambda it: it.encode()), "order")
    expect(set(failing) <= set(whole), "all of them")
    server.delete_all(failing)


@checks.check(8)
def pages(world):
    """Pages of one slot or status fit together; 0 is a hundred, more than a thousand is a thousand"""
    server = world.alone
    pause = {"restart": ON_FAILURE, "backoff": backoff(1, 600_000, 600_000)}
    tasks = server.submit_all([spec(command("false"), **pause) for _ in range(120)])
    until(lambda: len(server.list(status=FAILED, limit=1000).tasks) == 120, "all are in their pauses")
    tasks.sort()
    whole = server.list(status=FAILED, limit=4_294_967_295)
    equal([it.metadata.id for it in whole.tasks], tasks, "all")
    for members, page in (
        ({}, tasks[:100]),
        ({"limit": 0}, tasks[:100]),
        ({"limit": 7}, tasks[:7]),
        ({"limit": 7, "offset": 7}, tasks[7:14]),
        ({"offset": 100}, tasks[100:]),
        ({"limit": 1000, "offset": 119}, tasks[119:]),
        ({"offset": 120}, []),
        ({"offset": 4_294_967_295}, []),
    ):
        answer = server.list(status=FAILED, **members)
        equal([it.metadata.id for it in answer.tasks], page, repr(members))
        equal(answer.total, len(tasks) if expected("total of all") else len(page), "total of %r" % members)
    server.delete_all(tasks)
    equal(server.ids(status=FAILED), [], "none is left")


@checks.check(9, 49)
def retries(world):
    """The runs of a task are listed oldest first, with their numbers, codes and times"""
    with host.directory() as place:
        text = "echo x >> $FILE; n=$(wc -l < $FILE); test $n -ge 3 || exit $n"
        task_id = world.main.submit(sh(text, env=variables(FILE=place + "/tries")), restart=ON_FAILURE)
        runs = until(lambda: whole(world.main.runs(task_id)), "three runs")
    shown = [(run.attempt, run.status, run.exit_code if run.HasField("exit_code") else None) for run in runs]
    equal(shown, [(1, FAILED, 1), (2, FAILED, 2), (3, SUCCEEDED, None)], "runs")
    times = [moment for run in runs for moment in (run.started_at, run.finished_at)]
    equal(times, sorted(times), "times")


def whole(runs):
    return runs if len(runs) == 3 and runs[-1].HasField("finished_at") else None


if ours():

    @checks.check(62)
    def embedded(world):
        """What the server runs for itself is not there for clients"""
        world.main.no_trace("solti-state-sweep")
        world.main.delete("solti-state-sweep")
        equal([it for it in world.main.ids(limit=1000) if not it.startswith("default-")], [], "list")

    @checks.check(48)
    def busy_slot(world):
        """A busy slot is told to whoever wants no queue, on the task"""
        slot = fresh()
        with world.main.task_of(sh("exec sleep 60"), slot=slot):
            task = world.main.task(world.main.submit(command("true"), slot=slot))
            equal((task.status.phase, task.status.attempt), (CANCELED, 0), "status")
            expect("slot busy" in task.status.error, task.status.error)
