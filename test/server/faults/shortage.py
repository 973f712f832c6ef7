"""A machine that is short of descriptors, of disk, or of a place for script files (contract 8.6)."""

import contextlib
import os
import subprocess

import host
from checks import check
from solti import JSON, ROOT, command, equal, expect, script, spec, submit_body
from wire import request, until

FILES = 120


@check(57)
def descriptors(world):
    """Without descriptors attempts fail and are retried, connections wait, and all is well once there are some again"""
    with host.servers({"only": {}}, within=host.with_files(FILES)) as (process, it), contextlib.ExitStack() as stack:
        server = it["only"]
        line = stack.enter_context(server.connect())
        line.send(request("GET", ROOT + "/nobody"))
        line.answer()
        crowd = [server.connect() for _ in range(FILES)]
        until(lambda: host.open_files(process.pid) >= FILES - 4, "there are none left")
        retried = spec(
            script("echo ran"),
            restart="RESTART_STRATEGY_ON_FAILURE",
            backoff={"jitter": "JITTER_STRATEGY_NONE", "firstMs": "100", "maxMs": "100", "factor": 1},
        )
        tasks = []
        for whole in (spec(command("true")), retried):
            line.send(request("POST", ROOT, [JSON], submit_body(whole)))
            tasks.append(line.answer("POST").json["taskId"])
        once, again = tasks
        until(lambda: ask(line, again)["attempt"] >= 3, "several attempts")
        error = ask(line, once)["error"]
        expect("spawn failed: Too many open files (os error 24)" in error, error)
        for connection in crowd:
            connection.close()
        until(lambda: host.open_files(process.pid) < FILES - 60, "they are closed on the other side too")
        server.in_phase(again, "SUCCEEDED")
        runs = server.runs(again)
        expect(all("Too many open files (os error 24)" in run["error"] for run in runs[:-1]), repr(runs[:-1]))
        equal(server.run(command("echo", "well")).lines(), ["well"], "another task")


def ask(connection, task):
    connection.send(request("GET", "%s/%s" % (ROOT, task)))
    return connection.answer().json["task"]["status"]


@check(58)
def no_place_for_scripts(world):
    """A script that cannot be written fails for good and leaves no file; commands are not concerned"""
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(host.directory())
        os.mkdir(place + "/locked", 0o555)
        settings = {
            "missing": {"subprocess": {"tempDirectory": place + "/missing"}},
            "locked": {"subprocess": {"tempDirectory": place + "/locked"}},
        }
        errors = {"missing": "No such file or directory (os error 2)", "locked": "Permission denied (os error 13)"}
        if mounted(stack, place):
            settings["full"] = {"subprocess": {"tempDirectory": place + "/full"}}
            errors["full"] = "No space left on device (os error 28)"
        os.chmod(place, 0o755)
        _, servers = stack.enter_context(host.servers(settings, within=host.as_stranger()))
        for name, error in errors.items():
            server = servers[name]
            outcome = server.run(script("echo never\n" + "#" * 300000), restart="RESTART_STRATEGY_ALWAYS")
            expected = "fatal error (no retry): script file failed: " + error
            equal((outcome.phase, outcome.status["error"]), ("FAILED", expected), name)
            equal([(run["attempt"], run["status"]) for run in outcome.runs], [(1, "TASK_STATUS_FAILED")], name)
            equal(server.run(command("echo", "ran")).lines(), ["ran"], name)
        if "full" in servers:
            equal(os.listdir(place + "/full"), [], "nothing is left of what did not fit")
            equal(servers["full"].run(script("echo small")).lines(), ["small"], "what fits runs")


def mounted(stack, place):
    """A file system of 64 KiB, where this user may mount one."""
    os.mkdir(place + "/full")
    options = ["-t", "tmpfs", "-o", "size=64k,mode=777", "none"]
    made = subprocess.run(["mount"] + options + [place + "/full"], stderr=subprocess.DEVNULL)
    if made.returncode == 0:
        stack.callback(subprocess.run, ["umount", place + "/full"])
    return made.returncode == 0
