//! A Solti 0.0.2 agent in its smallest form: one supervisor with one subprocess runner, reachable over HTTP and gRPC.
//!
//! Exactly one line goes to stdout, when both ports accept connections; everything else goes to stderr.
//! SIGTERM and SIGINT end the program with exit code 0. The settings are described in README.md.

mod in_process;
mod settings;
mod without_logs;

use std::{error::Error, future::Future, io::Write, process::ExitCode, sync::Arc, time::Duration};

use settings::Settings;
use solti_api::{ApiHandler, HttpApi, SupervisorApiAdapter, axum, build_grpc_server, tonic};
use solti_core::{StateConfig, SupervisorApi};
use solti_exec::subprocess::register_subprocess_runner;
use solti_model::RunnerEnv;
use solti_runner::{BuildContext, OutputRegistry, RunnerRouter, noop_metrics};
use taskvisor::{ControllerConfig, SupervisorConfig};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use without_logs::WithoutLogs;

type Failure = Box<dyn Error + Send + Sync>;

/// How long the runtime may take for what is left when the fronts are closed: tasks can refuse to be cancelled.
const LEFTOVER_LIMIT: Duration = Duration::from_millis(200);

async fn supervisor(settings: &Settings) -> Result<Arc<SupervisorApi>, Failure> {
    // The runner writes to this registry and the log operation reads from it: both must hold the same one.
    let outputs = Arc::new(OutputRegistry::new(settings.output_capacity));

    let mut env = RunnerEnv::new();
    for (key, value) in &settings.runner_env {
        env.push(key.as_str(), value.as_str());
    }
    let context = BuildContext::new(env, noop_metrics()).with_output_registry(Arc::clone(&outputs));
    let mut router = RunnerRouter::new().with_context(context);
    // The crates want a name that lives as long as the program, which has one runner.
    register_subprocess_runner(&mut router, settings.runner_name.clone().leak())?;

    let mut limits = SupervisorConfig { max_concurrent: settings.max_concurrent, ..SupervisorConfig::default() };
    if let Some(grace) = settings.grace {
        limits.grace = grace;
    }
    let mut retention = StateConfig::default();
    retention.run_ttl = settings.run_ttl.unwrap_or(retention.run_ttl);
    retention.task_ttl = settings.task_ttl.unwrap_or(retention.task_ttl);
    retention.sweep_interval = settings.sweep.unwrap_or(retention.sweep_interval);

    let supervisor = SupervisorApi::new_with_output_registry(
        limits,
        ControllerConfig::default(),
        Vec::new(),
        router,
        retention,
        outputs,
    )
    .await?;
    if settings.embedded {
        in_process::submit(&supervisor).await?;
    }
    Ok(Arc::new(supervisor))
}

fn announce(http: &TcpListener, grpc: &TcpListener) -> Result<(), Failure> {
    let (http, grpc) = (http.local_addr()?, grpc.local_addr()?);
    let line = format!(
        r#"{{"ready":true,"http":"http://{http}","grpc":"{grpc}","httpPort":{},"grpcPort":{},"pid":{}}}"#,
        http.port(),
        grpc.port(),
        std::process::id()
    );
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    Ok(())
}

/// Both fronts over one handler, until `asked_to_stop` completes; then the tasks end first and the fronts after them,
/// so that log streams can deliver the last markers.
async fn serve<H: ApiHandler>(
    handler: H,
    supervisor: Arc<SupervisorApi>,
    settings: &Settings,
    asked_to_stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let handler = Arc::new(handler);
    let closing = CancellationToken::new();

    let http_listener = TcpListener::bind((settings.host.as_str(), settings.http_port)).await?;
    let grpc_listener = TcpListener::bind((settings.host.as_str(), settings.grpc_port)).await?;
    announce(&http_listener, &grpc_listener)?;

    let routes = HttpApi::new(Arc::clone(&handler)).router();
    let http = axum::serve(http_listener, routes).with_graceful_shutdown(closing.clone().cancelled_owned());
    let http = tokio::spawn(http.into_future());

    let connections = tonic::transport::server::TcpIncoming::from(grpc_listener);
    let grpc = tonic::transport::Server::builder()
        .add_service(build_grpc_server(handler))
        .serve_with_incoming_shutdown(connections, closing.clone().cancelled_owned());
    let grpc = tokio::spawn(grpc);

    asked_to_stop.await;

    // Neither step may hang: an in-process task can ignore its cancellation, a client can keep its log stream open.
    let _ = timeout(settings.stop_limit, supervisor.handle().shutdown()).await;
    closing.cancel();
    let _ = timeout(settings.stop_limit, async { tokio::join!(http, grpc) }).await;
    Ok(())
}

async fn run() -> Result<(), Failure> {
    let settings = Settings::from_env()?;

    // Installed before anything can be seen from outside, so that no early signal kills the program.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let asked_to_stop = async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    };

    let supervisor = supervisor(&settings).await?;
    let adapter = SupervisorApiAdapter::new(Arc::clone(&supervisor));
    if settings.default_logs {
        serve(WithoutLogs(adapter), supervisor, &settings, asked_to_stop).await
    } else {
        serve(adapter, supervisor, &settings, asked_to_stop).await
    }
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("solti-host: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run());
    runtime.shutdown_timeout(LEFTOVER_LIMIT);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("solti-host: {error}");
            ExitCode::FAILURE
        }
    }
}
