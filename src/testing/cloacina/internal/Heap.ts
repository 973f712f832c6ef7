/** A binary heap: gives back first what has the smallest key. What comes in order costs next to nothing to add. */
export class Heap<A> {
  private readonly items: Array<A> = []
  constructor(private readonly keyOf: (item: A) => number) {}

  push(item: A): void {
    const { items, keyOf } = this
    const key = keyOf(item)
    let at = items.length
    items.push(item)
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = items[up]
      if (parent === undefined || keyOf(parent) <= key) break
      items[at] = parent
      at = up
    }
    items[at] = item
  }

  pop(): A | undefined {
    const { items, keyOf } = this
    const first = items[0]
    const last = items.pop()
    if (first === undefined || last === undefined || items.length === 0) return first
    const key = keyOf(last)
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      let child = items[down]
      const right = items[down + 1]
      if (child !== undefined && right !== undefined && keyOf(right) < keyOf(child)) {
        child = right
        down++
      }
      if (child === undefined || keyOf(child) >= key) break
      items[at] = child
      at = down
    }
    items[at] = last
    return first
  }
}
