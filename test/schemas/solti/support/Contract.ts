/**
 * The protobuf schema as the contract has it (5.6, 5.8), written down by hand: `number: name type` of each field.
 */

export const messages: Readonly<Record<string, ReadonlyArray<string>>> = {
  SubmitTaskRequest: ["1: spec CreateSpec"],
  SubmitTaskResponse: ["1: task_id string"],
  GetTaskStatusRequest: ["1: task_id string"],
  GetTaskStatusResponse: ["1: task optional TaskData"],
  ListTasksRequest: ["1: slot optional string", "2: status optional TaskStatus", "3: limit uint32", "4: offset uint32"],
  ListTasksResponse: ["1: tasks repeated TaskData", "2: total uint32"],
  ListTaskRunsRequest: ["1: task_id string"],
  ListTaskRunsResponse: ["1: runs repeated TaskRunInfo"],
  DeleteTaskRequest: ["1: task_id string"],
  DeleteTaskResponse: [],
  StreamTaskLogsRequest: ["1: task_id string"],
  OutputEventProto: [
    "oneof kind: 1: chunk OutputChunkProto",
    "oneof kind: 2: run_started RunStartedProto",
    "oneof kind: 3: run_finished RunFinishedProto",
    "oneof kind: 4: lagged LaggedProto"
  ],
  OutputChunkProto: [
    "1: attempt uint32",
    "2: stream OutputStreamKind",
    "3: seq uint64",
    "4: ts int64",
    "5: line bytes"
  ],
  RunStartedProto: ["1: attempt uint32", "2: started_at int64"],
  RunFinishedProto: ["1: attempt uint32", "2: exit_code optional int32", "3: finished_at int64"],
  LaggedProto: ["1: skipped uint64"],
  KeyValue: ["1: key string", "2: value string"],
  CommandMode: ["1: command string", "2: args repeated string"],
  CustomRuntime: ["1: command string", "2: flag string"],
  ScriptMode: [
    "oneof runtime: 1: well_known ScriptRuntime",
    "oneof runtime: 2: custom CustomRuntime",
    "3: body string",
    "4: args repeated string"
  ],
  SubprocessTask: [
    "oneof mode: 1: command CommandMode",
    "oneof mode: 2: script ScriptMode",
    "3: env repeated KeyValue",
    "4: cwd optional string",
    "5: fail_on_non_zero bool"
  ],
  WasmTask: ["1: module string", "2: args repeated string", "3: env repeated KeyValue"],
  ContainerTask: [
    "1: image string",
    "2: command repeated string",
    "3: args repeated string",
    "4: env repeated KeyValue"
  ],
  TaskKind: [
    "oneof kind: 1: subprocess SubprocessTask",
    "oneof kind: 2: wasm WasmTask",
    "oneof kind: 3: container ContainerTask"
  ],
  BackoffStrategy: ["1: jitter JitterStrategy", "2: first_ms uint64", "3: max_ms uint64", "4: factor double"],
  CreateSpec: [
    "1: slot string",
    "2: kind TaskKind",
    "3: timeout_ms uint64",
    "4: restart RestartStrategy",
    "5: restart_interval_ms optional uint64",
    "6: backoff BackoffStrategy",
    "7: admission AdmissionStrategy",
    "8: labels map<string, string>"
  ],
  ObjectMeta: ["1: id string", "2: created_at int64", "3: updated_at int64", "4: resource_version uint64"],
  TaskStatusInfo: [
    "1: phase TaskStatus",
    "2: attempt uint32",
    "3: error optional string",
    "4: exit_code optional int32"
  ],
  TaskData: ["1: metadata ObjectMeta", "2: spec CreateSpec", "3: status TaskStatusInfo"],
  TaskRunInfo: [
    "1: attempt uint32",
    "2: status TaskStatus",
    "3: started_at int64",
    "4: finished_at optional int64",
    "5: error optional string",
    "6: exit_code optional int32"
  ]
}

export const enums: Readonly<Record<string, ReadonlyArray<string>>> = {
  TaskStatus: [
    "TASK_STATUS_UNSPECIFIED(0)",
    "TASK_STATUS_PENDING(1)",
    "TASK_STATUS_RUNNING(2)",
    "TASK_STATUS_SUCCEEDED(3)",
    "TASK_STATUS_FAILED(4)",
    "TASK_STATUS_TIMEOUT(5)",
    "TASK_STATUS_CANCELED(6)",
    "TASK_STATUS_EXHAUSTED(7)"
  ],
  RestartStrategy: [
    "RESTART_STRATEGY_UNSPECIFIED(0)",
    "RESTART_STRATEGY_NEVER(1)",
    "RESTART_STRATEGY_ON_FAILURE(2)",
    "RESTART_STRATEGY_ALWAYS(3)"
  ],
  JitterStrategy: [
    "JITTER_STRATEGY_UNSPECIFIED(0)",
    "JITTER_STRATEGY_NONE(1)",
    "JITTER_STRATEGY_FULL(2)",
    "JITTER_STRATEGY_EQUAL(3)",
    "JITTER_STRATEGY_DECORRELATED(4)"
  ],
  AdmissionStrategy: [
    "ADMISSION_STRATEGY_UNSPECIFIED(0)",
    "ADMISSION_STRATEGY_DROP_IF_RUNNING(1)",
    "ADMISSION_STRATEGY_REPLACE(2)",
    "ADMISSION_STRATEGY_QUEUE(3)"
  ],
  ScriptRuntime: [
    "SCRIPT_RUNTIME_UNSPECIFIED(0)",
    "SCRIPT_RUNTIME_BASH(1)",
    "SCRIPT_RUNTIME_PYTHON(2)",
    "SCRIPT_RUNTIME_NODE(3)"
  ],
  OutputStreamKind: [
    "OUTPUT_STREAM_KIND_UNSPECIFIED(0)",
    "OUTPUT_STREAM_KIND_STDOUT(1)",
    "OUTPUT_STREAM_KIND_STDERR(2)"
  ]
}

export const methods: Readonly<Record<string, string>> = {
  SubmitTask: "SubmitTaskRequest → SubmitTaskResponse",
  GetTaskStatus: "GetTaskStatusRequest → GetTaskStatusResponse",
  ListTasks: "ListTasksRequest → ListTasksResponse",
  ListTaskRuns: "ListTaskRunsRequest → ListTaskRunsResponse",
  DeleteTask: "DeleteTaskRequest → DeleteTaskResponse",
  StreamTaskLogs: "StreamTaskLogsRequest → stream OutputEventProto"
}
