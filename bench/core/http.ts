/**
 * A client that costs little beside the server it measures: HTTP/1.1 on bare sockets, one request at a time on each,
 * answers with a `content-length` or none.
 */
import * as Net from "node:net"

export interface Answer {
  readonly status: number
  readonly body: string
}

const headEnd = "\r\n\r\n"

/** One connection that is kept open. */
export class Connection {
  private received = ""
  private settle: { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void } | undefined

  private constructor(private readonly socket: Net.Socket, private readonly host: string) {
    socket.setEncoding("latin1").setNoDelay(true)
    socket.on("data", (text: string) => {
      this.received += text
      this.read()
    })
    const fail = () => this.settle?.reject(new Error("the server has closed the connection"))
    socket.on("close", fail).on("error", fail)
  }

  static async open(url: string): Promise<Connection> {
    const { host, hostname, port } = new URL(url)
    const socket = Net.connect(Number(port), hostname)
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject))
    return new Connection(socket, host)
  }

  /** `body` is JSON in ASCII. */
  send(method: string, path: string, body = ""): Promise<Answer> {
    const length = body === "" ? "" : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`
    this.socket.write(`${method} ${path} HTTP/1.1\r\nhost: ${this.host}\r\n${length}\r\n${body}`, "latin1")
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject }
    })
  }

  close(): void {
    this.socket.destroy()
  }

  private read(): void {
    const end = this.received.indexOf(headEnd)
    if (end === -1) return
    const length = /\ncontent-length: *(\d+)/i.exec(this.received)?.[1] ?? "0"
    const from = end + headEnd.length
    const to = from + Number(length)
    if (this.received.length < to) return
    const answer = { status: Number(this.received.slice(9, 12)), body: this.received.slice(from, to) }
    this.received = this.received.slice(to)
    const settle = this.settle
    this.settle = undefined
    settle?.resolve(answer)
  }
}

/** Runs `use` with an open connection, and closes it. */
export const withConnection = async <A>(url: string, use: (connection: Connection) => Promise<A>): Promise<A> => {
  const connection = await Connection.open(url)
  try {
    return await use(connection)
  } finally {
    connection.close()
  }
}

/** Runs `use` so many times at once, each with a connection of its own. */
export const withConnections = (
  url: string,
  count: number,
  use: (connection: Connection) => Promise<void>
): Promise<Array<void>> => Promise.all(Array.from({ length: count }, () => withConnection(url, use)))
