#!/usr/bin/env python3
"""Makes the workflow packages of the tests: bzip2 tars with one folder NAME-VERSION in each.

    python3 packages.py folder OUT      one file OUT/NAME.cloacina per package
    python3 packages.py json            {"NAME": "<base64>"} on standard output: test/fixtures/cloacina/packages.json
    python3 packages.py folder OUT --locked
                                        the Rust packages with their Cargo.lock, which a compiler needs; asks cargo

Most are Python packages: nothing is compiled for them, and they really run.
"""
import base64
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

HEAD = "import cloaca\n\n\n"


def task(name, after=(), options="", body="    return context\n"):
    return "@cloaca.task(dependencies=[%s]%s)\ndef %s(context):\n%s" % (
        ", ".join('"%s"' % one for one in after), options and ", " + options, name, body)


def manifest(name, version, kind, target, language, about, more=""):
    return "\n".join([
        "[package]", 'name = "%s"' % name, 'version = "%s"' % version, 'interface = "cloacina-workflow-plugin"',
        "interface_version = 1", 'extension = "cloacina"', "", "[metadata]", '%s = "%s"' % (kind, target),
        'language = "%s"' % language, 'description = "%s"' % about, 'author = "switchyard"', more])


def python(name, about, source, version="1.0.0", kind="workflow_name", more=""):
    module = name.replace("-", "_")
    return {
        "package.toml": manifest(name, version, kind, module, "python", about,
                                 'entry_module = "%s.tasks"\n%s' % (module, more)),
        "workflow/%s/__init__.py" % module: "",
        "workflow/%s/tasks.py" % module: HEAD + source,
    }


def flow(name, about, *parts, version="1.0.0"):
    return python(name, about, "\n\n".join(parts), version)


DIAMOND = [
    "@cloaca.workflow_params(region=str, batch_size=(int, 500))\n" + task("prepare", body=(
        '    """what: Reads the input.\n\n    why: Everything else needs it.\n    """\n'
        '    context.set("prepared", context.get("region"))\n    return context\n')),
    task("left", ["prepare"]), task("right", ["prepare"]), task("join", ["left", "right"]),
]

FLOWS = {
    "flow-plain": lambda: flow("flow-plain", "one task, no declared params", task("only")),
    "flow-diamond": lambda: flow("flow-diamond", "diamond of four tasks", *DIAMOND),
    "flow-diamond-1.1.0": lambda: flow("flow-diamond", "diamond of four tasks, second edition", *DIAMOND,
                                       task("report", ["join"]), version="1.1.0"),
    "flow-fail": lambda: flow(
        "flow-fail", "second task always fails", task("first"),
        task("boom", ["first"], "retry_attempts=0", '    raise RuntimeError("disk full")\n'), task("after", ["boom"])),
    "flow-retry": lambda: flow(
        "flow-retry", "fails twice, then works", "attempts = {}",
        task("flaky", (), "retry_attempts=4, retry_delay_ms=300, retry_max_delay_ms=600, retry_jitter=False", (
            '    run = str(context.get("run"))\n    attempts[run] = attempts.get(run, 0) + 1\n'
            '    if attempts[run] < 3:\n        raise RuntimeError("not yet: %d" % attempts[run])\n'
            '    return context\n'))),
    "flow-slow": lambda: flow(
        "flow-slow", "sleeps between two tasks", "import time",
        "@cloaca.workflow_params(seconds=(float, 3.0))\n" + task(
            "nap", body='    time.sleep(float(context.get("seconds", 3.0)))\n    return context\n'),
        task("done", ["nap"])),
    "flow-skip": lambda: flow(
        "flow-skip", "one task is skipped by its rule",
        task("gate", body='    context.set("audit", False)\n    return context\n'),
        task("audit", ["gate"], 'trigger_rules=cloaca.context_value("audit", "Equals", True)'),
        task("finish", ["gate", "audit"])),
    "flow-secret": lambda: flow(
        "flow-secret", "needs a secret", '@cloaca.workflow_secrets("warehouse")\n@cloaca.workflow_params(region=str)\n'
        + task("use", (), "retry_attempts=0",
               '    context.set("names", sorted(context.secret("warehouse").keys()))\n    return context\n')),
    "flow-cron": lambda: flow(
        "flow-cron", "fires every five seconds", task("tick"),
        '@cloaca.trigger(name="flow_cron_every5", on="flow_cron", cron="*/5 * * * * *")\n'
        "def flow_cron_every5():\n    pass\n"),
    "flow-poll": lambda: flow(
        "flow-poll", "polling trigger that never fires by itself",
        "@cloaca.workflow_params(order=str, amount=(int, 1))\n" + task("handle"),
        '@cloaca.trigger(name="orders", on="flow_poll", poll_interval="2s")\n'
        "def orders():\n    return cloaca.TriggerResult.skip()\n"),
    "broken-python": lambda: python("broken-python", "builds, but the module cannot be imported",
                                    'raise RuntimeError("module refuses to load")\n'),
}


def graph(name, about, mode, accumulators, reactor, wiring, nodes):
    prefix = name.replace("-", "_")
    kinds = "\n\n".join("@cloaca.boundary_schema(%s)\n@cloaca.%s\ndef %s(event):\n    return event\n"
                        % (schema, kind, one) for one, schema, kind in accumulators)
    names = ", ".join('"%s"' % one for one, _, _ in accumulators)
    source = (
        '%s\n\n@cloaca.reactor(name="%s", accumulators=[%s], mode="%s")\nclass Reactor:\n    pass\n\n\n'
        'with cloaca.ComputationGraphBuilder("%s", reactor=Reactor, graph=%s) as builder:\n%s'
    ) % (kinds, reactor, names, mode, prefix, wiring, "".join("\n    @cloaca.node\n" + node for node in nodes))
    return python(name, about, source, kind="graph_name",
                  more='reaction_mode = "%s"\ninput_strategy = "latest"\n' % mode)


def node(name, argument, *lines):
    return "    def %s(%s):\n%s" % (name, argument, "".join("        %s\n" % line for line in lines))


GRAPHS = {
    "graph-ticks": lambda: graph(
        "graph-ticks", "one accumulator, routes", "when_any",
        [("ticks", "bid=float, ask=float", "passthrough_accumulator")], "ticks_rx",
        '{"decide": {"inputs": ["ticks"], "routes": {"Trade": "trade", "Hold": "hold"}}, "trade": {}, "hold": {}}',
        [node("decide", "ticks", 'if ticks is None:', '    return ("Hold", {"reason": "no data"})',
              'if ticks.get("bid") == 666.0:', '    raise ValueError("bad tick")',
              'narrow = ticks.get("ask", 0.0) - ticks.get("bid", 0.0) < 1.0',
              'return ("Trade", {"mid": ticks.get("bid")}) if narrow else ("Hold", {"reason": "wide"})'),
         node("trade", "order", 'return {"traded": True, "mid": order.get("mid")}'),
         node("hold", "why", 'return {"traded": False, "reason": why.get("reason")}')]),
    "graph-pair": lambda: graph(
        "graph-pair", "two accumulators, when_all", "when_all",
        [("pair_a", "value=int", "passthrough_accumulator"), ("pair_b", "value=int", "passthrough_accumulator")],
        "pair_rx", '{"add": {"inputs": ["pair_a", "pair_b"], "next": "report"}, "report": {}}',
        [node("add", "pair_a, pair_b",
              'return {"sum": (pair_a or {}).get("value", 0) + (pair_b or {}).get("value", 0)}'),
         node("report", "add", 'return {"reported": add.get("sum")}')]),
    "graph-levels": lambda: graph(
        "graph-levels", "state accumulator with a window of three", "when_any",
        [("levels", "level=int", "state_accumulator(capacity=3)")], "levels_rx",
        '{"window": {"inputs": ["levels"], "next": "report"}, "report": {}}',
        [node("window", "levels", 'return {"size": len(levels or [])}'),
         node("report", "window", 'return {"size": window.get("size")}')]),
    # A server can load a module once, in one tenant: this one is not in the story.
    "graph-probe": lambda: graph(
        "graph-probe", "one accumulator, one node", "when_any",
        [("probe", "value=float", "passthrough_accumulator")], "probe_rx", '{"look": {"inputs": ["probe"]}}',
        [node("look", "probe", 'return {"seen": probe}')]),
}

LOCK = 'version = 3\n\n[[package]]\nname = "broken-rust"\nversion = "1.0.0"\n'
CARGO = '[package]\nname = "%s"\nversion = "1.0.0"\nedition = "2021"\n\n[lib]\ncrate-type = ["cdylib", "rlib"]\n\n[workspace]\n'
DEPENDENCIES = """
[features]
default = ["packaged"]
packaged = []

[dependencies]
cloacina-macros = "=0.12.0"
cloacina-computation-graph = "=0.12.0"
cloacina-workflow = { version = "=0.12.0", features = ["packaged"] }
cloacina-workflow-plugin = "=0.12.0"
serde = { version = "1.0", features = ["derive"] }
serde_json = "1.0"
schemars = "0.8"
futures = "0.3"
async-trait = "0.1"
tracing = "0.1"
chrono = { version = "0.4", features = ["serde"] }
uuid = { version = "1.0", features = ["v4"] }
tokio = { version = "1.0", features = ["time"] }

[build-dependencies]
cloacina-build = "=0.12.0"
"""
FAN = """use cloacina_macros::{task, %(imports)sworkflow};
use cloacina_workflow::{Context, TaskError%(types)s};

cloacina_workflow_plugin::package!();
%(trigger)s
#[workflow(name = "%(name)s", description = "%(about)s", triggers = ["day_closed"], params(%(params)s))]
pub mod %(name)s_tasks {
    use super::*;

    #[task]
    pub async fn only(_context: &mut Context<serde_json::Value>) -> Result<(), TaskError> {
        Ok(())
    }
}
"""
TRIGGER = """
#[trigger(on = "fan_first", poll_interval = "3600s")]
pub async fn day_closed() -> Result<TriggerResult, TriggerError> {
    Ok(TriggerResult::Skip)
}
"""


def fan(name, about, params, owner):
    module = name.replace("-", "_")
    return {
        "Cargo.toml": CARGO % name + DEPENDENCIES,
        "build.rs": "fn main() {\n    cloacina_build::configure();\n}\n",
        "package.toml": manifest(name, "1.0.0", "workflow_name", module, "rust", about),
        "src/lib.rs": FAN % dict(name=module, about=about, params=params, trigger=TRIGGER if owner else "",
                                 imports="trigger, " if owner else "",
                                 types=", TriggerError, TriggerResult" if owner else ""),
    }


RUST = {
    "broken-rust": lambda: {
        "package.toml": manifest("broken-rust", "1.0.0", "workflow_name", "broken_rust", "rust", "does not compile"),
        "Cargo.toml": CARGO % "broken-rust", "Cargo.lock": LOCK, "src/lib.rs": "pub fn broken( -> u8 { 1 }\n"},
    "fan-first": lambda: fan("fan-first", "trigger day_closed and its first subscriber",
                             "region: String, limit: i64 = 10", True),
    "fan-second": lambda: fan("fan-second", "second subscriber of day_closed", "region: String, deep: bool = false",
                              False),
}


def locked(files):
    """With the lock file that cargo writes for it."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            target = pathlib.Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        subprocess.run(["cargo", "generate-lockfile", "--ignore-rust-version"], cwd=folder, check=True)
        return {**files, "Cargo.lock": pathlib.Path(folder, "Cargo.lock").read_text()}


def packed(files):
    name, version = (line.split('"')[1] for line in files["package.toml"].split("\n")[1:3])
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:bz2") as tar:
        for path, text in sorted(files.items()):
            entry = tarfile.TarInfo("%s-%s/%s" % (name, version, path))
            entry.size = len(text.encode())
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def main(form, out=None, *options):
    packages = {}
    for name, make in {**FLOWS, **GRAPHS, **RUST}.items():
        files = make()
        if "--locked" in options and name.startswith("fan-"):
            files = locked(files)
        packages[name] = packed(files)
    if form == "json":
        print(json.dumps({name: base64.b64encode(data).decode() for name, data in packages.items()}, indent=2))
        return
    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in packages.items():
        (folder / (name + ".cloacina")).write_bytes(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
