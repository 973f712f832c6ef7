/** A page in a headless Chromium, driven over the DevTools protocol through pipes: no port, and nothing stays behind. */
import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import type { Readable, Writable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]

/** The browser that `CHROMIUM` names, else one on the path. */
export const executable = (): string | undefined => {
  const folders = process.env["PATH"]?.split(Path.delimiter) ?? []
  return process.env["CHROMIUM"] ??
    names.flatMap((name) => folders.map((folder) => Path.join(folder, name))).find((file) => Fs.existsSync(file))
}

/** A message of the protocol, as far as it is read here. */
interface Message {
  readonly id?: number
  readonly method?: string
  readonly error?: { readonly message: string }
  readonly result?: {
    readonly targetId?: string
    readonly sessionId?: string
    readonly result?: { readonly value?: unknown }
    readonly exceptionDetails?: { readonly exception?: { readonly description?: string } }
  }
  readonly params?: {
    readonly args?: ReadonlyArray<{ readonly value?: unknown; readonly description?: string }>
    readonly entry?: { readonly text: string; readonly url?: string }
    readonly exceptionDetails?: unknown
    readonly request?: { readonly url: string; readonly headers: Readonly<Record<string, string>> }
    readonly url?: string
  }
}

/** What the browser shows to whoever looks over the user's shoulder, and what only it knows. */
interface Seen {
  /** What the page and the browser itself have written to the console. */
  readonly console: Array<string>
  /** Of every request and WebSocket. */
  readonly urls: Array<string>
  /** The values of `authorization`. */
  readonly credentials: Set<string>
}

export interface Page {
  readonly seen: Seen
  /** Runs an expression in the page, waits for its promise, and gives its value. */
  readonly evaluate: (expression: string) => Promise<unknown>
  readonly close: () => Promise<void>
}

const note = (seen: Seen, { method, params = {} }: Message): void => {
  switch (method) {
    case "Runtime.consoleAPICalled":
      for (const { description, value } of params.args ?? []) seen.console.push(String(value ?? description))
      break
    case "Runtime.exceptionThrown":
      seen.console.push(JSON.stringify(params.exceptionDetails))
      break
    case "Log.entryAdded":
      seen.console.push(`${params.entry?.text} ${params.entry?.url ?? ""}`)
      break
    case "Network.webSocketCreated":
      seen.urls.push(params.url ?? "")
      break
    case "Network.requestWillBeSent": {
      seen.urls.push(params.request?.url ?? "")
      const credential = Object.entries(params.request?.headers ?? {}).find(([name]) => /^authorization$/i.test(name))
      if (credential !== undefined) seen.credentials.add(credential[1])
    }
  }
}

/** The protocol over the pipes of a browser: messages end with a zero. */
const connect = (
  child: ChildProcess,
  toBrowser: Writable,
  fromBrowser: Readable,
  onEvent: (message: Message) => void
) => {
  const waiting = new Map<number, { resolve: (message: Message) => void; reject: (error: Error) => void }>()
  let count = 0
  let rest = ""
  fromBrowser.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\0")
    rest = parts.pop() ?? ""
    for (const part of parts) {
      const message: Message = JSON.parse(part)
      if (message.id === undefined) onEvent(message)
      else waiting.get(message.id)?.resolve(message)
    }
  })
  toBrowser.on("error", () => {})
  child.once("close", () => waiting.forEach(({ reject }) => reject(new Error("the browser is gone"))))

  return async (method: string, params: object = {}, sessionId?: string): Promise<NonNullable<Message["result"]>> => {
    count += 1
    const id = count
    const answer = new Promise<Message>((resolve, reject) => waiting.set(id, { resolve, reject }))
    toBrowser.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    const { error, result } = await answer.finally(() => waiting.delete(id))
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result ?? {}
  }
}

/** Starts a browser of its own, and opens a page in it. */
export const open = async (program: string, url: string): Promise<Page> => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "switchyard-chromium-"))
  const child = spawn(program, [
    ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"],
    ...["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad"],
    `--user-data-dir=${Path.join(folder, "data")}`,
    "--remote-debugging-pipe"
  ], {
    // Whatever it keeps beside its profile is to be found, and removed.
    env: { ...process.env, HOME: folder, TMPDIR: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
    // A group of its own: its helpers go with it.
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"]
  })
  const gone = new Promise((resolve) => child.once("close", resolve))

  const end = async (): Promise<void> => {
    if (child.pid !== undefined) {
      await Promise.race([gone, sleep(5000, undefined, { ref: false })])
      try {
        process.kill(-child.pid, "SIGKILL")
      } catch {
        // The group is gone already.
      }
      await gone
    }
    Fs.rmSync(folder, { recursive: true, force: true, maxRetries: 20 })
  }

  const [, , , toBrowser, fromBrowser] = child.stdio
  const seen: Seen = { console: [], urls: [], credentials: new Set() }
  let loaded = () => {}
  const load = new Promise<void>((resolve) => loaded = resolve)
  try {
    await once(child, "spawn")
    const send = connect(child, toBrowser as Writable, fromBrowser as Readable, (message) => {
      if (message.method === "Page.loadEventFired") loaded()
      note(seen, message)
    })
    const { targetId } = await send("Target.createTarget", { url: "about:blank" })
    const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true })
    for (const domain of ["Runtime", "Log", "Network", "Page"]) await send(`${domain}.enable`, {}, sessionId)
    await send("Page.navigate", { url }, sessionId)
    await load
    return {
      seen,
      evaluate: async (expression) => {
        const call = { expression, awaitPromise: true, returnByValue: true }
        const { exceptionDetails, result } = await send("Runtime.evaluate", call, sessionId)
        if (exceptionDetails !== undefined) {
          throw new Error(exceptionDetails.exception?.description ?? "the page threw", { cause: exceptionDetails })
        }
        return result?.value
      },
      close: async () => {
        await send("Browser.close").catch(() => {})
        await end()
      }
    }
  } catch (error) {
    child.kill("SIGKILL")
    await end()
    throw error
  }
}
