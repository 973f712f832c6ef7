"""What is refused, by which rule, and in which order (contract 3.5, 5.6, 5.7)."""

import base64

from api import ALWAYS, Code, api_pb2, backoff, command, equal, refusal, refused, script, spec, types_pb2
from borrowed import checks

TRUE = command("true")
NAN, INFINITE = float("nan"), float("inf")


def kind(**members):
    return types_pb2.TaskKind(**members)


def mode(**members):
    return kind(subprocess=types_pb2.SubprocessTask(**members))


def scripted(**members):
    return mode(script=types_pb2.ScriptMode(**members))


def encoded(bytes_):
    return base64.b64encode(bytes_).decode("ascii")


BODY = encoded(b"true")
CUSTOM = types_pb2.CustomRuntime

# What is wrong, and what the text says. None is absent.
RULES = [
    ("a blank slot", {"slot": ""}, "slot cannot be empty"),
    ("a slot of blanks", {"slot": " \t\u00a0"}, "slot cannot be empty"),
    ("no kind", {"kind": None}, "missing task kind"),
    ("an empty kind", {"kind": kind()}, "missing task kind variant"),
    ("no mode", {"kind": mode()}, "missing subprocess mode"),
    ("no runtime", {"kind": scripted(body=BODY)}, "missing script runtime"),
    ("runtime 0", {"kind": scripted(body=BODY, well_known=0)}, "unknown or unspecified script runtime"),
    ("runtime 9", {"kind": scripted(body=BODY, well_known=9)}, "unknown or unspecified script runtime"),
    ("runtime -1", {"kind": scripted(body=BODY, well_known=-1)}, "unknown or unspecified script runtime"),
    ("a blank command", {"kind": command("  ")}, "command cannot be empty"),
    ("no body", {"kind": scripted(well_known=1)}, "body cannot be empty"),
    ("no base64", {"kind": scripted(well_known=1, body="?")}, "invalid base64"),
    ("base64 without its end", {"kind": scripted(well_known=1, body="dHJ1ZQ")}, "invalid base64"),
    ("base64 of URLs", {"kind": scripted(well_known=1, body="_-__")}, "invalid base64"),
    ("a long script", {"kind": script(b"#" * 2_097_153)}, "2097152"),
    ("no UTF-8", {"kind": script(b"\xff")}, "not valid UTF-8"),
    ("a blank custom command", {"kind": script("x", CUSTOM(command=" ", flag="-c"))},
     "custom runtime command cannot be empty"),
    ("a blank custom flag", {"kind": script("x", CUSTOM(command="sh"))}, "custom runtime flag cannot be empty"),
    ("a blank module", {"kind": kind(wasm=types_pb2.WasmTask())}, "wasm module path is empty"),
    ("a blank image", {"kind": kind(container=types_pb2.ContainerTask())}, "container image is empty"),
    ("restart 99", {"restart": 99}, "invalid restart strategy"),
    ("restart -1", {"restart": -1}, "invalid restart strategy"),
    ("restart 2^31 - 1", {"restart": 2**31 - 1}, "invalid restart strategy"),
    ("restart 0", {"restart": 0}, "restart strategy not specified"),
    ("no backoff", {"backoff": None}, "missing backoff strategy"),
    ("no timeout", {"timeout_ms": 0}, "timeout_ms cannot be zero"),
    ("jitter 42", {"backoff": backoff(jitter=42)}, "invalid jitter strategy"),
    ("jitter 0", {"backoff": backoff(jitter=0)}, "jitter strategy not specified"),
    ("first_ms 0", {"backoff": backoff(first=0)}, "backoff first_ms cannot be zero"),
    ("max_ms 0", {"backoff": backoff(most=0)}, "backoff max_ms cannot be zero"),
    ("factor 0", {"backoff": backoff(factor=0)}, "backoff factor must be a finite positive number"),
    ("factor -2", {"backoff": backoff(factor=-2)}, "backoff factor must be a finite positive number"),
    ("factor NaN", {"backoff": backoff(factor=NAN)}, "backoff factor must be a finite positive number"),
    ("factor infinite", {"backoff": backoff(factor=INFINITE)}, "backoff factor must be a finite positive number"),
    ("admission 7", {"admission": 7}, "invalid admission strategy"),
    ("admission 0", {"admission": 0}, "admission strategy not specified"),
    ("a slash in the slot", {"slot": "a/b"},
     "invalid model: slot contains forbidden byte 0x2f at position 1 (allowed: [A-Za-z0-9._-])"),
    ("a letter beyond ASCII in the slot", {"slot": "ü"},
     "invalid model: slot contains forbidden byte 0xc3 at position 0"),
    ("a long slot", {"slot": "a" * 65}, "invalid model: slot length 65 exceeds max 64"),
    ("the slot .", {"slot": "."}, "invalid model: slot cannot be '.' or '..'"),
    ("the slot ..", {"slot": ".."}, "invalid model: slot cannot be '.' or '..'"),
    ("max below first", {"backoff": backoff(first=2**63, most=2**63 - 1)}, "max_ms must be >= first_ms"),
    ("factor below 1", {"backoff": backoff(factor=0.99)}, ">= 1.0"),
]

# Each is wrong in its own way; of two the earlier one is told.
ORDER = ["a blank slot", "no kind", "restart 99", "no backoff", "no timeout", "jitter 42", "first_ms 0", "max_ms 0",
         "factor 0", "admission 7", "a slash in the slot", "max below first", "factor below 1"]


def submit(server, members):
    return server.call("SubmitTask", api_pb2.SubmitTaskRequest(spec=spec(**{"kind": TRUE, **members})))


def both(earlier, later):
    """Two wrongs in one spec, if they are wrongs of different members."""
    if set(earlier) & set(later):
        return None
    return {**earlier, **later}


@checks.check(31, 42)
def no_spec(world):
    """A submit without a spec is refused, and nothing else is said"""
    equal(refusal(world.main.raw, "SubmitTask", b""), (Code.INVALID_ARGUMENT, "missing spec"), "no spec")
    # Present, and empty.
    refused(Code.INVALID_ARGUMENT, "slot cannot be empty", world.main.raw, "SubmitTask", b"\x0a\x00")


def register(name, members, text):
    def rule(world):
        refused(Code.INVALID_ARGUMENT, text, submit, world.main, members)

    rule.__doc__ = "A spec with %s is refused: %s" % (name, text)
    checks.check(31, 42)(rule)


for each in RULES:
    register(*each)


@checks.check(31, 42)
def order_of_rules(world):
    """Of two wrongs in a spec the earlier rule is told"""
    by_name = {name: (members, text) for name, members, text in RULES}
    for at, name in enumerate(ORDER):
        for later in ORDER[at + 1:]:
            (first, text), (second, _) = by_name[name], by_name[later]
            members = both(first, second)
            if members is not None:
                found = refusal(submit, world.main, members)
                if found[0] != Code.INVALID_ARGUMENT or text not in found[1]:
                    raise AssertionError("%s and %s: expected %r, got %r" % (name, later, text, found))


@checks.check(31, 42)
def not_refused(world):
    """What is at the edge of the rules is taken"""
    server = world.main
    for members in (
        {"slot": "A" * 64},
        {"slot": "..."},
        {"timeout_ms": 1},
        {"backoff": backoff(first=1, most=1, factor=1)},
        {"kind": command("true", "", "\n")},
        {"restart": ALWAYS, "restart_interval_ms": 60_000},
    ):
        server.delete(submit(server, members).task_id)


@checks.check(42)
def no_runner(world):
    """A kind without a runner is valid, and an error of the server"""
    for each in (
        kind(wasm=types_pb2.WasmTask(module="a.wasm", args=["x"])),
        kind(container=types_pb2.ContainerTask(image="image:1", command=["sh"])),
    ):
        refused(Code.INTERNAL, "no suitable runner", submit, world.main, {"kind": each})


@checks.check(31, 42)
def blank_ids(world):
    """A blank id is refused by all four calls"""
    for task_id in ("", " ", "\t\n "):
        for name, request in (
            ("GetTaskStatus", api_pb2.GetTaskStatusRequest),
            ("ListTaskRuns", api_pb2.ListTaskRunsRequest),
            ("DeleteTask", api_pb2.DeleteTaskRequest),
            ("StreamTaskLogs", api_pb2.StreamTaskLogsRequest),
        ):
            refused(Code.INVALID_ARGUMENT, "task_id cannot be empty", world.main.call, name, request(task_id=task_id))


@checks.check(31, 42)
def bad_filters(world):
    """A filter that is there has to say something"""
    for members, text in (
        ({"status": 0}, "status cannot be unspecified"),
        ({"status": 99}, "invalid status value: 99"),
        ({"status": 8}, "invalid status value: 8"),
        ({"status": -1}, "invalid status value: -1"),
        ({"status": 2**31 - 1}, "invalid status value: 2147483647"),
        ({"status": -(2**31)}, "invalid status value: -2147483648"),
        ({"slot": ""}, "slot cannot be empty"),
        ({"slot": " \t"}, "slot cannot be empty"),
    ):
        equal(refusal(world.main.list, **members), (Code.INVALID_ARGUMENT, text), repr(members))
    for slot in ("a/b", "ü", "x" * 3000, "..", " x "):
        equal(world.main.ids(slot=slot), [], "a slot that nobody can have")
