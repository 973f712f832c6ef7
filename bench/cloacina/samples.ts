/**
 * Answers as a server of version 0.12 writes them, in ASCII.
 */

/** The answer about one execution. */
export const execution = {
  tenant_id: "public",
  execution_id: "0ca618ce-5a60-40aa-ac03-f6a5b06578a8",
  status: "Completed"
}

/** A page of executions, each with an id of its own; every eighth still runs. */
export const executionsFrom = (offset: number, count: number) => ({
  tenant_id: "public",
  items: Array.from({ length: count }, (_, i) => ({
    id: `9b190789-c076-4e0b-b1ba-${String(offset + i).padStart(12, "0")}`,
    workflow_name: "flow_diamond",
    status: i % 8 === 7 ? "Running" : "Completed",
    started_at: "2026-11-22T21:08:23.320318+00:00",
    completed_at: i % 8 === 7 ? null : "2026-11-22T21:08:23.672746+00:00",
    trigger_origin: i % 8 === 6 ? null : "manual"
  })),
  total: count
})
