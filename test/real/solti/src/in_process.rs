//! Two tasks that run inside the agent, to see from outside how such tasks behave and what a DELETE does to them.

use std::future::pending;

use solti_core::SupervisorApi;
use solti_model::{RestartPolicy, TaskKind, TaskSpec};
use taskvisor::{TaskError, TaskFn, TaskRef};
use tokio_util::sync::CancellationToken;

use crate::Failure;

const TIMEOUT_MS: u64 = 60 * 60 * 1000;

pub async fn submit(supervisor: &SupervisorApi) -> Result<(), Failure> {
    let polite: TaskRef = TaskFn::arc("embedded-polite", |cancel: CancellationToken| async move {
        cancel.cancelled().await;
        Err(TaskError::Canceled)
    });
    let stubborn: TaskRef = TaskFn::arc("embedded-stubborn", |_| pending::<Result<(), TaskError>>());
    for task in [polite, stubborn] {
        let spec =
            TaskSpec::builder(task.name(), TaskKind::Embedded, TIMEOUT_MS).restart(RestartPolicy::Never).build()?;
        supervisor.submit_with_task(task, &spec).await?;
    }
    Ok(())
}
