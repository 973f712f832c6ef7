"""Messages and stubs, generated from the schema files of this repository when the peer starts."""

import os
import sys
import tempfile

import grpc
from grpc_tools import protoc

from interpreter import REPOSITORY

SCHEMAS = os.path.join(REPOSITORY, "proto")
FILES = [
    "solti/v1/types.proto",
    "solti/v1/api.proto",
    "grpc/health/v1/health.proto",
    "grpc/reflection/v1/reflection.proto",
]

# Nothing has to stay on the disk once it is imported.
with tempfile.TemporaryDirectory(prefix="grpc-peer-") as place:
    if protoc.main(["protoc", "-I" + SCHEMAS, "--python_out=" + place, "--grpc_python_out=" + place, *FILES]) != 0:
        raise RuntimeError("protoc does not take the schema files")
    sys.path.insert(0, place)
    # The packages grpc.health and grpc.reflection lie in one that is already there: the library.
    grpc.__path__.append(os.path.join(place, "grpc"))

    from grpc.health.v1 import health_pb2, health_pb2_grpc
    from grpc.reflection.v1 import reflection_pb2, reflection_pb2_grpc
    from solti.v1 import api_pb2, api_pb2_grpc, types_pb2

    sys.path.remove(place)

__all__ = [
    "api_pb2",
    "api_pb2_grpc",
    "health_pb2",
    "health_pb2_grpc",
    "reflection_pb2",
    "reflection_pb2_grpc",
    "types_pb2",
]
