"""The list of checks, and how they are run: side by side, each reported as one line of JSON."""

import concurrent.futures
import json
import os
import signal
import sys
import threading
import time
import traceback

import host

CHECKS = []
LAST = "no process of any task is left"

output = threading.Lock()


def check(*lines):
    """Registers a check under its docstring and the lines of the contract's checklist that it shows."""

    def register(function):
        name = "%s %s" % (" ".join(function.__doc__.split()), list(lines))
        CHECKS.append((name, function))
        return function

    return register


def report(name, run):
    start = time.monotonic()
    try:
        run()
        failure = None
    except Exception as error:
        failure = "%s\n%s" % (error, traceback.format_exc())
    seconds = round(time.monotonic() - start, 2)
    line = json.dumps({"name": name, "failure": failure, "seconds": seconds})
    with output:
        print(line, flush=True)


def nothing_left():
    host.none_left(host.MARK)


def give_up(*_):
    for pid in host.marked():
        host.kill(pid)
    os._exit(143)


def main(world, threads):
    """`world` is a context manager; what it gives is handed to every check."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    if wanted == "--list":
        print(json.dumps([name for name, _ in CHECKS] + [LAST]))
        return
    host.end_with_parent()
    signal.signal(signal.SIGTERM, give_up)
    with host.programs(), world() as given:
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            for name, function in CHECKS:
                if wanted in name:
                    pool.submit(report, name, lambda function=function: function(given))
    report(LAST, nothing_left)
