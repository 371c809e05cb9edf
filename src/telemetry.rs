//! Logs and traces. Logs go to stderr, so that results on stdout stay clean; traces to a collector (`traces.rs`). No
//! message text, number or key is ever a field of either.

mod traces;

use std::any::Any;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use opentelemetry_otlp::ExporterBuildError;
use serde::Deserialize;
pub use traces::{Config as TracesConfig, Traces};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, registry};

use crate::trace;

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

    fn filter(&self) -> EnvFilter {
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(&self.filter))
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

/// Starts logging, panics included, and tracing where that is configured. A second start in the same process changes
/// nothing. May not be called within a runtime.
///
/// # Errors
/// Where the exporter of traces cannot be built.
pub fn start(log: &Config, traces: &TracesConfig) -> Result<Traces, ExporterBuildError> {
    std::panic::set_hook(Box::new(log_panic));
    let traces = Traces::start(traces)?;
    let _ = subscriber(log, &traces).try_init();
    Ok(traces)
}

fn subscriber(log: &Config, traces: &Traces) -> impl Subscriber + Send + Sync + use<> {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let lines = match log.format {
        Format::Pretty => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let spans = Targets::new().with_target(trace::TARGET, LevelFilter::INFO);
    // Spans are not logged: a line says itself what it is about.
    let events = log.filter().and(filter_fn(|metadata| metadata.is_event()));
    // Each of them filtered, and none that is not there: only so a span that no one wants is not made at all.
    let mut layers = vec![lines.with_filter(events).boxed()];
    layers.extend(traces.layer().map(|layer| layer.with_filter(spans).boxed()));
    registry().with(layers)
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
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use http::HeaderMap;
    use uuid::Uuid;

    use super::*;
    use crate::model::TransactionId;

    #[test]
    fn without_a_collector_no_span_is_made() {
        let nobody = TracesConfig { otlp: None, sample: 1.0, service: String::new(), headers: BTreeMap::new() };
        let collector = Some("http://127.0.0.1:1".parse().unwrap());
        let id = TransactionId(Uuid::now_v7());
        for (config, is_made) in [(TracesConfig { otlp: collector, ..nobody.clone() }, true), (nobody, false)] {
            let log = Config { format: Format::Pretty, filter: "trace".to_owned() };
            let traces = Traces::start(&config).unwrap();
            tracing::subscriber::with_default(subscriber(&log, &traces), || {
                let spans = [trace::send(id, &HeaderMap::new()), trace::commit(), trace::call("main", 1)];
                assert_eq!(spans.each_ref().map(|span| !span.is_disabled()), [is_made; 3]);
            });
        }
    }

    /// What is logged, as text.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_leaves_its_place_in_the_log_and_nothing_that_anybody_said() {
        let (lines, said) = (Lines::default(), "zqx, +447700900123");
        let writer = lines.clone();
        let subscriber =
            fmt().with_ansi(false).with_writer(move || writer.clone()).with_max_level(LevelFilter::TRACE).finish();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(log_panic));
        let panicked = tracing::subscriber::with_default(subscriber, || {
            [
                std::panic::catch_unwind(|| panic!("{said} cannot be")),
                std::panic::catch_unwind(|| said.parse::<u8>().map(drop).expect(said)),
                std::panic::catch_unwind(|| std::panic::panic_any(said.to_owned())),
            ]
        });
        std::panic::set_hook(before);
        assert!(panicked.iter().all(Result::is_err));
        let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(logged.matches("panic.place=\"src/telemetry.rs").count(), 3, "{logged}");
        assert!(!logged.contains("zqx") && !logged.contains("447700900123"), "{logged}");
    }

    #[test]
    fn a_panic_is_quoted_only_where_its_words_are_our_own() {
        let panicked = |action: fn()| std::panic::catch_unwind(action).unwrap_err();
        assert_eq!(own_words(panicked(|| panic!("never empty")).as_ref()), Some("never empty"));
        let text = "Zo\u{eb}, +447700900123";
        let cut = std::panic::catch_unwind(|| text.split_at(3).0.len()).unwrap_err();
        assert_eq!(own_words(cut.as_ref()), None);
    }
}
