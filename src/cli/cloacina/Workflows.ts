/**
 * `switchyard cloacina workflows`
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../cloacina.js"
import { ExitCode } from "../core/ExitCode.js"
import { Stop } from "../core/Failure.js"
import * as Group from "../core/Group.js"
import * as Screen from "../core/Screen.js"
import * as Table from "../core/Table.js"
import * as Deploy from "./Deploy.js"
import * as Part from "./Part.js"
import * as View from "./View.js"

const path = "workflows"

const packageName = ["package", "Its package name, as list shows it, or the id of an upload."] as const

const list = Part.list(
  { name: "list", path, summary: "Lists the workflows whose packages are built.", examples: ["list", "list --json"] },
  Options.none,
  {
    ...View.workflows,
    items: () => Stream.fromIterableEffect(Effect.flatMap(Cloacina.Workflows, (workflows) => workflows.list()))
  }
)

const get = Part.answer(
  {
    name: "get",
    path,
    summary: "Shows a package: its build, its parameters, its tasks.",
    text: [
      "The tasks of a Python package are known once a runner has loaded it. By the id of its upload a package is found " +
      "in any state, a failed build with the compiler's output."
    ],
    words: [packageName],
    examples: ["get close-books"]
  },
  Options.none,
  {
    schema: Cloacina.WorkflowDetail,
    ask: ([name = ""]) => Effect.flatMap(Cloacina.Workflows, (workflows) => workflows.get(name)),
    lines: (detail) => Table.pairs(View.workflow(detail))
  }
)

const file = Options.text("file").pipe(
  Options.withPseudoName("path"),
  Options.optional,
  Options.withDescription("Write the contents of this file, instead of a list of all.")
)

const sourceFiles: Part.Listing<Cloacina.WorkflowSourceFile, typeof Cloacina.WorkflowSourceFile.Encoded> = {
  schema: Cloacina.WorkflowSourceFile,
  nothing: "no files",
  columns: [
    View.text("PATH", ({ path }) => path),
    { header: "LANGUAGE", of: ({ language }) => View.orDash(language) },
    { header: "LINES", align: "right", of: ({ contents }) => String(contents.split("\n").length) }
  ]
}

const source = Part.make(
  {
    name: "source",
    path,
    summary: "Shows the text files of a package.",
    text: ["With --json every file is an object with its contents. Files over 1 MiB are left out by the server."],
    words: [packageName],
    examples: ["source close-books", "source close-books --file workflow.py"]
  },
  file,
  (file, [name = ""], json) =>
    Effect.gen(function*() {
      const { files } = yield* Effect.flatMap(Cloacina.Workflows, (workflows) => workflows.source(name))
      const found = Option.isNone(file) ? files : files.filter(({ path }) => path === file.value)
      if (Option.isSome(file) && found.length === 0) {
        return yield* new Stop({ code: ExitCode.notFound, message: `no such file in ${name}: ${file.value}` })
      }
      if (json || Option.isNone(file)) return yield* Part.show(sourceFiles, Stream.fromIterable(found), json)
      const screen = yield* Screen.Screen
      const contents = found.flatMap(({ contents }) => contents.replace(/\n$/, "").split("\n"))
      yield* Part.lines(screen.isOutTerminal ? contents.map(View.visible) : contents)
    })
)

const pausing = (name: "pause" | "resume", summary: string) =>
  Part.answer(
    { name, path, summary, words: [["name", "Its workflow or package name."]], examples: [`${name} close_month`] },
    Options.none,
    {
      schema: Cloacina.WorkflowPaused,
      ask: ([workflow = ""]) => Effect.flatMap(Cloacina.Workflows, (workflows) => workflows[name](workflow)),
      lines: (answer) => [`${View.visible(answer.status)} ${View.visible(answer.name)}`]
    }
  )

const remove = Part.answer(
  {
    name: "remove",
    path,
    summary: "Deletes one version of a package.",
    text: ["A version that is not there is a success. Executions that run go on."],
    words: [["package", "Its package name, as list shows it."], ["version", "Which version."]],
    examples: ["remove close-books 1.4.0"]
  },
  Options.none,
  {
    schema: Cloacina.WorkflowDeleted,
    ask: ([name = "", version = ""]) =>
      Effect.flatMap(Cloacina.Workflows, (workflows) => workflows.remove(name, version)),
    lines: (removed) => [`removed ${View.visible(`${removed.package_name} ${removed.version}`)}`]
  }
)

/**
 * @since 0.1.0
 * @category commands
 */
export const { command, page } = Group.make({
  name: path,
  summary: "Workflow packages of a tenant: deploys them, looks at them, pauses them.",
  text: [
    "A package has a package name and holds a workflow with a workflow name: what is executed goes by the second, what " +
    "is looked at and removed by the first."
  ],
  examples: [
    "switchyard cloacina workflows deploy close-books.cloacina",
    "switchyard cloacina workflows list --tenant north"
  ]
}, [
  list,
  get,
  Deploy.part,
  source,
  pausing("pause", "Refuses further executions; those that run go on."),
  pausing("resume", "Allows executions again."),
  remove
])
