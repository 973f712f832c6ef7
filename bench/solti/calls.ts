/**
 * What the benchmarks of the server say to it.
 */
import type { Answer, Connection } from "../core/http.js"

const tasks = "/api/v1/tasks"

const expect = ({ body, status }: Answer, wanted: number): string => {
  if (status !== wanted) throw new Error(`${wanted} expected, but got ${status}: ${body}`)
  return body
}

/** Submits a program to a slot, to be queued, for an hour at most; gives the id of its task. */
export const submit = async (
  connection: Connection,
  slot: string,
  command: string,
  args: ReadonlyArray<string> = []
): Promise<string> => {
  const spec = {
    slot,
    kind: { subprocess: { command: { command, args }, failOnNonZero: true } },
    timeoutMs: "3600000",
    restart: "RESTART_STRATEGY_NEVER",
    backoff: { jitter: "JITTER_STRATEGY_FULL", firstMs: "1000", maxMs: "30000", factor: 2 },
    admission: "ADMISSION_STRATEGY_QUEUE"
  }
  const body = expect(await connection.send("POST", tasks, JSON.stringify({ spec })), 201)
  const { taskId } = JSON.parse(body) as { readonly taskId: string }
  return taskId
}

export const taskPath = (id: string): string => `${tasks}/${id}`

export const remove = async (connection: Connection, id: string): Promise<void> => {
  expect(await connection.send("DELETE", taskPath(id)), 204)
}

/**
 * Looks every 20 ms, and less and less often, whether the task is still pending or running; gives its phase behind that,
 * `undefined` if it is not kept.
 */
export const finished = async (connection: Connection, id: string): Promise<string | undefined> => {
  for (let pause = 20;; pause *= 1.5) {
    await new Promise((resolve) => setTimeout(resolve, pause))
    const phase = /"phase":"TASK_STATUS_(\w+)"/.exec(expect(await connection.send("GET", taskPath(id)), 200))?.[1]
    if (phase !== "PENDING" && phase !== "RUNNING") return phase
  }
}

export const list = async (connection: Connection, query: string): Promise<{ readonly total: number }> =>
  JSON.parse(expect(await connection.send("GET", `${tasks}?${query}`), 200)) as { readonly total: number }
