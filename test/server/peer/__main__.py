"""
Drives our Solti servers from outside, through every route and all they run.

    python3 test/server/peer [--list | TEXT]

starts them from the sources of this repository and reports one line of JSON a check: all, or those with TEXT in their
names. Needs nothing but Python's standard library and a Linux machine.
"""

import contextlib
import importlib

import checks
import host

for module in ("routes", "bodies", "limits", "logs", "output", "slots", "attempts", "processes", "storm"):
    importlib.import_module(module)


class World:
    """
    Servers for all checks. `main` has the defaults but for what nobody wants to wait for, `alone` and `pairs` are each
    for one check at a time.
    """

    def __init__(self, process, scripts, by_name):
        self.pid = process.pid
        self.scripts = scripts
        self.__dict__.update(by_name)


@contextlib.contextmanager
def world():
    with host.directory() as scripts:
        settings = {
            "main": {"keepAlive": 300, "subprocess": {"tempDirectory": scripts, "env": {"RUNNER": "runner wins"}}},
            "alone": {},
            "pairs": {},
            "storm": {},
            "hasty": {"requestTimeout": 1000},
            "two": {"maxConcurrent": 2},
            "brief": {"runTtl": 2000, "taskTtl": 4000, "sweepInterval": 100},
        }
        with host.servers(settings) as (process, by_name):
            yield World(process, scripts, by_name)


checks.main(world, threads=6)
