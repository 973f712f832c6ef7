"""Many at once: followers of one task, connections, calls (contract 6.3, 6.4)."""

import asyncio

import grpc

from api import (
    PAUSE, RUNNING, SERVICE, STDOUT, Client, Code, api_pb2, command, equal, expect, fresh, refused, sh, spec,
    variables,
)
from borrowed import checks, host
from differences import expected, ours

def judge(events, total, starts=0):
    """
    Every event of a log is there, or counted as lost where it is missing; gives how many are lost. `total` events
    follow behind `starts` markers of a start.
    """
    events = list(events)
    skipped = sum(it.lagged.skipped for it in events if it.HasField("lagged"))
    kept = [it for it in events if not it.HasField("lagged")]
    equal(len(kept) + skipped, starts + total, "kept and lost")
    # A start that is lost is counted, too.
    following, gap = sum(it.HasField("run_started") for it in events) - starts, 0
    for event in events:
        if event.HasField("lagged"):
            gap += event.lagged.skipped
        elif event.HasField("chunk"):
            equal((event.chunk.seq, event.chunk.stream), (following + gap, STDOUT), "seq")
            equal(event.chunk.line, b"line %d" % event.chunk.seq, "line")
            following, gap = event.chunk.seq + 1, 0
    return skipped


async def read(log):
    """All events of a log; they are decoded when nobody waits for it."""
    return [message async for message in log]


async def followers(world, connections, each, gate, task_id):
    """Logs of one task on so many connections, which all have been taken before the gate is opened."""
    own = [("grpc.use_local_subchannel_pool", 1)]
    request = api_pb2.StreamTaskLogsRequest(task_id=task_id).SerializeToString()
    channels = [grpc.aio.insecure_channel(world.main_address, options=own) for _ in range(connections)]
    calls = [channel.unary_stream(SERVICE + "StreamTaskLogs") for channel in channels for _ in range(each)]
    logs = [call(request, timeout=60) for call in calls]
    for log in logs:
        await log.initial_metadata()
    open(gate, "w").close()
    found = await asyncio.gather(*map(read, logs))
    equal({await log.code() for log in logs}, {Code.OK}, "statuses")
    for channel in channels:
        await channel.close()
    return found


def follow(world, connections, each, lines):
    """How many events each of the followers of a task loses that writes when all of them are there."""
    with host.directory() as place:
        text = "while ! test -e $GATE; do sleep 0.05; done; seq -f 'line %.0f' 0 $LAST"
        task_id = world.main.submit(sh(text, env=variables(GATE=place + "/go", LAST=str(lines - 1))))
        # The first one of all gets what was before, too.
        first = world.main.open_log(task_id)
        world.main.in_phase(task_id, RUNNING)
        found = asyncio.run(followers(world, connections, each, place + "/go", task_id))
        first.cancel()
    total = lines + expected("end markers")
    return [judge(map(api_pb2.OutputEventProto.FromString, messages), total) for messages in found]


@checks.check(12, 61)
def one_channel(world):
    """A hundred followers on one connection see every one of 2,000 lines, or how many they have lost"""
    follow(world, connections=1, each=100, lines=2000)


@checks.check(12, 61)
def many_channels(world):
    """Twenty connections follow one task, and lose nothing that fits into its ring"""
    equal(follow(world, connections=20, each=1, lines=1000), [0] * 20, "lost")


@checks.check(61)
def slow_reader(world):
    """Who does not read is told exactly what it has lost, and holds up nobody"""
    lines = 60_000
    window = [("grpc.http2.lookahead_bytes", 1024), ("grpc.http2.bdp_probe", 0)]
    with Client(world.main_address, options=window) as client:
        task_id = world.main.submit(sh(PAUSE + "seq -f 'line %.0f' 0 $LAST", env=variables(LAST=str(lines - 1))))
        log = client.open_log(task_id)
        world.main.ended(task_id)
        equal(client.task("nobody"), None, "another call of the same connection")
        events = list(log)
    # The start may have come before the log was there, or be one of those that are lost.
    start = expected("whole log") or events[0].HasField("run_started")
    lost = judge(events, lines + expected("end markers"), starts=int(start))
    expect(lost > 0, "it was too slow")


@checks.check(42)
def many_calls(world):
    """A thousand calls at once on one connection are all answered, each with its own answer"""
    with Client(world.main_address) as client:
        calls = []
        for number in range(1000):
            slot = "nobody%d" % number
            if number % 2:
                calls.append(client.stub.ListTasks.future(api_pb2.ListTasksRequest(slot=slot), timeout=30))
            else:
                request = api_pb2.SubmitTaskRequest(spec=spec(None, slot=slot + "/"))
                calls.append(client.stub.SubmitTask.future(request, timeout=30))
        for number, call in enumerate(calls):
            if number % 2:
                equal(call.result().total, 0, "list")
            else:
                equal((call.code(), call.details()), (Code.INVALID_ARGUMENT, "missing task kind"), "submit")


if ours():

    @checks.check(8)
    def long_list(world):
        """A thousand tasks fit into one answer, never more, and the total counts all; what is too large is refused"""
        server, slot = world.lists, fresh()
        with server.task_of(sh("exec sleep 60"), slot=slot, labels={"pad": "x"}):
            # The slot is busy, so they have ended before they began.
            wholes = [spec(command("true"), slot=slot, labels={"pad": "y" * 3500}) for _ in range(1050)]
            tasks = sorted(server.submit_all(wholes))
            answer = server.list(slot=slot, status=6, limit=5000)
            equal(([it.metadata.id for it in answer.tasks], answer.total), (tasks[:1000], 1050), "a thousand")
            expect(answer.ByteSize() > 3_500_000, "a large answer")
            rest = server.list(slot=slot, status=6, limit=1000, offset=1000)
            equal(([it.metadata.id for it in rest.tasks], rest.total), (tasks[1000:], 1050), "the rest")
        with server.task_of(sh("exec sleep 60"), slot=fresh("large")) as task_id:
            slot = server.task(task_id).spec.slot
            server.submit_all([spec(command("true"), slot=slot, labels={"pad": "z" * 50_000}) for _ in range(100)])
            refused(Code.RESOURCE_EXHAUSTED, "4194304", server.list, slot=slot)
            equal(len(server.list(slot=slot, limit=50).tasks), 50, "a part of it")
