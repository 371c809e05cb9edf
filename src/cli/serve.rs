//! `sabir serve` and `sabir migrate`

use std::net::SocketAddr;

use anyhow::Context as _;
use http::{Method, header};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{CliError, Context, print, runtime};
use crate::app::App;
use crate::dialect::{self, Dialect, Losses, SENDER, Target, Translation, samples};
use crate::measure;
use crate::model::Request;
use crate::store;
use crate::telemetry;

/// Where the commands look for a gateway when they are told no other address.
const DEFAULT_PORT: u16 = 8080;

/// Runs the gateway until it is told to stop.
pub fn serve(context: &Context) -> Result<(), CliError> {
    let config = context.load()?.config;
    let traces = telemetry::start(&config.log, &config.telemetry).map_err(anyhow::Error::from)?;
    measure::start().map_err(anyhow::Error::from)?;
    let served = runtime()?.block_on(async {
        // Heard from the beginning: one that came while the schema is brought up to date would end the process.
        let hangups = signal(SignalKind::hangup())?;
        let app = App::build(&config).await.map_err(startup)?;
        let ready = |address| greet(&app, address);
        let reload = reload_on_hangup(hangups, &app, context);
        tokio::select! {
            served = app.serve(config.server.listen, ready, stop_signal()?) => served.map_err(CliError::Unreachable),
            never = reload => never,
        }
    });
    traces.close();
    served
}

/// Brings the schema up to date.
pub fn migrate(context: &Context) -> Result<(), CliError> {
    let config = context.load()?.config;
    runtime()?.block_on(async {
        let store = store::connect(&config.store).await?;
        store.migrate().await?;
        store.close().await;
        print("the schema is up to date")
    })
}

fn startup(error: anyhow::Error) -> CliError {
    match error.downcast::<store::StoreError>() {
        Ok(error) => error.into(),
        Err(error) => CliError::Failed(error),
    }
}

/// Resolves when the process is told to end, by SIGTERM or by SIGINT.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()>, CliError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: requests under way are finished");
    })
}

/// Loads accounts, upstreams, routes and limits again at each SIGHUP; a bad file changes nothing and is reported.
async fn reload_on_hangup(mut hangups: Signal, app: &App, context: &Context) -> Result<(), CliError> {
    while hangups.recv().await.is_some() {
        let loaded = context.load().map_err(|error| error.to_string());
        let applied = loaded.and_then(|loaded| app.reload(&loaded.config).map_err(|error| error.to_string()));
        let allowed = applied.is_ok();
        match applied {
            Ok(()) => tracing::info!("configuration loaded again"),
            Err(error) => tracing::error!(error, "configuration not loaded; the old one stays in force"),
        }
        tracing::info!(target: "sabir::audit", action = "reload", allowed, "configuration");
    }
    std::future::pending().await
}

/// Says where the gateway is; on a first run also how to send a message.
fn greet(app: &App, address: SocketAddr) {
    tracing::info!(%address, "listening");
    if let Err(error) = print_greeting(app, address) {
        tracing::warn!(error = %error, "the greeting could not be printed");
    }
}

fn print_greeting(app: &App, address: SocketAddr) -> Result<(), CliError> {
    print(format_args!("Sabir listens on http://{address}"))?;
    let Some(key) = &app.dev_key else { return Ok(()) };
    print("\nNothing is configured yet, so there is one account `dev`, and a sandbox takes its messages. Its key:\n")?;
    print(format_args!("  {}\n", key.expose()))?;
    print("Paste any of these; each sends a message in another dialect:\n")?;
    for &dialect in dialect::all() {
        print(format_args!("# {}\n{}\n", dialect.name(), curl_line(dialect, address, key.expose())?))?;
    }
    let url = if address.port() == DEFAULT_PORT { String::new() } else { format!(" --url http://{address}") };
    print(format_args!("Then look at it as a phone shows it, and answer:  http://{address}/sandbox"))?;
    print(format_args!("Look at the gateway as its operator does:         http://{address}/console\n"))?;
    print(format_args!(
        "What became of it:  sabir transactions list{url}   (or: cargo run --release -- transactions list{url})"
    ))
}

/// A command that sends the first sample in a dialect.
fn curl_line(dialect: &dyn Dialect, address: SocketAddr, key: &str) -> Result<String, CliError> {
    let sample = samples().first().context("there are no samples")?;
    let request: Request = sample.request().context("a sample cannot be read")?;
    let target = Target { sender: Some(SENDER), ..Target::default() };
    let encoded = Translation::new(dialect, dialect, Losses::Warn).say(&request, &target);
    let encoded = encoded.map_err(anyhow::Error::from)?;
    debug_assert_eq!(encoded.method(), Method::POST);
    let form = dialect.credential();
    Ok(format!(
        "curl -sS http://{address}{} -H '{}: {}' -H '{}: application/json' -d '{}'",
        encoded.uri().path(),
        form.header(),
        form.value(key),
        header::CONTENT_TYPE,
        String::from_utf8_lossy(encoded.body()),
    ))
}
