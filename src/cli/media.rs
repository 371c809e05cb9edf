//! `sabir media check`

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;

use super::terms::{Named, dialects, one_of};
use super::{CliError, Context, print, print_json, style};
use crate::clock::SystemClock;
use crate::dialect;
use crate::media::check::{self, Finding, Inspection, Inspector, Question, Report, Route, Verdict, Weight};
use crate::media::links::{Ask, LinkFault, Links, Redirects, Seen};
use crate::model::MediaKind;

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
    /// Tell whether WhatsApp will take a file or what is behind a link, and why not; exits 1 where it is refused.
    #[command(after_help = EXAMPLES)]
    Check(Arguments),
}

/// A file, and how it would be sent.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The file, or the link to it; - for standard input.
    #[arg(value_name = "FILE|URL")]
    file: String,
    /// As what it is sent; what its format suggests, where left out.
    #[arg(long = "as", value_parser = one_of(MediaKind::ALL.map(MediaKind::as_str), MediaKind::named), value_name = "KIND")]
    kind: Option<MediaKind>,
    /// The dialect of the client that sends it.
    #[arg(long, value_parser = dialects(), default_value = dialect::reference().name())]
    dialect: Named,
    /// Whether the gateway uploads it, or passes a link on.
    #[arg(long, value_parser = one_of(["upload", "link"], route), default_value = "upload")]
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

fn route(name: &str) -> Option<Route> {
    match name {
        "upload" => Some(Route::Upload),
        "link" => Some(Route::Link),
        _ => None,
    }
}

pub fn run(command: &Command, context: &Context) -> Result<(), CliError> {
    let Command::Check(arguments) = command;
    let (inspection, report) = if arguments.file.contains("://") {
        match look(arguments, context)? {
            Ok(seen) => arguments.judge(&seen.inspection, Some(seen.declared()), seen.findings.clone()),
            // Who asks here may know what a client may not.
            Err(fault) => (None, Report::of(Finding::new(fault.code, fault.text))),
        }
    } else {
        arguments.judge(&Arc::new(inspect(&arguments.file)?), None, Vec::new())
    };
    if context.json {
        print_json(&as_json(inspection.as_deref(), &report))?;
    } else {
        tell(inspection.as_deref(), &report, arguments)?;
    }
    match report.verdict {
        Verdict::Reject => Err(CliError::Negative("the file would not be sent".to_owned())),
        Verdict::Accept | Verdict::Warn => Ok(()),
    }
}

impl Arguments {
    fn question(&self, kind: MediaKind) -> Question<'_> {
        Question {
            route: self.route,
            content_type: self.content_type.as_deref(),
            filename: self.filename.as_deref(),
            voice: self.voice,
            ..Question::new(kind, self.dialect.0.media_promise())
        }
    }

    fn kind_of(&self, inspection: &Inspection) -> MediaKind {
        self.kind.unwrap_or_else(|| check::suggested(inspection))
    }

    /// Holds a file against the rules, with what is known of its link.
    fn judge(
        &self,
        inspection: &Arc<Inspection>,
        declared: Option<&str>,
        of_link: Vec<Finding>,
    ) -> (Option<Arc<Inspection>>, Report) {
        let question = self.question(self.kind_of(inspection));
        let question = Question { content_type: question.content_type.or(declared), ..question };
        (Some(Arc::clone(inspection)), check::check(inspection, &question).with(of_link))
    }
}

/// Looks at what is behind a link, as the gateway does with this configuration.
fn look(arguments: &Arguments, context: &Context) -> Result<Result<Seen, LinkFault>, CliError> {
    let config = context.load()?.config;
    // Of what a type suggests nothing is known yet; documents may be the largest.
    let kind = arguments.kind.unwrap_or(MediaKind::Document);
    let question = arguments.question(kind);
    let follows = question.promise.redirects && arguments.route == Route::Upload;
    let ask = Ask {
        account: "",
        url: &arguments.file,
        kind,
        credentials: None,
        redirects: if follows { Redirects::Follow } else { Redirects::Refuse },
        max_bytes: check::max_bytes(&question),
        route: arguments.route,
    };
    // Nothing is written: a preflight keeps no bytes.
    let folder = std::env::temp_dir().join(format!("sabir-{}", std::process::id()));
    let links = Links::open(&config.media.links, &config.net.allow_private, &folder, Arc::new(SystemClock));
    let seen = super::runtime()?.block_on(links.map_err(anyhow::Error::from)?.preflight(&ask));
    std::fs::remove_dir(&folder)?;
    Ok(seen)
}

fn inspect(path: &str) -> Result<Inspection, CliError> {
    let mut inspector = Inspector::new();
    let mut buffer = vec![0; BUFFER];
    let mut file: Box<dyn std::io::Read> = match path {
        "-" => Box::new(std::io::stdin()),
        _ => {
            let file = File::open(Path::new(path)).with_context(|| format!("cannot open {path}"));
            Box::new(file.map_err(CliError::Unreachable)?)
        }
    };
    loop {
        let read = file.read(&mut buffer).with_context(|| format!("cannot read {path}"))?;
        match buffer.get(..read) {
            None | Some([]) => return Ok(inspector.finish()),
            Some(bytes) => inspector.push(bytes),
        }
    }
}

fn as_json(inspection: Option<&Inspection>, report: &Report) -> serde_json::Value {
    let measured = |inspection: &Inspection| {
        let (mime, filename) = (inspection.format.mime(), report.filename.as_deref());
        json!(Measured { inspection, mime, filename })
    };
    json!({
        "verdict": report.verdict,
        "codes": report.codes(|weight| weight > Weight::Note),
        "notes": report.codes(|weight| weight == Weight::Note),
        "findings": report.findings,
        "facts": inspection.map_or_else(|| json!({}), measured),
    })
}

fn tell(inspection: Option<&Inspection>, report: &Report, arguments: &Arguments) -> Result<(), CliError> {
    let verdict = style::verdict(report.verdict);
    match inspection {
        Some(inspection) => {
            let (format, kind) = (report.format.name(), arguments.kind_of(inspection).as_str());
            print(format_args!("{verdict}: {format}, {} bytes, as {kind}", inspection.bytes))?;
        }
        None => print(verdict)?,
    }
    for finding in &report.findings {
        print(format_args!("  {}: {}", finding.code, finding.text))?;
    }
    if let Some(filename) = &report.filename {
        print(format_args!("  sent as {filename}"))?;
    }
    Ok(())
}
