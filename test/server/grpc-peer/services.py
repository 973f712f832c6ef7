"""Health and reflection, which only our server has (their own protocols; contract 2.2)."""

import queue

from google.protobuf import descriptor_pb2, descriptor_pool

from api import Code, api_pb2, equal, expect, refusal
from borrowed import checks
from differences import ours
from stubs import health_pb2, health_pb2_grpc, reflection_pb2, reflection_pb2_grpc

SERVICES = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "solti.v1.SoltiApi"]
SERVING = health_pb2.HealthCheckResponse.SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def asked(client, **members):
    """One question to the reflection service."""
    request = reflection_pb2.ServerReflectionRequest(host="peer.test", **members)
    stub = reflection_pb2_grpc.ServerReflectionStub(client.channel)
    (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=10)
    equal(answer.original_request, request, "the question comes back")
    return answer


def files(answer):
    protos = answer.file_descriptor_response.file_descriptor_proto
    return [descriptor_pb2.FileDescriptorProto.FromString(it) for it in protos]


def methods_of(service):
    return [(it.name, it.input_type.full_name, it.output_type.full_name, it.server_streaming) for it in service.methods]


def fields_of(message):
    return [(it.number, it.name, it.type, it.has_presence) for it in message.fields]


def values_of(enum):
    return [(it.number, it.name) for it in enum.values]


def pool_of(client, answer):
    """Everything that the files of an answer need, as far as the server has it."""
    known = {it.name: it for it in files(answer)}
    missing = [name for it in known.values() for name in it.dependency if name not in known]
    while missing:
        for it in files(asked(client, file_by_filename=missing.pop())):
            known[it.name] = it
            missing += [name for name in it.dependency if name not in known]
    pool = descriptor_pool.DescriptorPool()

    def add(name):
        if name in known:
            file = known.pop(name)
            for dependency in file.dependency:
                add(dependency)
            pool.Add(file)

    for name in list(known):
        add(name)
    return pool


if ours():

    @checks.check(42)
    def health(world):
        """Health: the server and the service are serving, others are not known"""
        stub = health_pb2_grpc.HealthStub(world.main.channel)
        for service in ("", "solti.v1.SoltiApi"):
            request = health_pb2.HealthCheckRequest(service=service)
            equal(stub.Check(request, timeout=10).status, SERVING, "check of %r" % service)
            watch = stub.Watch(request, timeout=10)
            equal(next(watch).status, SERVING, "watch of %r" % service)
            expect(watch.is_active(), "it goes on")
            watch.cancel()
        unknown = health_pb2.HealthCheckRequest(service="no.such.Service")
        equal(refusal(stub.Check, unknown, timeout=10)[0], Code.NOT_FOUND, "check")
        watch = stub.Watch(unknown, timeout=10)
        equal(next(watch).status, SERVICE_UNKNOWN, "watch")
        watch.cancel()

    @checks.check(42)
    def reflected_services(world):
        """Reflection: the list of services, and the schema of each"""
        answer = asked(world.main, list_services="*")
        names = sorted(it.name for it in answer.list_services_response.service)
        equal(names, SERVICES, "services")
        for name in names:
            pool = pool_of(world.main, asked(world.main, file_containing_symbol=name))
            service = pool.FindServiceByName(name)
            expect(len(service.methods) > 0, "methods of %s" % name)

    @checks.check(42)
    def reflected_schema(world):
        """Reflection: the schema of the API is the one that the peer was generated from"""
        pool = pool_of(world.main, asked(world.main, file_containing_symbol="solti.v1.SoltiApi"))
        service = pool.FindServiceByName("solti.v1.SoltiApi")
        own = api_pb2.DESCRIPTOR.services_by_name["SoltiApi"]
        equal(methods_of(service), methods_of(own), "methods")
        for file in (api_pb2.DESCRIPTOR, *api_pb2.DESCRIPTOR.dependencies):
            for name, message in file.message_types_by_name.items():
                equal(fields_of(pool.FindMessageTypeByName(message.full_name)), fields_of(message), name)
            for name, enum in file.enum_types_by_name.items():
                equal(values_of(pool.FindEnumTypeByName(enum.full_name)), values_of(enum), name)

    @checks.check(42)
    def reflected_symbols(world):
        """Reflection: methods, messages and enums are found by name; what is not there is told so on an open stream"""
        for name in ("SoltiApi.SubmitTask", "TaskData", "TaskStatus", "CreateSpec", "ListTasksRequest"):
            expect(files(asked(world.main, file_containing_symbol="solti.v1." + name)) != [], name)
        questions = queue.SimpleQueue()
        stub = reflection_pb2_grpc.ServerReflectionStub(world.main.channel)
        answers = stub.ServerReflectionInfo(iter(questions.get, None), timeout=10)
        for members in (
            {"file_containing_symbol": "solti.v1.Nobody"},
            {"file_containing_symbol": ""},
            {"file_by_filename": "../../etc/passwd"},
            {"file_containing_extension": {"containing_type": "solti.v1.TaskData", "extension_number": 7}},
        ):
            questions.put(reflection_pb2.ServerReflectionRequest(**members))
            answer = next(answers)
            equal(answer.WhichOneof("message_response"), "error_response", repr(members))
            equal(answer.error_response.error_code, Code.NOT_FOUND.value[0], repr(members))
        questions.put(reflection_pb2.ServerReflectionRequest(list_services=""))
        equal(len(next(answers).list_services_response.service), len(SERVICES), "services")
        questions.put(None)
        equal((list(answers), answers.code()), ([], Code.OK), "the end")
