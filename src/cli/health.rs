//! `sabir health`: a probe for containers, which have neither shell nor curl.

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::client::Gateway;
use super::{CliError, Context, print, print_json};

/// Which gateway.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  sabir health
  sabir health --url http://127.0.0.1:8081 --json

Exits with 0 where requests can be accepted, with 1 where not, with 69 where nobody answers.")]
pub struct Arguments {
    #[command(flatten)]
    gateway: Gateway,
}

/// 0 where requests can be accepted, 1 where not, 69 where nobody answers.
pub fn health(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    let answer = arguments.gateway.call(Request::get("/"), "/readyz", Bytes::new())?;
    let said: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
    let status = said.get("status").and_then(Value::as_str).unwrap_or("no gateway");
    if context.json {
        print_json(&said)?;
    }
    if !answer.status().is_success() || status != "ready" {
        return Err(CliError::Negative(format!("not ready: {status}")));
    }
    if context.json { Ok(()) } else { print(status) }
}
