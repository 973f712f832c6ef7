/** A user's program on Node, with every optional peer installed. */
import * as Cloacina from "effect-switchyard/cloacina"
import * as CloacinaNode from "effect-switchyard/cloacina/node"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import * as Core from "effect-switchyard/core"
import * as Node from "effect-switchyard/node"
import * as Solti from "effect-switchyard/solti"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as SoltiTesting from "effect-switchyard/solti/testing"
import * as assert from "node:assert/strict"

for (const module of [Cloacina, CloacinaNode, CloacinaTesting, Core, Node, Solti, SoltiServer, SoltiTesting]) {
  assert.ok(Object.keys(module).length > 0)
}
