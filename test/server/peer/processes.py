"""Commands and scripts as processes: environment, directory, arguments, files, groups (contract 8.6)."""

import json
import os
import stat

import host
from checks import check
from solti import command, env, equal, expect, lines, script, sh, spec
from wire import until

SHOW = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]))"


@check(57)
def arguments(world):
    """Arguments, environment and directory arrive as they were given"""
    args = ["", " a  b ", "'\"\\$HOME`id`*", "ü€😀", "--", "-x", "\n\t\x1b"]
    with host.directory() as place:
        variables = [
            {"key": "PEER_A", "value": "first"}, {"key": "PEER_B", "value": "a=b ü\n$X"}, {"key": "PEER_A", "value": "last"},
            {"key": "PEER_EMPTY", "value": ""}, {"key": "", "value": "no name"}, {"key": "PEER=C", "value": "1"},
            {"key": "RUNNER", "value": "task"},
        ]
        outcome = world.main.run(command("python3", "-c", SHOW, *args, env=variables, cwd=place))
        found_args, directory, environment = json.loads(outcome.lines()[0])
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
            equal((outcome.phase, run["status"], run["error"]), ("FAILED", "TASK_STATUS_FAILED", outcome.status["error"]), "end")
            expect("exitCode" not in outcome.status, "no exit code")
            expect(outcome.status["error"].startswith("fatal error (no retry): spawn failed: "), outcome.status["error"])
            if error is not None:
                equal(outcome.status["error"], error, repr(subprocess))
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
        ("SCRIPT_RUNTIME_PYTHON", "import sys, os\nprint(sys.argv[0])\nprint('|'.join(sys.argv[1:]))\nprint('%o' % (os.stat(sys.argv[0]).st_mode & 0o777))"),
        ("SCRIPT_RUNTIME_NODE", "const f = process.argv[1]; console.log(f); console.log(process.argv.slice(2).join('|'));"
         "console.log((require('fs').statSync(f).mode & 0o777).toString(8))"),
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
    paths = [event["line"] for event in third if event["type"] == "chunk"]
    equal(len(set(paths)), 3, "files of three attempts")
    server.delete(tasks[0])
    paths += [event["line"] for event in logs[1].rest() if event["type"] == "chunk"]
    alive = [event["line"] for event in logs[2].until(lambda event: event["type"] == "chunk") if event["type"] == "chunk"]
    expect(stat.S_IMODE(os.stat(alive[0]).st_mode) == 0o600, "it is there while the attempt runs")
    server.delete(tasks[2])
    equal([path for path in paths + alive if os.path.exists(path)], [], "files")


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
    names = sorted(name for name in os.listdir(here) if name.endswith(".py")) * 3
    tasks = world.main.submit_all([spec(command("wc", "-c", name, cwd=here)) for name in names])
    for task, name in zip(tasks, names):
        expected = ["%d %s" % (os.path.getsize(os.path.join(here, name)), name)]
        equal(lines(world.main.log(task).rest()), expected, "lines of %s" % task)
        equal(world.main.finished(task)["phase"], "TASK_STATUS_SUCCEEDED", "phase")
