/**
 * The main job of a plane, in the terminal:
 *
 *     npm start -- [FILE]                                               Solti: runs the jobs of a file
 *     npm start -- --plane cloacina [FILE.cloacina] [--context JSON]    Cloacina: deploys a package and runs its workflow
 *
 * What each of them does, and its exit codes, is said at the top of its program in `examples/`.
 */
const programs: Readonly<Record<string, (() => Promise<unknown>) | undefined>> = {
  solti: () => import("../examples/pipeline/main.js"),
  cloacina: () => import("../examples/cloacina-pipeline/main.js")
}

const args = process.argv.slice(2)
const at = args.findIndex((arg) => arg === "--plane" || arg.startsWith("--plane="))
const [flag] = at === -1 ? [] : args.splice(at, 1)
const plane = flag === undefined ? "solti" : flag === "--plane" ? args.splice(at, 1)[0] ?? "" : flag.slice(8)
const start = Object.hasOwn(programs, plane) ? programs[plane] : undefined

if (start === undefined) {
  process.stderr.write(`start: no plane "${plane}"; there are ${Object.keys(programs).join(" and ")}\n`)
  process.exitCode = 2
} else {
  process.argv.splice(2, Infinity, ...args)
  void start()
}
