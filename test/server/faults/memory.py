"""Output without end, and readers without haste: memory stays bounded (contract 8.7, 10)."""

import host
from checks import check
from solti import command, equal, expect, sh

MIB = 1024 * 1024


@check(60, 66)
def endless_line(world):
    """A line of 100 MiB costs its first 64 KiB"""
    with host.servers({"only": {}}) as (process, it):
        it["only"].run(sh("head -c 1000000 /dev/zero | tr '\\0' x"))
        before = host.peak_memory(process.pid)
        outcome = it["only"].run(sh("head -c 104857600 /dev/zero | tr '\\0' x; echo; echo behind"))
        equal(outcome.lines(), ["x" * 4096 + "... (truncated 61482 bytes)", "behind"], "lines")
        grown = host.peak_memory(process.pid) - before
        expect(grown < 48 * MIB, "memory has grown by %d MiB" % (grown // MIB))


@check(61, 66)
def readers_that_sleep(world):
    """A flood for ten readers that do not read costs their sockets and one ring"""
    with host.servers({"only": {}}) as (process, it):
        server = it["only"]
        server.run(sh("yes 'a line for nobody' | head -n 20000"))
        before = host.peak_memory(process.pid)
        task = server.submit(sh("yes 'a line for nobody that is a little longer than that' | head -n 200000"))
        logs = [server.log(task, receive_buffer=4096) for _ in range(10)]
        server.finished(task)
        grown = host.peak_memory(process.pid) - before
        expect(grown < 64 * MIB, "memory has grown by %d MiB" % (grown // MIB))
        first, *_ = [log.rest() for log in logs]
        skipped = sum(event["skipped"] for event in first if event["type"] == "lagged")
        equal(len([event for event in first if event["type"] != "lagged"]) + skipped, 200002, "kept and lost")
        expect(skipped > 0, "it was lagged")


@check(55, 61)
def endless_output(world):
    """A child that never stops writing can be deleted, and others run beside it"""
    tasks = [world.quick.submit(command("yes")) for _ in range(2)]
    logs = [world.quick.log(task) for task in tasks]
    equal(world.quick.run(command("echo", "beside")).lines(), ["beside"], "another task")
    for task in tasks:
        world.quick.delete(task)
        world.quick.no_trace(task)
    for log in logs:
        equal(log.rest()[-1]["type"], "runFinished", "the end of the log")
