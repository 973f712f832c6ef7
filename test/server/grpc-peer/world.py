"""The servers that the checks drive."""

import contextlib
import os
import secrets

from api import Client
from borrowed import host
from differences import ours


@contextlib.contextmanager
def published():
    """The published 0.0.2 server."""
    binary = os.environ.get("SOLTI_REAL_BINARY")
    if binary is None:
        raise SystemExit("--expect published needs the program of the published server in SOLTI_REAL_BINARY")
    process = host.Process([binary], environment={"SOLTI_HTTP_PORT": "0", "SOLTI_GRPC_PORT": "0"})
    try:
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def server(*arguments):
    """A process, and the address of its gRPC port."""
    start = host.switchyard("--port", "0", "--grpc-port", "0", *arguments) if ours() else published()
    with start as process:
        if process.ready is None:
            process.wait()
            raise AssertionError("the server did not start: %s" % process.errors[-2000:])
        yield process, process.ready["grpc"]


class World:
    """
    Servers for all checks, as clients of each, with their addresses and processes. `main` is for most; `alone`, `slow`
    and `lists` are for checks that others would disturb, or that disturb others; `guarded` has a token. With `another`
    a check starts one that it may end.
    """

    another = staticmethod(server)

    def __init__(self, started, token):
        self.token = token
        for name, (process, address) in started.items():
            setattr(self, name, Client(address, token if name == "guarded" else None))
            setattr(self, name + "_address", address)
            setattr(self, name + "_process", process)


@contextlib.contextmanager
def world():
    with contextlib.ExitStack() as stack:
        token = secrets.token_hex(16)
        file = os.path.join(stack.enter_context(host.directory()), "token")
        with open(file, "w") as out:
            out.write(token)
        names = {"main": (), "alone": (), "slow": (), "lists": ()}
        if ours():
            names["guarded"] = ("--token-file", file)
        yield World({name: stack.enter_context(server(*more)) for name, more in names.items()}, token)
