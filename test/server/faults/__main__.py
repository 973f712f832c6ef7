"""
Lets our Solti servers meet what goes wrong: children that do not behave, a machine that is short of everything, the end
of the server while it works.

    python3 test/server/faults [--list | TEXT]

reports one line of JSON a check, as `test/server/peer` does.
"""

import contextlib
import importlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peer"))

import checks  # noqa: E402
import host  # noqa: E402

for module in ("children", "memory", "shortage", "stopping", "access"):
    importlib.import_module(module)


class World:
    """`main` has the defaults; `quick` does not wait long for output that somebody holds back."""

    def __init__(self, process, by_name):
        self.pid = process.pid
        self.__dict__.update(by_name)


@contextlib.contextmanager
def world():
    settings = {"main": {}, "quick": {"subprocess": {"drain": 700}}}
    with host.servers(settings) as (process, by_name):
        yield World(process, by_name)


checks.main(world, threads=5)
