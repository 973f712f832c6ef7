"""Who may talk to a server, and what its children learn of its token (contract 2.1, 10)."""

import os

import host
from checks import check
from solti import ROOT, Server, command, envelope, equal, expect, script, sh

TOKEN = "planted-secret-of-a-peer"

WRONG = (
    None, "", "Bearer", "Bearer ", TOKEN, "Basic " + TOKEN, "BEARER " + TOKEN, "Bearer\t" + TOKEN,
    "Bearer " + TOKEN[:-1], "Bearer %sx" % TOKEN, "Bearer " + TOKEN.upper(), "Bearer %s, Bearer %s" % (TOKEN, TOKEN),
)
CALLS = (
    ("GET", ROOT), ("POST", ROOT), ("PUT", ROOT), ("DELETE", ROOT + "/a"), ("GET", ROOT + "/a/logs"),
    ("GET", "/nowhere"), ("GET", ROOT + "/%ff"),
)


@check(41, 57, 66)
def token(world):
    """Without the token nothing is answered but 401, and neither children nor logs ever see it"""
    with host.switchyard("--host", "127.0.0.1", environment={"SOLTI_TOKEN": TOKEN}) as process:
        url = process.ready["url"]
        equal((process.ready["auth"], TOKEN in repr(process.ready)), (True, False), "first line")
        server = Server(url, TOKEN)
        for value in WRONG:
            headers = [] if value is None else [("Authorization", value)]
            for method, target in CALLS:
                answer = Server(url).call(method, target, headers, b"{" if method == "POST" else None)
                envelope(answer, 401, "Unauthenticated", "missing or invalid bearer token")
        answer = Server(url).call("POST", ROOT, [("Content-Type", "application/json")], b" " * (4 * 1024 * 1024 + 1))
        envelope(answer, 401, "Unauthenticated")
        equal(Server(url).call("HEAD", ROOT).status, 401, "HEAD")
        equal(Server(url).call("GET", ROOT, [("authorization", "bearer " + TOKEN)]).status, 200, "a small bearer")
        text = "env; tr '\\0' '\\n' < /proc/self/environ; echo \"<$SOLTI_TOKEN>\""
        for subprocess in (sh(text), script(text), command("env")):
            lines = server.run(subprocess).lines()
            expect(len(lines) > 3, "an environment")
            expect(not any(TOKEN in line for line in lines), "the token is not in it")
        own = server.run(sh("echo $SOLTI_TOKEN", env=[{"key": "SOLTI_TOKEN", "value": "of the task"}]))
        equal(own.lines(), ["of the task"], "a task may have its own")
        process.stop()
        expect(TOKEN not in process.errors, "nor in the server's own logs")


@check(66)
def token_file(world):
    """A token from a file is not even in the environment of the server"""
    with host.directory() as place:
        path = os.path.join(place, "token")
        with open(path, "w") as file:
            file.write(TOKEN + "\n")
        with host.switchyard("--token-file", path) as process:
            server = Server(process.ready["url"], TOKEN)
            equal(server.get(ROOT).status, 200, "with the token")
            equal(Server(process.ready["url"], TOKEN + "x").get(ROOT).status, 401, "with another one")
            with open("/proc/%d/environ" % process.pid, "rb") as file:
                expect(TOKEN.encode() not in file.read(), "environment of the server")
            with open("/proc/%d/cmdline" % process.pid, "rb") as file:
                expect(TOKEN.encode() not in file.read(), "arguments of the server")


@check(41, 66)
def no_open_door(world):
    """A server without a token listens on the loopback interface only, and says so"""
    with host.switchyard("--host", "0.0.0.0") as process:
        code, rest = process.wait()
        equal((process.ready, rest), (None, ""), "nothing on stdout")
        expect(code not in (0, None), "exit code")
        equal(len(process.errors.splitlines()), 1, process.errors)
        expect("without a token" in process.errors, process.errors)


@check(41)
def port_in_use(world):
    """A port in use is one clear line, and exit code 1"""
    port = world.main.url.rsplit(":", 1)[1]
    with host.switchyard("--port", port) as process:
        code, rest = process.wait()
        equal((code, process.ready, rest), (1, None, ""), "exit code, and nothing on stdout")
        equal(len(process.errors.splitlines()), 1, process.errors)
        expect("127.0.0.1:%s: the port is in use" % port in process.errors, process.errors)
