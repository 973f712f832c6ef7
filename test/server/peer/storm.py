"""Many clients that do whatever comes to their mind, and what has to be true all the same."""

import concurrent.futures
import os
import random
import threading
import time

import host
from checks import check
from solti import ROOT, command, env, equal, expect, fresh, script, sh, spec, well_formed

CLIENTS = 4
STEPS = 50

WORK = (
    command("true"),
    command("false"),
    command("no-such-program"),
    command("sleep", "0.1"),
    sh("seq 50; seq 50 >&2"),
    sh("sleep 60 & sleep 0.1"),
    sh("trap '' TERM; sleep 0.2; echo late"),
    script("echo ran; exit $1", args=["3"]),
)


class Client(threading.Thread):
    """`failures` says what it has found to be wrong; `readers` follow logs, which may take longer than the client."""

    def __init__(self, server, place, slots, seed):
        super().__init__()
        self.server = server
        self.random = random.Random(seed)
        self.place = place
        self.slots = slots
        self.tasks = []
        self.versions = {}
        self.readers = []
        self.failures = []

    def watch(self, work, *args):
        try:
            work(*args)
        except Exception as error:
            self.failures.append("%s: %s" % (work.__name__, error))

    def run(self):
        self.watch(self.work)

    def work(self):
        for _ in range(STEPS):
            self.random.choice((self.submit, self.submit, self.look, self.peek, self.delete))()
            time.sleep(self.random.random() / 50)

    def submit(self):
        pick = self.random.choice
        whole = spec(
            dict(pick(WORK), env=env(PLACE=self.place)),
            slot=pick(self.slots),
            timeoutMs=pick(("50", "300", "60000")),
            restart="RESTART_STRATEGY_" + pick(("NEVER", "NEVER", "ON_FAILURE", "ALWAYS")),
            restartIntervalMs="20",
            admission="ADMISSION_STRATEGY_" + pick(("QUEUE", "REPLACE", "DROP_IF_RUNNING")),
            backoff={"jitter": "JITTER_STRATEGY_FULL", "firstMs": "1", "maxMs": "100", "factor": 3.0},
        )
        (task,) = self.server.submit_all([whole])
        self.tasks.append(task)
        if pick((True, False)):
            reader = threading.Thread(target=self.watch, args=(self.read, self.server.log(task)))
            reader.start()
            self.readers.append(reader)

    def read(self, log):
        events = log.rest()
        if not any(event["type"] == "lagged" for event in events):
            shown = well_formed(events)
            equal(shown.count("+"), shown.count("-"), shown)

    def look(self):
        page = self.server.get("%s?limit=%d" % (ROOT, self.random.randint(1, 50))).json
        expect(len(page["tasks"]) <= page["total"], "total")
        for task in page["tasks"]:
            key, version = task["metadata"]["id"], int(task["metadata"]["resourceVersion"])
            expect(version >= self.versions.get(key, 0), "the version of %s went back" % key)
            self.versions[key] = version
            if task["status"]["phase"] == "TASK_STATUS_RUNNING":
                equal(version, 3 * task["status"]["attempt"], "version of a running task")

    def peek(self):
        """Somebody looks and goes."""
        if self.tasks:
            task = self.random.choice(self.tasks)
            expect(self.server.call("HEAD", "%s/%s/logs" % (ROOT, task)).status in (200, 404), "HEAD of a log")
            attempts = [run["attempt"] for run in self.server.runs(task)]
            expect(all(after == before + 1 for before, after in zip(attempts, attempts[1:])), "attempts: %r" % attempts)

    def delete(self):
        if self.tasks:
            task = self.tasks.pop(self.random.randrange(len(self.tasks)))
            self.server.delete(task)
            equal(self.server.task(task), None, "a deleted task")


@check(44, 48, 53, 55, 59, 61)
def storm(world):
    """After a storm of everything at once all logs were whole, no slot was shared, and nothing is left"""
    server, slots = world.storm, [fresh("storm") for _ in range(3)]
    seed = int(os.environ.get("PEER_SEED", random.randrange(10**6)))
    with host.directory() as place:
        clients = [Client(server, place, slots, seed + number) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        tasks = server.get(ROOT + "?limit=1000").json["tasks"]
        runs = [(task["spec"]["slot"], run) for task in tasks for run in server.runs(task["metadata"]["id"])]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(server.delete, [task["metadata"]["id"] for task in tasks]))
        for reader in [reader for client in clients for reader in client.readers]:
            reader.join()
        equal([failure for client in clients for failure in client.failures], [], "PEER_SEED=%d" % seed)
        equal(server.get(ROOT).json, {"tasks": [], "total": 0}, "what is left")
        host.none_left(place)
    for slot in slots:
        times = sorted((int(run["startedAt"]), int(run.get("finishedAt", 2**62))) for at, run in runs if at == slot)
        for before, after in zip(times, times[1:]):
            expect(before[1] <= after[0], "two runs at a time, PEER_SEED=%d: %r" % (seed, (before, after)))
