//! `sabir sandbox`

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use tokio::net::TcpListener;

use super::serve::stop_signal;
use super::{CliError, Context, print, print_json, runtime};
use crate::clock::SystemClock;
use crate::upstream::{MAGIC, Magic, Sandbox};
use crate::{config, telemetry, web};

/// Where it listens.
#[derive(Debug, clap::Args)]
#[command(after_help = "The sandbox speaks every dialect as the vendor's server would, keeps what it gets
(GET /sandbox/messages, /sandbox/files) and misbehaves for certain recipients: sabir sandbox --recipients")]
pub struct Arguments {
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// How many messages are kept, and how many files; the oldest go first.
    #[arg(long, default_value_t = 1000, value_name = "NUMBER")]
    keep: usize,
    /// List the recipients that make it misbehave, and exit.
    #[arg(long)]
    recipients: bool,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    if arguments.recipients {
        return recipients(context);
    }
    let config = config::load_text("")?.config;
    telemetry::start(&config.log);
    let sandbox = Arc::new(Sandbox::new(Arc::new(SystemClock)).keeping(arguments.keep));
    runtime()?.block_on(async {
        let listener = TcpListener::bind(arguments.listen).await;
        let listener = listener.with_context(|| format!("cannot listen on {}", arguments.listen));
        let listener = listener.map_err(CliError::Unreachable)?;
        // Heard before the sandbox says that it is there: whoever reads that may end it at once.
        let stop = stop_signal()?;
        print(format_args!("the sandbox listens on http://{}", listener.local_addr()?))?;
        web::serve(listener, web::sandbox_router(sandbox), &config.server, stop).await;
        Ok(())
    })
}

fn recipients(context: &Context) -> Result<(), CliError> {
    if context.json {
        let entry = |magic: &Magic| json!({ "number": magic.number, "behaviour": magic.behaviour.to_string() });
        return print_json(&MAGIC.iter().map(entry).collect::<Vec<_>>());
    }
    MAGIC.iter().try_for_each(|magic| print(format_args!("+{}  {}", magic.number, magic.behaviour)))
}
