//! Logs. They go to stderr, so that results on stdout stay clean; no message text, number or key is ever a field.

use std::io::IsTerminal;

use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// Options of the log.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// How lines look.
    pub format: Format,
    /// What is logged, as in `RUST_LOG`.
    pub filter: String,
}

impl Config {
    /// Whether the filter can be read; one that cannot would be left out in part, in silence.
    pub fn filter_is_readable(&self) -> bool {
        EnvFilter::try_new(&self.filter).is_ok()
    }
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// Starts logging. A second start in the same process changes nothing.
pub fn start(config: &Config) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(&config.filter));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colours).with_env_filter(filter);
    let _ = match config.format {
        Format::Pretty => subscriber.finish().try_init(),
        Format::Json => subscriber.json().flatten_event(true).finish().try_init(),
    };
}
