"""Bytes of requests and their sizes, and what the protocol says about calls as such (contract 2.2, 3.4, 3.5)."""

import grpc

from api import (
    LIMIT, MIB, PAUSE, RUNNING, Client, Code, api_pb2, chunks, command, equal, expect, refusal, refused, script, sh,
    spec,
)
from borrowed import checks
from differences import expected

TRUE = command("true")


def field(number, payload):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


@checks.check(22, 42)
def unknown_fields(world):
    """Unknown fields are ignored, of every type and at every depth"""
    unknown = (
        field(127, b"secret")
        + varint(200 << 3) + varint(2**64 - 1)
        + varint(201 << 3 | 1) + b"8 bytes."
        + varint(202 << 3 | 5) + b"four"
        + varint(203 << 3 | 3) + field(1, b"in a group") + varint(203 << 3 | 4)
        + field(536_870_911, b"the highest number")
    )
    server = world.main
    whole = spec(sh("exec sleep 60"), labels={"a": "b"})
    message = field(1, whole.SerializeToString() + unknown) + unknown
    task_id = api_pb2.SubmitTaskResponse.FromString(server.raw("SubmitTask", message)).task_id
    server.in_phase(task_id, RUNNING)
    found = api_pb2.GetTaskStatusResponse.FromString(server.raw("GetTaskStatus", field(1, task_id.encode()) + unknown))
    equal(found.task.spec, whole, "spec, without what is unknown")
    server.raw("ListTasks", unknown)
    server.raw("ListTaskRuns", field(1, task_id.encode()) + unknown)
    equal(server.raw("DeleteTask", unknown + field(1, task_id.encode())), b"", "delete")
    equal(server.task(task_id), None, "deleted")


@checks.check(42)
def merged_fields(world):
    """Of a scalar that comes twice the last counts, and messages that come twice are merged"""
    server = world.main
    equal(server.raw("GetTaskStatus", field(1, b"one") + field(1, b"two")), b"", "two ids")
    whole = spec(sh("exec sleep 60"), labels={"a": "b"})
    half = api_pb2.SubmitTaskRequest()
    half.spec.labels["c"] = "d"
    half.spec.timeout_ms = 5_000_000
    message = field(1, whole.SerializeToString()) + half.SerializeToString()
    task_id = api_pb2.SubmitTaskResponse.FromString(server.raw("SubmitTask", message)).task_id
    server.in_phase(task_id, RUNNING)
    task = server.task(task_id)
    equal((dict(task.spec.labels), task.spec.timeout_ms), ({"a": "b", "c": "d"}, 5_000_000), "merged")
    server.delete(task_id)


@checks.check(42)
def undecodable(world):
    """Bytes that are no message are refused as such by each call, and disturb nothing"""
    for what, message in (
        ("no varint", b"\xff\xff\xff"),
        ("a string that is too short", b"\x0a\x7fabc"),
        ("half a tag", b"\x80"),
        ("field number 0", b"\x02\x01x"),
        ("wire type 6", b"\x0e"),
        ("wire type 7", b"\x0f\x00"),
        ("an end of no group", b"\x0c"),
        ("a group without its end", b"\x7b"),
        ("no UTF-8", b"\x0a\x02\xc3\x28"),
    ):
        for name in ("GetTaskStatus", "ListTaskRuns", "DeleteTask", "ListTasks"):
            found = refusal(world.main.raw, name, message)
            expect(
                found[0] == Code.INTERNAL and "failed to decode Protobuf message" in found[1],
                "%s, %s: %r" % (what, name, found),
            )
    refused(Code.INTERNAL, "failed to decode Protobuf message", world.main.raw, "SubmitTask", b"\x0a\x03\x0a\xff\xff")
    log = world.main.channel.unary_stream("/solti.v1.SoltiApi/StreamTaskLogs")
    refused(Code.INTERNAL, "failed to decode Protobuf message", log, b"\xff\xff\xff", timeout=10)
    equal(world.main.task("nobody"), None, "it goes on")


@checks.check(42)
def wrong_wire_type(world):
    """A field of the wrong wire type is an error or unknown, never taken"""
    # task_id as a number: the published server refuses it, others may skip it, and then the id is blank.
    code, _ = refusal(world.main.raw, "GetTaskStatus", b"\x08\x01")
    expect(code in (Code.INTERNAL, Code.INVALID_ARGUMENT), str(code))


@checks.check(42)
def unimplemented(world):
    """Unknown methods and services are told so, without a text"""
    for path in ("/solti.v1.SoltiApi/ApplyTask", "/solti.v1.SoltiApi/gettaskstatus", "/solti.v1.SoltiApi/",
                 "/solti.task.v1.TaskService/SubmitTask", "/nothing/Nothing", "/"):
        for message in (b"", b"anything" * 1000):
            equal(refusal(world.main.raw, path, message), (Code.UNIMPLEMENTED, ""), path)
    stream = world.main.channel.stream_stream("/nothing/Nothing")
    equal(refusal(stream, iter([b"1", b"2"]), timeout=10), (Code.UNIMPLEMENTED, ""), "a stream of requests")


@checks.check(42)
def number_of_messages(world):
    """A unary call without a message is an error, and ends; one with more than one ends too"""
    call = world.main.channel.stream_unary("/solti.v1.SoltiApi/GetTaskStatus")
    code, _ = refusal(call, iter([]), timeout=10)
    expect(code in (Code.INTERNAL, Code.UNIMPLEMENTED, Code.INVALID_ARGUMENT), str(code))
    try:
        call(iter([field(1, b"one"), field(1, b"two")]), timeout=10)
    except grpc.RpcError as error:
        expect(error.code() in (Code.INTERNAL, Code.UNIMPLEMENTED, Code.INVALID_ARGUMENT), str(error.code()))
    equal(world.main.task("nobody"), None, "it goes on")


def padded(size, kind=TRUE, **members):
    """A submit of exactly that many bytes."""
    whole = spec(kind, **members)
    whole.labels["pad"] = ""
    message = field(1, whole.SerializeToString())
    while len(message) != size:
        whole.labels["pad"] += "x" * (size - len(message)) if size > len(message) else ""
        excess = len(field(1, whole.SerializeToString())) - size
        if excess > 0:
            whole.labels["pad"] = whole.labels["pad"][excess:]
        message = field(1, whole.SerializeToString())
    return message


@checks.check(3, 42)
def oversize(world):
    """A message of 4 MiB is taken, one byte more is not; the connection stays"""
    server = world.alone
    for message in (padded(LIMIT + 1), b"\0" * (LIMIT + 1), b"\0" * (9 * MIB)):
        refused(expected("oversize"), "4194304", server.raw, "SubmitTask", message)
    refused(expected("oversize"), "", server.raw, "GetTaskStatus", field(1, b"x" * LIMIT))
    equal(server.raw("GetTaskStatus", field(1, b"x" * (LIMIT - 5))), b"", "an id of nearly 4 MiB")
    message = padded(LIMIT, sh("exec sleep 60"))
    task_id = api_pb2.SubmitTaskResponse.FromString(server.raw("SubmitTask", message)).task_id
    expect(task_id != "", "an id")
    # Its answer is larger than its submit: it has times and a status as well.
    refused(expected("oversize answer"), "4194304", server.task, task_id)
    equal(len(server.runs(task_id)), 1, "it goes on")
    server.delete(task_id)


@checks.check(3, 32)
def large_answer(world):
    """An answer just below 4 MiB arrives whole"""
    server = world.alone
    message = padded(LIMIT - 200, sh("exec sleep 60"))
    task_id = api_pb2.SubmitTaskResponse.FromString(server.raw("SubmitTask", message)).task_id
    server.in_phase(task_id, RUNNING)
    equal(server.task(task_id).spec, api_pb2.SubmitTaskRequest.FromString(message).spec, "spec")
    server.delete(task_id)


@checks.check(32)
def large_script(world):
    """A script of 2 MiB is taken, and run"""
    text = PAUSE + "echo large\n#"
    task_id = world.main.submit(script(text + "x" * (2 * MIB - len(text))))
    equal(chunks(world.main.log(task_id)), [b"large"], "line")


@checks.check(42)
def compression(world):
    """A compressed request is refused as such, and its connection stays"""
    for algorithm in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        with Client(world.main_address, compression=algorithm) as client:
            code, details = refusal(client.submit, TRUE, labels={"long": "x" * 10_000})
            expect(code == Code.UNIMPLEMENTED and "compress" in details, "%s %r" % (code, details))
            # What gets no smaller is sent as it is, with the name of the algorithm all the same.
            for task_id in ("x" * 10_000, "x"):
                equal(refusal(client.log, task_id)[0], Code.UNIMPLEMENTED, "a log")
    equal(world.main.task("nobody"), None, "it goes on")


@checks.check(1, 42)
def foreign_metadata(world):
    """Metadata that nobody asked for is ignored: binary values, many of them, names of other services"""
    metadata = [
        ("x-trace-bin", bytes(range(256))),
        ("grpc-trace-bin", b"\0\xff"),
        ("empty-bin", b""),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("x-many", "one"),
        ("x-many", "two"),
        ("authorization", "Basic nobody-asked"),
        ("x-long", "y" * 4000),
    ]
    equal(world.main.call("ListTasks", api_pb2.ListTasksRequest(slot="nobody"), metadata=metadata).total, 0, "list")
    with world.main.task_of(sh("exec sleep 60")) as task_id:
        log = world.main.open_log(task_id, metadata=metadata)
    list(log)
    equal(log.code(), Code.OK, "log")


@checks.check(42)
def answers_of_calls(world):
    """Answers have the content type of gRPC, nothing that is compressed, and no leftovers in their trailers"""
    request = api_pb2.ListTasksRequest(slot="nobody")
    _, call = world.main.stub.ListTasks.with_call(request, timeout=10)
    equal((call.code(), call.details()), (Code.OK, ""), "status")
    names = {key for key, _ in call.initial_metadata()} | {key for key, _ in call.trailing_metadata()}
    expect(names <= {"date", "content-type", "grpc-accept-encoding", "server"}, "metadata: %r" % names)
