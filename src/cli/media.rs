//! `sabir media check`

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use super::{CliError, Context, print, print_json};
use crate::dialect::{self, Dialect};
use crate::media::check::{self, Facts, Inspection, Inspector, Question, Report, Route, Verdict, Weight};
use crate::model::{MediaFormat, MediaKind};

/// How much is read at once.
const BUFFER: usize = 64 << 10;

pub const EXAMPLES: &str = "Examples:
  sabir media check clip.mp4 --as video
  sabir media check note.ogg --as audio --voice --json
  sabir media check --route link --content-type image/jpeg - < photo.jpg

Exits with 0 where the file is taken, with 1 where it is refused.";

/// What to do with files.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Tell whether WhatsApp will take a file, and why not; exits 1 where it is refused.
    #[command(after_help = EXAMPLES)]
    Check(Arguments),
}

/// A file, and how it would be sent.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The file; - for standard input.
    file: PathBuf,
    /// As what it is sent; what its format suggests, where left out.
    #[arg(long = "as", value_parser = parse_kind, value_name = "KIND")]
    kind: Option<MediaKind>,
    /// The dialect of the client that sends it.
    #[arg(long, value_parser = parse_dialect, default_value = dialect::reference().name())]
    dialect: Name,
    /// Whether the gateway uploads it, or passes a link on.
    #[arg(long, value_parser = parse_route, default_value = "upload", value_name = "upload|link")]
    route: Route,
    /// The type that its sender or its link's server gives.
    #[arg(long, value_name = "MIME")]
    content_type: Option<String>,
    /// The name that the recipient of a document sees.
    #[arg(long, value_name = "NAME")]
    filename: Option<String>,
    /// Audio is shown as a voice message.
    #[arg(long)]
    voice: bool,
}

/// What the file is, and the name that it is sent under.
#[derive(serde::Serialize)]
struct Measured<'a> {
    #[serde(flatten)]
    inspection: &'a Inspection,
    mime: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
}

/// A dialect's name, checked.
#[derive(Clone, Copy)]
struct Name(&'static dyn Dialect);

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

fn parse_dialect(name: &str) -> Result<Name, String> {
    let known: Vec<_> = dialect::all().iter().map(|dialect| dialect.name()).collect();
    dialect::named(name).map(Name).ok_or_else(|| format!("give one of {}", known.join(", ")))
}

fn parse_kind(name: &str) -> Result<MediaKind, String> {
    MediaKind::named(name).ok_or_else(|| format!("give one of {}", MediaKind::ALL.map(MediaKind::as_str).join(", ")))
}

fn parse_route(name: &str) -> Result<Route, String> {
    match name {
        "upload" => Ok(Route::Upload),
        "link" => Ok(Route::Link),
        _ => Err("give upload or link".to_owned()),
    }
}

pub fn run(command: &Command, context: &Context) -> Result<(), CliError> {
    let Command::Check(arguments) = command;
    let inspection = inspect(&arguments.file)?;
    let kind = arguments.kind.unwrap_or_else(|| suggested(&inspection));
    let question = Question {
        route: arguments.route,
        content_type: arguments.content_type.as_deref(),
        filename: arguments.filename.as_deref(),
        voice: arguments.voice,
        ..Question::new(kind, arguments.dialect.0.media_promise())
    };
    let report = check::check(&inspection, &question);
    if context.json {
        print_json(&as_json(&inspection, &report))?;
    } else {
        tell(&inspection, &report, kind)?;
    }
    match report.verdict {
        Verdict::Reject => Err(CliError::Negative("the file would not be sent".to_owned())),
        Verdict::Accept | Verdict::Warn => Ok(()),
    }
}

fn inspect(path: &Path) -> Result<Inspection, CliError> {
    let mut inspector = Inspector::new();
    let mut buffer = vec![0; BUFFER];
    let mut file: Box<dyn std::io::Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(
            File::open(path)
                .with_context(|| format!("cannot open {}", path.display()))
                .map_err(CliError::Unreachable)?,
        ),
    };
    loop {
        let read = file.read(&mut buffer).with_context(|| format!("cannot read {}", path.display()))?;
        match buffer.get(..read) {
            None | Some([]) => return Ok(inspector.finish()),
            Some(bytes) => inspector.push(bytes),
        }
    }
}

/// As what a file of the format is sent if nobody says.
fn suggested(inspection: &Inspection) -> MediaKind {
    match inspection.facts {
        Facts::Sound(_) => MediaKind::Audio,
        Facts::Movie(_) if inspection.format == MediaFormat::M4a => MediaKind::Audio,
        Facts::Movie(_) => MediaKind::Video,
        Facts::Picture(_) if inspection.format == MediaFormat::Webp => MediaKind::Sticker,
        _ => match inspection.format.mime().split_once('/') {
            Some(("image", _)) => MediaKind::Image,
            Some(("video", _)) => MediaKind::Video,
            Some(("audio", _)) => MediaKind::Audio,
            _ => MediaKind::Document,
        },
    }
}

fn as_json(inspection: &Inspection, report: &Report) -> serde_json::Value {
    let facts = Measured { inspection, mime: inspection.format.mime(), filename: report.filename.as_deref() };
    json!({
        "verdict": report.verdict,
        "codes": report.codes(|weight| weight > Weight::Note),
        "notes": report.codes(|weight| weight == Weight::Note),
        "findings": report.findings,
        "facts": facts,
    })
}

fn tell(inspection: &Inspection, report: &Report, kind: MediaKind) -> Result<(), CliError> {
    let verdict = match report.verdict {
        Verdict::Accept => "accept",
        Verdict::Warn => "warn",
        Verdict::Reject => "reject",
    };
    print(format_args!("{verdict}: {}, {} bytes, as {}", report.format.name(), inspection.bytes, kind.as_str()))?;
    for finding in &report.findings {
        print(format_args!("  {}: {}", finding.code, finding.text))?;
    }
    if let Some(filename) = &report.filename {
        print(format_args!("  sent as {filename}"))?;
    }
    Ok(())
}
