/**
 * Runs the benchmarks and prints ratios from one run. `--smoke` runs each of them briefly, to see that it still works;
 * names of suites as arguments run only those. `import` times are those of the built package: `npm run build` first.
 */
import { delivery } from "./cloacina/delivery.js"
import { engine } from "./cloacina/engine.js"
import { getExecution, iterateExecutions, listExecutions } from "./cloacina/executions.js"
import type { Row } from "./core/measure.js"
import { machine } from "./core/measure.js"
import { size } from "./core/size.js"
import { get, logs } from "./solti/client.js"
import { grpc, grpcFollowers } from "./solti/grpc.js"
import { flood, followers, queue } from "./solti/load.js"
import { calls, tasks } from "./solti/server.js"

const suites = [
  get,
  logs,
  tasks,
  calls,
  queue,
  followers,
  grpc,
  grpcFollowers,
  flood,
  size,
  getExecution,
  listExecutions,
  iterateExecutions,
  delivery,
  engine
]

const smoke = process.argv.includes("--smoke")
const names = process.argv.slice(2).filter((argument) => !argument.startsWith("--"))
const chosen = names.length === 0 ? suites : suites.filter(({ name }) => names.includes(name))

const pad = (text: string, width: number) => text + " ".repeat(Math.max(0, width - text.length))

console.log(`${machine()}${smoke ? " (smoke run: the figures mean nothing)" : ""}`)
const rows: Array<Row> = []
for (const suite of chosen) {
  for (const row of await suite.run(smoke)) rows.push(row)
}
const width = Math.max(...rows.map(({ work }) => work.length))
for (const { goal, measured, ok, work } of rows) {
  console.log(
    `${pad(work, width)}  ${pad(measured, 24)}  ${pad(goal, 18)}  ${ok === undefined ? "" : ok ? "met" : "MISSED"}`
  )
}
process.exitCode = rows.some(({ ok }) => ok === false) && smoke ? 1 : 0
