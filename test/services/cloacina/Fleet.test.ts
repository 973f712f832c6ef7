import * as Cloacina from "../../../src/cloacina.js"
import { suite } from "./support/Calls.js"

const agent = {
  agent_id: "ag-17",
  target_triple: "x86_64-linux",
  max_concurrency: 4,
  in_flight: 1,
  available_capacity: 3,
  seconds_since_heartbeat: 6,
  capabilities: ["gpu"],
  tenant_id: "north"
}
const compiler = {
  status: "idle",
  pending: 0,
  building: 0,
  seconds_since_heartbeat: null,
  last_success_at: "2026-09-03T07:58:12+00:00",
  last_failure_at: null
}
const limit = { tenant_id: "north", default_max_agents: 4, tenant_override: 6, effective_limit: 6 }
const scale = { tenant_id: "north", desired_count: 1, actual_count: 1, effective_limit: 6, default_max_agents: 4 }

suite(Cloacina.Fleet, [
  {
    name: "agents",
    call: (fleet) => fleet.agents(),
    request: () => "GET /v1/agents",
    answer: { items: [agent], total: 1 }
  },
  {
    name: "compilerStatus",
    call: (fleet) => fleet.compilerStatus(),
    request: () => "GET /v1/compiler/status",
    answer: compiler
  },
  {
    name: "limit",
    call: (fleet, _, tenant) => fleet.limit({ tenant }),
    request: (_, tenant) => `GET /v1/tenants/${tenant}/limits`,
    answer: limit
  },
  {
    name: "setLimit",
    call: (fleet, _, tenant) => fleet.setLimit(6, { tenant }),
    request: (_, tenant) => `POST /v1/tenants/${tenant}/limits`,
    body: { max_agents: 6 },
    answer: limit,
    errors: ["PayloadTooLarge"]
  },
  {
    name: "removeLimit",
    call: (fleet, _, tenant) => fleet.removeLimit({ tenant }),
    request: (_, tenant) => `DELETE /v1/tenants/${tenant}/limits`,
    answer: { ...limit, tenant_override: null }
  },
  {
    name: "scale",
    call: (fleet, _, tenant) => fleet.scale({ tenant }),
    request: (_, tenant) => `GET /v1/tenants/${tenant}/fleet`,
    answer: scale,
    gives: scale
  },
  {
    name: "provision",
    call: (fleet, _, tenant) => fleet.provision({ tenant }),
    request: (_, tenant) => `POST /v1/tenants/${tenant}/fleet/provision`,
    answer: scale,
    gives: scale,
    errors: ["Conflict"]
  },
  {
    name: "deprovision",
    call: (fleet, _, tenant) => fleet.deprovision({ tenant }),
    request: (_, tenant) => `POST /v1/tenants/${tenant}/fleet/deprovision`,
    answer: scale,
    gives: scale
  }
])
