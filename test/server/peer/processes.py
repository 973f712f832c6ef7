"""Commands and scripts as processes: environment, directory, arguments, files, groups (contract 8.6)."""

import concurrent.futures
import json
import os
import stat

import host
from checks import check
from solti import command, env, equal, expect, lines, script, sh
from wire import until

SHOW = "import json, os, sys\nfor it in (sys.argv[1:], os.getcwd(), *os.environ.items()): print(json.dumps(it))"


@check(57)
def arguments(world):
    """Arguments, environment and directory arrive as they were given"""
    args = ["", " a  b ", "'\"\\$HOME`id`*", "ü€😀", "--", "-x", "\n\t\x1b"]
    with host.directory() as place:
        variables = [
            {"key": "PEER_A", "value": "first"}, {"key": "PEER_B", "value": "a=b ü\n$X"},
            {"key": "PEER_EMPTY", "value": ""}, {"key": "", "value": "no name"}, {"key": "PEER=C", "value": "1"},
            {"key": "RUNNER", "value": "task"}, {"key": "PEER_A", "value": "last"},
        ]
        outcome = world.main.run(command("python3", "-c", SHOW, *args, env=variables, cwd=place))
        found_args, directory, *variables = [json.loads(line) for line in outcome.lines() if "truncated" not in line]
        environment = dict(variables)
        equal((found_args, directory), (args, os.path.realpath(place)), "arguments and directory")
    for key, value in (
        ("PEER_A", "last"), ("PEER_B", "a=b ü\n$X"), ("PEER_EMPTY", ""), ("PEER", "C=1"), ("RUNNER", "runner wins"),
        ("PEER_MARK", host.MARK), ("PATH", os.environ["PATH"]),
    ):
        equal(environment.get(key), value, key)
    outcome = world.main.run(command("pwd"))
    equal(outcome.lines(), [host.REPOSITORY], "without cwd it is the server's")


@check(57)
def no_input(world):
    """There is nothing to read, and a terminal neither"""
    outcome = world.main.run(sh("cat; readlink /proc/self/fd/0; test -t 0 || echo no; ls /proc/self/fd | tr '\\n' ' '"))
    # 3 is the directory that ls has open: a child gets nothing else of the server's.
    equal(outcome.lines(), ["/dev/null", "no", "0 1 2 3 "], "lines")


@check(57)
def spawn_failures(world):
    """What cannot be started fails for good, whatever the policy, and says why"""
    missing = "fatal error (no retry): spawn failed: No such file or directory (os error 2)"
    nul = "fatal error (no retry): spawn failed: nul byte found in provided data"
    with host.directory() as place:
        plain_file = place + "/plain"
        open(plain_file, "w").close()
        for subprocess, error in (
            (command("no-such-program-here"), missing),
            (command("/no/such/program"), missing),
            (command("./relative/to/nowhere"), missing),
            (script("true", {"command": "no-such-interpreter", "flag": "-c"}), missing),
            (command("true", cwd="/no/such/directory"), missing),
            (command("true", cwd=""), missing),
            (command("pwd", cwd=plain_file), None),
            (command(plain_file), None),
            (command(place), None),
            (command("true", "a\0b"), nul),
            (command("tr\0ue"), nul),
            (command("true", cwd="/tmp\0"), nul),
            (command("true", env=env(A="x\0y")), nul),
            (command("true", env=[{"key": "A\0B", "value": "1"}]), nul),
        ):
            outcome = world.main.run(subprocess, restart="RESTART_STRATEGY_ALWAYS")
            (run,) = outcome.runs
            said = outcome.status.pop("error")
            equal(outcome.status, {"phase": "TASK_STATUS_FAILED", "attempt": 1}, repr(subprocess))
            equal((run["status"], run["error"]), ("TASK_STATUS_FAILED", said), repr(subprocess))
            expect(said.startswith("fatal error (no retry): spawn failed: "), said)
            if error is not None:
                equal(said, error, repr(subprocess))
            equal([event["type"] for event in outcome.events], ["runStarted", "runFinished"], "log")


@check(57)
def huge_arguments(world):
    """Arguments that the system does not take fail the attempt, not the server"""
    outcome = world.main.run(command("true", *["x" * 100000] * 30))
    equal((outcome.phase, len(outcome.runs)), ("FAILED", 1), repr(outcome.status))


@check(58)
def scripts(world):
    """A script runs from a file of its own that only its user can read, and that goes with the attempt"""
    for runtime, text in (
        ("SCRIPT_RUNTIME_BASH", 'echo "$0"; echo "$1|$2"; stat -c %a "$0"; [[ x == x ]]'),
        (
            "SCRIPT_RUNTIME_PYTHON",
            "import sys, os\nprint(sys.argv[0])\nprint('|'.join(sys.argv[1:]))\n"
            "print('%o' % (os.stat(sys.argv[0]).st_mode & 0o777))",
        ),
        (
            "SCRIPT_RUNTIME_NODE",
            "const file = process.argv[1]; console.log(file); console.log(process.argv.slice(2).join('|'));"
            "console.log((require('fs').statSync(file).mode & 0o777).toString(8))",
        ),
        ({"command": "sh", "flag": "-ignored"}, 'echo "$0"; echo "$1|$2"; stat -c %a "$0"'),
    ):
        outcome = world.main.run(script(text, runtime, ["a b", "ü"]))
        path, args, mode = outcome.lines()
        equal((args, mode, outcome.phase), ("a b|ü", "600", "SUCCEEDED"), repr(runtime))
        expect(path.startswith(world.scripts + "/solti-script-"), path)
        expect(not os.path.exists(path), "the file is gone")


@check(58)
def script_attempts(world):
    """Each attempt of a script has a file of its own, gone whatever ended the attempt"""
    server = world.main
    text = 'echo "$0"; exec sleep $1'
    tasks = [
        server.submit(script(text, args=["0"]), restart="RESTART_STRATEGY_ALWAYS", restartIntervalMs="100"),
        server.submit(script(text, args=["60"]), timeoutMs="700"),
        server.submit(script(text, args=["60"])),
    ]
    logs = [server.log(task) for task in tasks]
    third = logs[0].until(lambda event: event["type"] == "runFinished" and event["attempt"] == 3)
    paths = [path for attempt in (1, 2, 3) for path in lines(third, attempt=attempt)]
    equal(len(set(paths)), 3, "files of three attempts")
    server.delete(tasks[0])
    paths += lines(logs[1].rest())
    (alive,) = lines(logs[2].until(lambda event: event["type"] == "chunk"))
    equal(stat.S_IMODE(os.stat(alive).st_mode), 0o600, "mode while the attempt runs")
    server.delete(tasks[2])
    equal([path for path in paths + [alive] if os.path.exists(path)], [], "files")


@check(58)
def odd_scripts(world):
    """A script may be any text that is UTF-8"""
    outcome = world.main.run(script("true\r\n"))
    equal(outcome.phase, "EXHAUSTED", "carriage returns are the interpreter's")
    outcome = world.main.run(script("echo ü€😀 >&2; printf 'no end'"))
    equal((outcome.lines(), outcome.lines("stderr")), (["no end"], ["ü€😀"]), "lines")
    outcome = world.main.run(script("cat <<'END' | wc -l\n%sEND\n" % ("line\n" * 20000)))
    equal([line.strip() for line in outcome.lines()], ["20000"], "a long one")


@check(57, 59)
def killed_from_outside(world):
    """A child that somebody kills has failed, or not, as its flag says, and is retried"""
    with host.directory() as place:
        task = world.main.submit(
            sh("echo up; exec sleep 60", env=env(PLACE=place)), restart="RESTART_STRATEGY_ON_FAILURE"
        )
        log = world.main.log(task)
        for _ in range(2):
            log.until(lambda event: event["type"] == "chunk")
            (pid,) = until(lambda: [pid for pid, line in host.marked(place).items() if "sleep" in line], "it sleeps")
            host.kill(pid)
            end = log.until(lambda event: event["type"] == "runFinished")[-1]
            expect("exitCode" not in end, "no exit code")
        until(lambda: len(world.main.runs(task)) == 3, "third attempt")
        error = "execution failed: process terminated by signal"
        equal([run.get("error") for run in world.main.runs(task)], [error, error, None], "errors")
        world.main.delete(task)
        host.none_left(place)
        lenient = world.main.submit(sh("exec sleep 60", failOnNonZero=False, env=env(PLACE=place)))
        (pid,) = until(lambda: host.marked(place), "it runs")
        host.kill(pid)
        equal(world.main.finished(lenient)["phase"], "TASK_STATUS_SUCCEEDED", "phase")


@check(44)
def real_work(world):
    """Many tasks at once on real files: every answer is right"""
    here = os.path.dirname(os.path.abspath(__file__))
    names = sorted(name for name in os.listdir(here) if name.endswith(".py"))

    def count(name):
        outcome = world.main.run(command("wc", "-c", name, cwd=here))
        expected = ["%d %s" % (os.path.getsize(os.path.join(here, name)), name)]
        equal((outcome.lines(), outcome.phase), (expected, "SUCCEEDED"), name)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(count, name) for name in names * 3]:
            done.result()
