"""The machine below the servers: starting them, their processes, their memory, and what they leave behind."""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import uuid

from solti import Server
from wire import until

REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
NODE = os.environ.get("PEER_NODE", "node")

# In the environment of every server, so of every process that comes of it, sessions of their own included.
MARK = "peer-" + uuid.uuid4().hex

# Where the programs are that `programs` has made, by name.
PROGRAMS = {}

PR_SET_PDEATHSIG = 1


def end_with_parent():
    """Whoever started this process takes it along."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def as_stranger():
    """Runs a command to which the modes of files mean what they say, even as root."""
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []


def with_files(count):
    """Runs a command that may have no more files open."""
    return ["prlimit", "--nofile=%d:%d" % (count, count)]


def marked(mark=MARK):
    """Processes with that text in their environment, and their command lines; no zombies, which have none."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(OSError):
                with open("/proc/%s/environ" % name, "rb") as file:
                    if mark.encode() not in file.read():
                        continue
                with open("/proc/%s/cmdline" % name, "rb") as file:
                    found[int(name)] = file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return found


def none_left(mark):
    until(lambda: not marked(mark), "no process of %s is left: %r" % (mark, marked(mark)))


def kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def peak_memory(pid):
    """The most memory that a process has ever had, in bytes."""
    with open("/proc/%d/status" % pid) as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def open_files(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


class Process:
    """A server process. `ready` is its first line, or None if it ended without one. `within`: see as_stranger."""

    def __init__(self, arguments, environment=None, within=()):
        self.child = subprocess.Popen(
            [*within, *arguments],
            cwd=REPOSITORY,
            env=dict(os.environ, PEER_MARK=MARK, **(environment or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.pid = self.child.pid
        first = self.child.stdout.readline()
        self.ready = json.loads(first) if first else None
        self.said = []
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self):
        # Nobody may have to wait for a full pipe.
        for line in self.child.stderr:
            self.said.append(line.decode("utf-8", "replace"))

    @property
    def errors(self):
        return "".join(self.said)

    def terminate(self, number=signal.SIGTERM):
        kill(self.pid, number)

    def wait(self):
        """The exit code, and all it has written to stdout behind its first line."""
        code = self.child.wait(timeout=60)
        self.listener.join(timeout=10)
        return code, self.child.stdout.read().decode("utf-8")

    def stop(self):
        if self.child.poll() is None:
            self.terminate()
        try:
            return self.wait()[0]
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise AssertionError("a server did not end: %s" % self.errors[-2000:])


@contextlib.contextmanager
def programs():
    """The two programs that are servers, each in one file: that starts several times faster than many."""
    here = os.path.dirname(os.path.abspath(__file__))
    with directory() as place:
        bundle = ["--bundle", "--platform=node", "--target=node20", "--format=cjs", "--log-level=error"]
        entries = [os.path.join(here, name + ".ts") for name in ("server", "switchyard")]
        esbuild = os.path.join(REPOSITORY, "node_modules", ".bin", "esbuild")
        subprocess.run([esbuild, "--outdir=" + place] + bundle + entries, cwd=REPOSITORY, check=True)
        PROGRAMS.update((name, os.path.join(place, name + ".js")) for name in ("server", "switchyard"))
        yield


@contextlib.contextmanager
def servers(settings, **options):
    """A process with a server for each entry of `settings`, by name; see server.ts for what can be set."""
    process = Process([NODE, PROGRAMS["server"], json.dumps(settings)], **options)
    try:
        if process.ready is None:
            process.wait()
            raise AssertionError("the server did not start: %s" % process.errors[-2000:])
        yield process, {
            name: Server(url, settings[name].get("token")) for name, url in process.ready["urls"].items()
        }
    finally:
        process.stop()


@contextlib.contextmanager
def switchyard(*arguments, **options):
    """The command `switchyard serve solti` with more arguments; it may end by itself."""
    process = Process([NODE, PROGRAMS["switchyard"], "serve", "solti", *arguments], **options)
    try:
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def directory():
    path = tempfile.mkdtemp(prefix="peer-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
