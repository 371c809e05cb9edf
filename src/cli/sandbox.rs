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
use crate::clock::SystemClock;
use crate::net::Client;
use crate::secret::Secret;
use crate::upstream::{MAGIC, Magic, Outlet, Sandbox};
use crate::{config, telemetry, web};

/// Where it listens.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  sabir sandbox --listen 127.0.0.1:8090
  sabir sandbox --recipients

The sandbox speaks every dialect as the vendor's server would, keeps what it gets
(GET /sandbox/messages, /sandbox/files), tells what becomes of it (--webhook), lets people write (POST
/sandbox/inbound, with files that were put to POST /sandbox/files) and misbehaves for certain recipients.")]
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
    let sandbox = Sandbox::new(Arc::new(SystemClock), config.sandbox).keeping(arguments.keep);
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
        web::serve(listener, web::sandbox_router(sandbox), &ArcSwap::from_pointee(config.server), stop).await;
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
