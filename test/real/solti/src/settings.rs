//! Settings of the host, all from environment variables that start with `SOLTI_`. An empty value counts as unset.

use std::{env, fmt::Display, str::FromStr, time::Duration};

pub struct Settings {
    pub host: String,
    pub http_port: u16,
    pub grpc_port: u16,
    pub runner_name: String,
    pub runner_env: Vec<(String, String)>,
    pub output_capacity: usize,
    pub max_concurrent: usize,
    pub grace: Option<Duration>,
    pub run_ttl: Option<Duration>,
    pub task_ttl: Option<Duration>,
    pub sweep: Option<Duration>,
    pub embedded: bool,
    pub default_logs: bool,
    pub stop_limit: Duration,
}

impl Settings {
    pub fn from_env() -> Result<Self, String> {
        Ok(Self {
            host: value("SOLTI_HOST").unwrap_or_else(|| "127.0.0.1".into()),
            http_port: parsed("SOLTI_HTTP_PORT")?.unwrap_or(8085),
            grpc_port: parsed("SOLTI_GRPC_PORT")?.unwrap_or(50052),
            runner_name: value("SOLTI_RUNNER_NAME").unwrap_or_else(|| "default".into()),
            runner_env: pairs("SOLTI_RUNNER_ENV")?,
            output_capacity: parsed("SOLTI_OUTPUT_CAPACITY")?.unwrap_or(1024),
            max_concurrent: parsed("SOLTI_MAX_CONCURRENT")?.unwrap_or(0),
            grace: millis("SOLTI_GRACE_MS")?,
            run_ttl: millis("SOLTI_RUN_TTL_MS")?,
            task_ttl: millis("SOLTI_TASK_TTL_MS")?,
            sweep: millis("SOLTI_SWEEP_MS")?,
            embedded: switch("SOLTI_EMBEDDED")?,
            default_logs: switch("SOLTI_DEFAULT_LOGS")?,
            stop_limit: millis("SOLTI_STOP_MS")?.unwrap_or(Duration::from_secs(1)),
        })
    }
}

fn value(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.is_empty())
}

fn parsed<T: FromStr<Err: Display>>(name: &str) -> Result<Option<T>, String> {
    value(name).map(|text| text.parse().map_err(|error| format!("{name}: {error}"))).transpose()
}

fn millis(name: &str) -> Result<Option<Duration>, String> {
    Ok(parsed(name)?.map(Duration::from_millis))
}

fn switch(name: &str) -> Result<bool, String> {
    match value(name).as_deref() {
        None | Some("0") => Ok(false),
        Some("1") => Ok(true),
        Some(_) => Err(format!("{name}: expected 0 or 1")),
    }
}

/// `A=1;B=2`, in this order.
fn pairs(name: &str) -> Result<Vec<(String, String)>, String> {
    let Some(text) = value(name) else { return Ok(Vec::new()) };
    text.split(';')
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => Err(format!("{name}: expected KEY=VALUE entries separated by semicolons")),
        })
        .collect()
}
