/** Our Solti server while everything goes wrong that can: children, memory, descriptors, disks, signals, strangers. */
import { describe } from "vitest"
import { register } from "../peer/Peer.js"

describe("a Solti server, when things go wrong", () => register(new URL(".", import.meta.url)))
