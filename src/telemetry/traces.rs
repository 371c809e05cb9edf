//! Where traces go: to a collector, in OTLP over HTTP, from a thread of their own.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use serde::Deserialize;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use crate::secret::Secret;
use crate::trace::{Ids, Share};

/// How long the last spans may take to go out when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long a collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Options of traces.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// The collector's address, in front of `/v1/traces`; without one there are no traces.
    pub otlp: Option<Url>,
    /// The share of traces that are kept, between 0 and 1.
    pub sample: f64,
    /// The name under which the spans stand there.
    pub service: String,
    /// Headers that the collector wants, such as a credential.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
}

/// The way to the collector, where there is one.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Starts the thread that exports. May not be called within a runtime: the exporter blocks.
    ///
    /// # Errors
    /// Where the exporter cannot be built.
    pub(super) fn start(config: &Config) -> Result<Self, ExporterBuildError> {
        let Some(collector) = &config.otlp else { return Ok(Self(None)) };
        let headers: HashMap<_, _> =
            config.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", collector.as_str().trim_end_matches('/')))
            .with_timeout(TIMEOUT)
            .with_headers(headers)
            .build()?;
        let resource = Resource::builder_empty().with_service_name(config.service.clone()).build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_id_generator(Ids::default())
            .with_sampler(Share::new(config.sample))
            .with_resource(resource)
            .build();
        Ok(Self(Some(provider)))
    }

    /// What hands spans on to the exporter; nothing where traces are off.
    pub(super) fn layer<S>(&self) -> Option<OpenTelemetryLayer<S, Tracer>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let tracer = self.0.as_ref()?.tracer(env!("CARGO_PKG_NAME"));
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        Some(layer.with_location(false).with_threads(false).with_tracked_inactivity(false).with_target(false))
    }

    /// Sends what is left, for a few seconds at most. May not be called within a runtime.
    pub fn close(self) {
        if let Some(provider) = self.0
            && let Err(error) = provider.shutdown_with_timeout(LAST_WORDS)
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last traces were not taken");
        }
    }
}
