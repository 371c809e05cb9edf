//! `sabir sandbox`

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Uri};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use super::serve::stop_signal;
use super::{CliError, Context, print, print_json, runtime};
use crate::clock::{Clock, SystemClock};
use crate::net::Client;
use crate::secret::Secret;
use crate::upstream::{MAGIC, Magic, Outlet, Sandbox};
use crate::{config, telemetry, web};

/// Where it listens.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  sabir sandbox --listen 127.0.0.1:8090
  sabir sandbox --recipients

The sandbox speaks every dialect as the vendor's server would and shows what it gets as a phone would: \
open http://127.0.0.1:8090/sandbox. It tells what becomes of messages (--webhook), lets people write and \
press, and misbehaves for certain recipients or as it is told. Programs read and order below /sandbox \
too: docs/sandbox.md.")]
pub struct Arguments {
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// How many messages are kept, and how many files; the oldest go first.
    #[arg(long, default_value_t = 1000, value_name = "NUMBER")]
    keep: usize,
    /// How long each answer takes at least, as 20ms.
    #[arg(long, value_name = "TIME", value_parser = humantime_serde::re::humantime::parse_duration)]
    delay: Option<Duration>,
    /// Tell what became of each message, and what people write, to this address.
    #[arg(long, value_name = "URL")]
    webhook: Option<Url>,
    /// Sign what is told with this secret.
    #[arg(
        long,
        value_name = "SECRET",
        requires = "webhook",
        env = "SABIR_SANDBOX_WEBHOOK_SECRET",
        hide_env_values = true
    )]
    webhook_secret: Option<String>,
    /// Let everybody who reaches it look into its inbox, write and order, not this machine alone.
    #[arg(long)]
    open: bool,
    /// List the recipients that make it misbehave, and exit.
    #[arg(long)]
    recipients: bool,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    if arguments.recipients {
        return recipients(context);
    }
    let config = config::load_text("")?.config;
    telemetry::start(&config.log, &config.telemetry).map_err(anyhow::Error::from)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sandbox = Sandbox::new(Arc::clone(&clock), config.sandbox).keeping(arguments.keep);
    let sandbox = Arc::new(sandbox.answering_after(arguments.delay.unwrap_or_default()));
    if let Some(url) = &arguments.webhook {
        sandbox.tell_to(Arc::new(post_to(url, arguments.webhook_secret.as_deref(), &config)?));
    }
    runtime()?.block_on(async {
        let listener = TcpListener::bind(arguments.listen).await;
        let listener = listener.with_context(|| format!("cannot listen on {}", arguments.listen));
        let listener = listener.map_err(CliError::Unreachable)?;
        // Heard before the sandbox says that it is there: whoever reads that may end it at once.
        let stop = stop_signal()?;
        let origin = format!("http://{}", listener.local_addr()?);
        sandbox.stands_at(origin.clone());
        print(format_args!("the sandbox listens on {origin}"))?;
        tracing::info!("its inbox is at {origin}/sandbox");
        let alone = web::Alone { sandbox: Arc::clone(&sandbox), clock, open: arguments.open };
        let stop = async {
            stop.await;
            sandbox.close();
        };
        web::serve(listener, web::sandbox_router(alone), &ArcSwap::from_pointee(config.server), stop).await;
        Ok(())
    })
}

fn post_to(url: &Url, secret: Option<&str>, config: &config::Config) -> Result<PostTo, CliError> {
    let address = url.as_str().parse().context("--webhook is no address").map_err(CliError::Failed)?;
    let client = Client::new(&config.net).context("no call can be made").map_err(CliError::Failed)?;
    Ok(PostTo { address, secret: secret.map(Secret::new), client })
}

/// Webhooks go to a gateway over HTTP.
struct PostTo {
    address: Uri,
    secret: Option<Secret>,
    client: Client,
}

#[async_trait]
impl Outlet for PostTo {
    async fn carry(&self, _: &str, mut webhook: Request<Bytes>) -> bool {
        *webhook.uri_mut() = self.address.clone();
        match self.client.call(webhook).await {
            Ok(answer) => answer.status().is_success(),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the webhook was not answered");
                false
            }
        }
    }

    fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }
}

fn recipients(context: &Context) -> Result<(), CliError> {
    if context.json {
        let entry = |magic: &Magic| json!({ "number": magic.number, "behaviour": magic.behaviour.to_string() });
        return print_json(&MAGIC.iter().map(entry).collect::<Vec<_>>());
    }
    MAGIC.iter().try_for_each(|magic| print(format_args!("+{}  {}", magic.number, magic.behaviour)))
}
