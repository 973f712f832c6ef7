"""
Drives a Solti server over gRPC with a client that is not ours: grpcio, whose core is written in C.

    python3 test/server/grpc-peer [--expect published|intended] [--list | TEXT]

starts our server from the sources of this repository and reports one line of JSON a check: all, or those with TEXT in
their names. With `--expect published` it starts the published 0.0.2 server instead, whose program SOLTI_REAL_BINARY
names, and expects what that one does by design (differences.py).

Needs a Linux machine and a Python with grpcio, which interpreter.py finds and `install` installs.
"""

import sys

import interpreter

interpreter.ensure()

import argparse  # noqa: E402

import differences  # noqa: E402

arguments = argparse.ArgumentParser()
arguments.add_argument("--expect", default=differences.INTENDED)
arguments.add_argument("--list", action="store_true")
arguments.add_argument("text", nargs="?", default="")
given = arguments.parse_args()
differences.choose(given.expect)

import importlib  # noqa: E402

from borrowed import checks  # noqa: E402

# Whether a check is there may depend on what is expected.
for module in ("calls", "refusals", "messages", "streams", "crowds", "connections", "services"):
    importlib.import_module(module)

from world import world  # noqa: E402

sys.argv[1:] = ["--list"] if given.list else [given.text]
checks.main(world, threads=6)
