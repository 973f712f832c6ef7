/** Our Solti server as a client in Python sees it: every route, every body, every stream, slots, attempts, processes. */
import { describe } from "vitest"
import { register } from "./Peer.js"

describe("a Solti server, from outside", () => register(new URL(".", import.meta.url)))
