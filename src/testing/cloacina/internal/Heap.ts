/** A binary heap: gives back first what comes before all others. What comes in order costs next to nothing to add. */
export class Heap<A> {
  private readonly items: Array<A> = []
  constructor(private readonly isBefore: (a: A, b: A) => boolean) {}

  /** What {@link pop} would give. */
  get first(): A | undefined {
    return this.items[0]
  }

  push(item: A): void {
    const { isBefore, items } = this
    let at = items.length
    items.push(item)
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = items[up]
      if (parent === undefined || !isBefore(item, parent)) break
      items[at] = parent
      at = up
    }
    items[at] = item
  }

  pop(): A | undefined {
    const { isBefore, items } = this
    const first = items[0]
    const last = items.pop()
    if (first === undefined || last === undefined || items.length === 0) return first
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      let child = items[down]
      const right = items[down + 1]
      if (child !== undefined && right !== undefined && isBefore(right, child)) {
        child = right
        down++
      }
      if (child === undefined || !isBefore(child, last)) break
      items[at] = child
      at = down
    }
    items[at] = last
    return first
  }
}
