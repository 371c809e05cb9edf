//! Logs. They go to stderr, so that results on stdout stay clean; no message text, number or key is ever a field.

use std::any::Any;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

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

/// Starts logging, panics included. A second start in the same process changes nothing.
pub fn start(config: &Config) {
    std::panic::set_hook(Box::new(log_panic));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(&config.filter));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colours).with_env_filter(filter);
    let _ = match config.format {
        Format::Pretty => subscriber.finish().try_init(),
        Format::Json => subscriber.json().flatten_event(true).finish().try_init(),
    };
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(panic.place = place, panic.words = own_words(panic.payload()), "panic: a defect; please report it");
}

/// What a panic says where it is written so in the program. Words that were put together may hold what a client sent:
/// a text that was cut in the wrong place is quoted in full.
fn own_words(payload: &(dyn Any + Send)) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_quoted_only_where_its_words_are_our_own() {
        let panicked = |action: fn()| std::panic::catch_unwind(action).unwrap_err();
        assert_eq!(own_words(panicked(|| panic!("never empty")).as_ref()), Some("never empty"));
        let text = "Zo\u{eb}, +447700900123";
        let cut = std::panic::catch_unwind(|| text.split_at(3).0.len()).unwrap_err();
        assert_eq!(own_words(cut.as_ref()), None);
    }
}
