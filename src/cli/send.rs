//! `sabir send`

use std::path::PathBuf;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, header};
use serde_json::{Value, json};

use super::client::Gateway;
use super::{CliError, Context, print, print_json};
use crate::app::DEV_ACCOUNT;

/// One message. It goes to the gateway in the Cloud API's dialect.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  sabir send --to +447700900123 --text 'Bay 2 is open'
  sabir send --to +447700900123 --image https://files.example.net/p/bay.jpg --caption 'Front view'
  sabir send --to +447700900123 --template pickup_ready --parameter Noor --parameter B-17
  sabir send --body request.json --dry-run")]
pub struct Arguments {
    #[command(flatten)]
    gateway: Gateway,
    /// The account's key; that of the first run where it is left out.
    #[arg(long, env = "SABIR_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The recipient's number with its country code.
    #[arg(long, value_name = "NUMBER", required_unless_present = "body")]
    to: Option<String>,
    /// Say what would be sent, and send nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    content: Content,
    /// The text beside an image, video or document.
    #[arg(long, value_name = "TEXT")]
    caption: Option<String>,
    /// The name of a document.
    #[arg(long, value_name = "NAME")]
    filename: Option<String>,
    /// The template's language.
    #[arg(long, default_value = "en", value_name = "CODE")]
    language: String,
    /// A value for the template's next placeholder.
    #[arg(long = "parameter", value_name = "TEXT")]
    parameters: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Content {
    /// A text message.
    #[arg(long)]
    text: Option<String>,
    /// The address of an image.
    #[arg(long, value_name = "URL")]
    image: Option<String>,
    /// The address of an audio file.
    #[arg(long, value_name = "URL")]
    audio: Option<String>,
    /// The address of a video.
    #[arg(long, value_name = "URL")]
    video: Option<String>,
    /// The address of a document.
    #[arg(long, value_name = "URL")]
    document: Option<String>,
    /// The name of an approved template.
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// A whole request of the Cloud API in a file.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
}

pub fn send(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    let body = match &arguments.content.body {
        Some(path) => std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?,
        None => arguments.body().to_string().into_bytes(),
    };
    let key = match &arguments.key {
        Some(key) => key.clone(),
        None => first_key(context)?,
    };
    let request = Request::post("/")
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "application/json");
    let path = if arguments.dry_run { "/messages?dry_run=true" } else { "/messages" };
    let answer = arguments.gateway.call(request, path, Bytes::from(body))?;
    let transaction = answer.headers().get("sabir-transaction-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let said: Value = serde_json::from_slice(answer.body()).context("the gateway's answer cannot be read")?;
    if context.json || arguments.dry_run {
        print_json(&said)?;
    } else if answer.status().is_success() {
        let id = said.pointer("/messages/0/id").and_then(Value::as_str).unwrap_or_default();
        print(format_args!("sent: transaction {transaction}, message {id}"))?;
    }
    if answer.status().is_success() {
        return Ok(());
    }
    let details = said.pointer("/error/error_data/details").and_then(Value::as_str).unwrap_or("no reason was given");
    Err(CliError::Negative(format!("not sent: {details} (transaction {transaction})")))
}

impl Arguments {
    fn body(&self) -> Value {
        let content = &self.content;
        let media = |link: &str| json!({ "link": link, "caption": self.caption, "filename": self.filename });
        let (kind, value) = if let Some(text) = &content.text {
            ("text", json!({ "body": text }))
        } else if let Some(link) = &content.image {
            ("image", media(link))
        } else if let Some(link) = &content.audio {
            ("audio", media(link))
        } else if let Some(link) = &content.video {
            ("video", media(link))
        } else if let Some(link) = &content.document {
            ("document", media(link))
        } else {
            ("template", self.template())
        };
        json!({ "messaging_product": "whatsapp", "to": self.to, "type": kind, (kind): value })
    }

    fn template(&self) -> Value {
        let values: Vec<_> = self.parameters.iter().map(|text| json!({ "type": "text", "text": text })).collect();
        let components = if values.is_empty() { json!([]) } else { json!([{ "type": "body", "parameters": values }]) };
        json!({ "name": self.content.template, "language": { "code": self.language }, "components": components })
    }
}

/// The key that a first run on this machine made.
fn first_key(context: &Context) -> Result<String, CliError> {
    let path = context.load()?.config.server.data_dir.join(format!("{DEV_ACCOUNT}.key"));
    let key = std::fs::read_to_string(&path);
    let key = key.context("give the account's key with --key or SABIR_KEY; there is no key of a first run here")?;
    Ok(key.trim().to_owned())
}
