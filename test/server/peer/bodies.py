"""Request bodies: strict JSON of the protobuf messages, the rules of a spec, limits and framing (contract 3.4, 5)."""

import json

from checks import check
from solti import command, envelope, equal, expect, script, spec, submit_body

HUGE = str(2**64)


def refused(world, body, *texts):
    envelope(world.main.post(body if isinstance(body, bytes) else body.encode("utf-8")), 400, "InvalidRequest", *texts)


def accepted(world, body):
    """Submits, forgets the task at once, and gives its spec as it came back."""
    answer = world.main.post(body if isinstance(body, bytes) else body.encode("utf-8"))
    equal(answer.status, 201, "%s for %r" % (answer.text, body[:300]))
    task = world.main.task(answer.json["taskId"])
    world.main.delete(answer.json["taskId"])
    return task["spec"]


def altered(*path, **change):
    """The body of a valid submit with members set (or, for `...`, left out) in the object at that path."""
    whole = {"spec": spec(command("sleep", "60"))}
    place = whole
    for step in path:
        place = place[step]
    for name, value in change.items():
        if value is ...:
            del place[name]
        else:
            place[name] = value
    return json.dumps(whole)


@check(41, 45)
def no_json(world):
    """A body that is not one JSON object is refused"""
    valid = altered()
    for body in (
        "", " ", "\0", "{", "nonsense", "[]", "null", "1", '"spec"', "{}{}", "{'spec':1}", '{"spec":{},}',
        '{"spec":NaN}', valid[:-1], valid + "x", valid + ",", "\ufeff" + valid,
        '{"spec":' + "[" * 100000, '{"a":' * 100000,
        '{"spec":{"slot":"a\nb"}}', '{"spec":{"slot":"\\x"}}', '{"spec":{"slot":"\\ud800"}}', '{"spec":{"slot":1e999}}',
    ):
        refused(world, body)
    refused(world, b'{"spec":{"slot":"\xff"}}')
    refused(world, b"{}", "missing spec")
    refused(world, b'{"spec":null}', "missing spec")
    expect(accepted(world, " \r\n\t%s\n" % valid) is not None, "blanks around a body")


@check(41)
def content_types(world):
    """A body has to say that it is JSON, in whatever form"""
    body = altered().encode()
    for kind in (
        "application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "application/json ;x=y",
        "application/vnd.api+json", "application/problem+JSON;v=1",
    ):
        answer = world.main.post(body, [("Content-Type", kind)])
        equal(answer.status, 201, kind)
        world.main.delete(answer.json["taskId"])
    for kind in (
        "", "json", "text/plain", "text/json", "application/jsonp", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json", "application/octet-stream", "application/xml+jso",
    ):
        envelope(world.main.post(body, [("Content-Type", kind)]), 400, "InvalidRequest", "application/json")
    envelope(world.main.post(body, []), 400, "InvalidRequest", "application/json")


@check(45)
def duplicates(world):
    """A member that comes twice is refused, in either spelling, at every depth"""
    body = altered("spec", restartIntervalMs="1", labels={"a": "1"})
    for once, twice in (
        ('"slot":', '"slot":"a","slot":'),
        ('"timeoutMs":', '"timeout_ms":"1","timeoutMs":'),
        ('"restartIntervalMs":', '"restartIntervalMs":null,"restart_interval_ms":'),
        ('"firstMs":', '"firstMs":"50","firstMs":'),
        ('"failOnNonZero":', '"fail_on_non_zero":true,"failOnNonZero":'),
        ('"command":"sleep"', '"command":"sleep","command":"sleep"'),
        ('"kind":', '"kind":null,"kind":'),
        ('{"spec":', '{"spec":null,"spec":'),
        ('"subprocess":', '"wasm":{"module":"m"},"subprocess":'),
        ('"subprocess":', '"wasm":null,"subprocess":'),
        ('"command": {', '"script":null,"command": {'),
        ('"slot":', '"sl\\u006ft":"a","slot":'),
    ):
        text = body.replace(": ", ":").replace('"command":{', '"command": {')
        expect(once in text, once)
        refused(world, text.replace(once, twice, 1), "duplicate field")
    last = accepted(world, body.replace('{"a": "1"}', '{"a":"1","b":"2","a":"3"}'))
    equal(last["labels"], {"a": "3", "b": "2"}, "the last label of a name wins")


@check(45)
def unknown_members(world):
    """An unknown member is refused at every depth"""
    deep = ("spec", "kind", "subprocess", "command")
    for path in ((), deep[:1], deep[:2], deep[:3], deep, ("spec", "backoff")):
        for name in ("", "unknown", "Slot", "__proto__", "constructor", "maxRetries", "max_retries", "mode"):
            refused(world, altered(*path, **{name: 1}), "unknown field")
    entry = {"key": "A", "value": "1", "secret": "no"}
    refused(world, altered("spec", "kind", "subprocess", env=[entry]), "unknown field")
    for name in ("__proto__", "constructor", "toString", "", "ü"):
        equal(accepted(world, altered("spec", labels={name: "1"}))["labels"], {name: "1"}, "label %r" % name)


@check(45)
def snake_case(world):
    """Members may be spelled as in the protobuf messages"""
    body = altered("spec", restart="RESTART_STRATEGY_ALWAYS", restartIntervalMs="9")
    for camel in ("timeoutMs", "restartIntervalMs", "firstMs", "maxMs", "failOnNonZero"):
        snake = "".join("_" + c.lower() if c.isupper() else c for c in camel)
        body = body.replace('"%s"' % camel, '"%s"' % snake)
    whole = accepted(world, body)
    equal((whole["timeoutMs"], whole["restartIntervalMs"], whole["backoff"]["maxMs"]), ("60000", "9", "50"), "spec")
    equal(whole["kind"]["subprocess"]["failOnNonZero"], True, "flag")
    body = submit_body(spec(script("true", "SCRIPT_RUNTIME_BASH"))).replace(b"wellKnown", b"well_known")
    equal(accepted(world, body)["kind"]["subprocess"]["script"]["wellKnown"], "SCRIPT_RUNTIME_BASH", "runtime")


@check(45)
def integers(world):
    """64-bit integers come as digits or as text, and go out as text"""

    def body(token):
        return altered("spec", timeoutMs=1234567).replace("1234567", token)

    most = str(2**64 - 1)
    for token, value in (
        ("5000", "5000"), ('"5000"', "5000"), ('"+5000"', "5000"), ('"0005000"', "5000"), ('"\\u0035"', "5"),
        (most, most), ('"%s"' % most, most), ("9007199254740993", "9007199254740993"),
    ):
        equal(accepted(world, body(token))["timeoutMs"], value, token)
    for token in (
        "5000.0", "5e3", "-5", "-0", "05", "+5", "true", "null", "[5]", "{}", HUGE, "1" * 1000, '"%s"' % HUGE,
        '"%s"' % ("1" * 1000), '""', '" 5"', '"5 "', '"-5"', '"++5"', '"5e3"', '"5000.0"', '"0x5"', '"٥"',
    ):
        refused(world, body(token))
    refused(world, body("0"), "timeout_ms cannot be zero")
    refused(world, altered("spec", restartIntervalMs=1.5))
    refused(world, altered("spec", restartIntervalMs=HUGE))


@check(45)
def doubles(world):
    """A double comes as a number or as text, and has to be a number"""

    def body(token):
        return altered("spec", "backoff", factor=1234567).replace("1234567", token)

    for token, value in (("2", 2), ("1.5", 1.5), ("1e0", 1), ('"1.5e0"', 1.5), ('"2"', 2), ("1", 1)):
        equal(accepted(world, body(token))["backoff"]["factor"], value, token)
    for token in ('"NaN"', '"Infinity"', '"-Infinity"', "-1", "0", '"0"'):
        refused(world, body(token), "backoff factor must be a finite positive number")
    refused(world, body("0.5"), "invalid model: ", ">= 1.0")
    for token in ("NaN", "Infinity", "1e999", "null", '""', '"1.5x"', '" 1"', "true", "[]"):
        refused(world, body(token))


@check(45)
def enums(world):
    """An enum comes as its exact name or its number, and goes out as its name"""
    for token, name in ((1, "NEVER"), (2, "ON_FAILURE"), (3, "ALWAYS"), ("RESTART_STRATEGY_NEVER", "NEVER")):
        equal(accepted(world, altered("spec", restart=token))["restart"], "RESTART_STRATEGY_" + name, repr(token))
    for jitter in (2, "JITTER_STRATEGY_FULL"):
        equal(accepted(world, altered("spec", "backoff", jitter=jitter))["backoff"]["jitter"], "JITTER_STRATEGY_FULL")
    names = ("", "1", "NEVER", "restart_strategy_never", "RESTART_POLICY_NEVER", "RESTART_STRATEGY_NEVER ")
    for token in (4, -1, 99, 2**31, 2**40, 1.5, None, True) + names:
        refused(world, altered("spec", restart=token))
    refused(world, altered("spec", restart=1).replace('"restart": 1', '"restart": 1.0'))
    for name in ("restart", "admission"):
        for token in (0, "%s_STRATEGY_UNSPECIFIED" % name.upper(), ...):
            refused(world, altered("spec", **{name: token}), name + " strategy not specified")
    refused(world, altered("spec", "backoff", jitter=0), "jitter strategy not specified")


@check(45)
def nulls(world):
    """null stands for what may be left out, and for nothing else"""
    whole = accepted(world, altered("spec", "kind", "subprocess", cwd=None))
    expect("cwd" not in whole["kind"]["subprocess"], "an absent member is left out")
    refused(world, altered("spec", kind=None), "missing task kind")
    refused(world, altered("spec", kind={"subprocess": None}), "missing task kind variant")
    refused(world, altered("spec", kind={}), "missing task kind variant")
    refused(world, altered("spec", backoff=None), "missing backoff strategy")
    for name in ("slot", "timeoutMs", "labels", "admission"):
        refused(world, altered("spec", **{name: None}))
    for name in ("env", "failOnNonZero"):
        refused(world, altered("spec", "kind", "subprocess", **{name: None}))
    for value in (1, 0, "true", "false", []):
        refused(world, altered("spec", "kind", "subprocess", failOnNonZero=value))
    for env in ({}, {"A": "1"}, ["A=1"], [{"key": 1, "value": "1"}], [{"key": "A", "value": None}], [None]):
        refused(world, altered("spec", "kind", "subprocess", env=env))
