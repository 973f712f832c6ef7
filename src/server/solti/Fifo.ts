/**
 * A persistent queue whose places can be given up: append, put in front, look at the head and leave from anywhere, each
 * in O(log n) and without copying. A place is known by the ticket that its owner got.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import type * as Option from "effect/Option"

/**
 * Tickets run from `first` to `next - 1`, with gaps where places were given up; `first` is taken unless empty.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fifo<out A> {
  readonly first: number
  readonly next: number
  readonly places: HashMap.HashMap<number, A>
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const empty: Fifo<never> = { first: 0, next: 0, places: HashMap.empty() }

/**
 * @since 0.1.0
 * @category utils
 */
export const size = <A>(self: Fifo<A>): number => HashMap.size(self.places)

/**
 * Takes the last place; its ticket is the old `next`.
 *
 * @since 0.1.0
 * @category combinators
 */
export const append = <A>(self: Fifo<A>, value: A): readonly [fifo: Fifo<A>, ticket: number] => [
  { first: self.first, next: self.next + 1, places: HashMap.set(self.places, self.next, value) },
  self.next
]

/**
 * Takes the first place.
 *
 * @since 0.1.0
 * @category combinators
 */
export const prepend = <A>(self: Fifo<A>, value: A): readonly [fifo: Fifo<A>, ticket: number] => [
  { first: self.first - 1, next: self.next, places: HashMap.set(self.places, self.first - 1, value) },
  self.first - 1
]

/**
 * Who is next.
 *
 * @since 0.1.0
 * @category utils
 */
export const head = <A>(self: Fifo<A>): Option.Option<A> => HashMap.get(self.places, self.first)

/**
 * Gives up a place.
 *
 * @since 0.1.0
 * @category combinators
 */
export const leave = <A>(self: Fifo<A>, ticket: number): Fifo<A> => {
  const places = HashMap.remove(self.places, ticket)
  if (HashMap.isEmpty(places)) return { first: self.next, next: self.next, places }
  let first = self.first
  while (!HashMap.has(places, first)) first++
  return { first, next: self.next, places }
}
