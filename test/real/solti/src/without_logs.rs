//! A handler that leaves the log operation to the default body of the trait.

use async_trait::async_trait;
use solti_api::{ApiError, ApiHandler, SupervisorApiAdapter};
use solti_model::{Task, TaskId, TaskPage, TaskQuery, TaskRun, TaskSpec};

/// Everything but `stream_task_logs` is answered by the adapter inside.
pub struct WithoutLogs(pub SupervisorApiAdapter);

#[async_trait]
impl ApiHandler for WithoutLogs {
    async fn submit_task(&self, spec: TaskSpec) -> Result<TaskId, ApiError> {
        self.0.submit_task(spec).await
    }

    async fn get_task_status(&self, id: &TaskId) -> Result<Option<Task>, ApiError> {
        self.0.get_task_status(id).await
    }

    async fn query_tasks(&self, query: TaskQuery) -> Result<TaskPage<Task>, ApiError> {
        self.0.query_tasks(query).await
    }

    async fn list_task_runs(&self, id: &TaskId) -> Result<Vec<TaskRun>, ApiError> {
        self.0.list_task_runs(id).await
    }

    async fn delete_task(&self, id: &TaskId) -> Result<(), ApiError> {
        self.0.delete_task(id).await
    }
}
