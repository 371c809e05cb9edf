//! `sabir translate`

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::terms::{Named, dialects};
use super::{CliError, Context, print, print_json, style};
use crate::dialect::{self, Decoded, Losses, SENDER, Target};
use crate::model::Fault;

/// A request and the dialects to translate between.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  sabir translate --from aisoule --to cloud request.json
  echo '{\"to\":\"447700900123\",\"type\":\"text\",\"text\":{\"body\":\"Hi\"}}' | sabir translate --from aisoule --to cloud")]
pub struct Arguments {
    /// The dialect that the request is in.
    #[arg(long, value_parser = dialects(), value_name = "DIALECT")]
    from: Named,
    /// The dialect to say it in.
    #[arg(long, value_parser = dialects(), value_name = "DIALECT")]
    to: Named,
    /// Refuse what cannot be said, as an account with losses = "refuse" would.
    #[arg(long)]
    strict: bool,
    /// The sender's number that the upstream would have.
    #[arg(long, default_value = SENDER, value_name = "NUMBER")]
    sender: String,
    /// The namespace that templates would have.
    #[arg(long, default_value = "namespace", value_name = "NAME")]
    template_namespace: String,
    /// The file with the request; standard input where it is left out.
    file: Option<PathBuf>,
}

pub fn translate(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    let text = read(arguments.file.as_ref())?;
    let body: Value = serde_json::from_str(&text).context("the request is no valid JSON")?;
    let translated = translated(arguments, body).map_err(|fault| CliError::Negative(fault.detail))?;
    let Decoded { value: request, warnings } = translated;
    let body: Value = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
    if context.json {
        let losses: Vec<_> = warnings.iter().collect();
        return print_json(&json!({
            "method": request.method().as_str(), "path": request.uri().path(), "body": body, "losses": losses,
        }));
    }
    print(format_args!("{} {}", request.method(), request.uri().path()))?;
    print_json(&body)?;
    for warning in &warnings {
        print(format_args!("{}: {}", style::doubtful("lost"), warning.text))?;
    }
    Ok(())
}

fn translated(arguments: &Arguments, body: Value) -> Result<Decoded<http::Request<bytes::Bytes>>, Fault> {
    let (from, to) = (arguments.from.0, arguments.to.0);
    let losses = if arguments.strict { Losses::Refuse } else { Losses::Warn };
    let target = Target {
        sender: Some(&arguments.sender),
        template_namespace: Some(&arguments.template_namespace),
        ..Target::default()
    };
    dialect::say(&dialect::understand(from, body)?, (from, to), losses, &target)
}

fn read(file: Option<&PathBuf>) -> Result<String, CliError> {
    let Some(path) = file else {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    };
    Ok(std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?)
}
