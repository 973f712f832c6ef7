/** A recorded case as the server: each call gets the next recorded answer for its method and path, the last one again. */
import * as Golden from "../../../fixtures/cloacina/Golden.js"
import { answer } from "../../support/Cloacina.js"
import type * as Memory from "../../support/Memory.js"

export const replay = (name: string) => {
  const { exchanges } = Golden.get(name)
  const taken = new Map<string, number>()
  return ({ method, path }: Pick<Memory.Sent, "method" | "path">): Response => {
    const line = `${method} ${path}`
    const same = exchanges.filter(({ request }) => `${request.method} ${request.path}` === line)
    const index = taken.get(line) ?? 0
    taken.set(line, index + 1)
    const found = same[Math.min(index, same.length - 1)]
    if (found === undefined) throw new Error(`${name} has no ${line}`)
    const { headers, status } = found.response
    return answer(status, found.response.body, headers)
  }
}
