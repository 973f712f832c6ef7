"""
Finds a Python that has grpcio and grpcio-tools, in this order: the one named by PEER_PYTHON, that of the environment in
.cache/ that `install` makes, the one that runs this, Debian's.
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
ENVIRONMENT = os.path.join(REPOSITORY, ".cache", "grpc-peer", "bin", "python")
DEBIAN = "/usr/bin/python3"

# Set for the interpreter that was chosen: it does not look for another one.
CHOSEN = "PEER_PYTHON_CHOSEN"

MISSING = """\
The gRPC peer needs a Python with the modules grpc, grpc_tools (able to read `optional` in proto3) and google.protobuf.

    test/server/grpc-peer/install

puts them into .cache/grpc-peer; or name an interpreter that has them in PEER_PYTHON. Tried:
"""

PROBE = "import grpc, grpc_tools.protoc, google.protobuf, sys; print(sys.executable)"


def has_grpc(python):
    """Whether that interpreter has what is needed, and what it said if it has not."""
    try:
        answer = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, timeout=60)
    except OSError as error:
        return False, str(error)
    said = (answer.stderr or answer.stdout).strip().splitlines() or ["exit %d" % answer.returncode]
    return answer.returncode == 0, said[-1]


def candidates():
    """The interpreters in their order; one that was asked for by name has no alternative."""
    named = os.environ.get("PEER_PYTHON")
    return [named] if named else [ENVIRONMENT, sys.executable, DEBIAN]


def ensure():
    """Comes back under an interpreter that has what is needed, or ends this process with instructions."""
    if os.environ.get(CHOSEN) == sys.executable:
        return
    tried = []
    for python in candidates():
        fine, said = has_grpc(python)
        if fine:
            # The process stays the same: signals and pipes of whoever started it go on to work.
            os.environ[CHOSEN] = said
            os.execv(said, [said, "-B", HERE, *sys.argv[1:]])
        tried.append("  %s: %s" % (python, said))
    sys.exit(MISSING + "\n".join(tried))
