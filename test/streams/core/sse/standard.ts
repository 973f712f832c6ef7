import type * as Sse from "../../../../src/streams/core/Sse.js"

/**
 * The standard's interpretation of an event stream, read out sentence by sentence over the whole text at once, with
 * no thought of speed or of pieces. What the parser must agree with.
 */
export const interpret = (stream: string): Array<Sse.Frame> => {
  const frames: Array<Sse.Frame> = []
  const lines = stream.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)
  const unfinished = lines.pop() ?? ""
  let lastEventId = ""
  let data = ""
  let eventType = ""
  let sawId = false
  let blockLength = 0
  for (const line of lines) {
    if (line === "") {
      if (data !== "") {
        frames.push({ _tag: "Event", event: eventType || "message", data: data.slice(0, -1), id: lastEventId })
      } else if (sawId) {
        frames.push({ _tag: "IdOnly", id: lastEventId })
      }
      data = ""
      eventType = ""
      sawId = false
      blockLength = 0
      continue
    }
    if (!line.startsWith(":") || blockLength > 0) blockLength += line.length
    if (line.startsWith(":")) continue
    const colon = line.indexOf(":")
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "")
    if (field === "event") eventType = value
    if (field === "data") data += value + "\n"
    if (field === "id" && !value.includes("\0")) {
      lastEventId = value
      sawId = true
    }
    if (field === "retry" && /^[0123456789]+$/.test(value)) {
      frames.push({ _tag: "Retry", millis: Math.min(parseInt(value, 10), Number.MAX_SAFE_INTEGER) })
    }
  }
  const discarded = blockLength + unfinished.length
  if (discarded > 0) frames.push({ _tag: "Truncated", discarded })
  return frames
}
