//! The gateway: its configuration and its process.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::database::Database;
use crate::load::Target;
use crate::message::{Body, Dialect, Kind};
use crate::nginx::Nginx;
use crate::process::{Process, output};
use crate::webhooks::Hook;

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// The account whose messages are queued.
pub const QUEUED: &str = "queued";
/// The account whose messages are queued for the slow upstream.
pub const QUEUED_SLOW: &str = "queued-slow";
/// The account whose messages are queued for an upstream that takes one a second.
pub const QUEUED_STUCK: &str = "queued-stuck";

/// A running gateway.
pub struct Gateway {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it keeps its record.
    pub database: Database,
}

/// The program that is measured.
#[derive(Clone)]
pub struct Program {
    /// Where it lies.
    pub path: PathBuf,
    /// Put in front of it, with its arguments.
    pub under: Vec<String>,
    /// What is configured of its store beside the address.
    pub store: String,
}

impl Program {
    fn command(&self, config: &Path) -> Command {
        let mut words = self.under.iter().cloned().chain([self.path.display().to_string()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).arg("--config").arg(config);
        command
    }

    /// Its version.
    pub fn version(&self) -> Result<String> {
        output(Command::new(&self.path).arg("--version"))
    }

    /// Its size in megabytes.
    pub fn size(&self) -> Result<f64> {
        Ok(fs::metadata(&self.path)?.len() as f64 / 1e6)
    }

    /// What this version can do, told by the options that it warns of.
    pub fn abilities(&self, room: &Path, upstream: &Nginx) -> Result<Abilities> {
        let path = room.join("check.toml");
        fs::write(&path, configuration(room, &Database::sqlite(room, "check"), &self.store, upstream)?)?;
        let config = path.display().to_string();
        let report = output(Command::new(&self.path).args(["--json", "--config", &config, "check"]))?;
        let report: Value = serde_json::from_str(&report).context("`sabir check --json` prints no JSON")?;
        let warnings = report.get("warnings").and_then(Value::as_array).into_iter().flatten();
        let keys: Vec<_> = warnings.filter_map(|warning| warning.get("key")?.as_str()).collect();
        let can = |option: &str| !keys.iter().any(|key| key.ends_with(option));
        Ok(Abilities { queues: can(".mode"), paces: can(".rate") })
    }
}

/// What only some versions can do.
#[derive(Clone, Copy)]
pub struct Abilities {
    /// Answer before they forward.
    pub queues: bool,
    /// Keep to an upstream's rate.
    pub paces: bool,
}

impl Gateway {
    /// Starts one with its record in that database.
    pub fn start(program: &Program, room: &Path, name: &str, database: Database, upstream: &Nginx) -> Result<Self> {
        let folder = room.join(name);
        fs::create_dir(&folder)?;
        let path = folder.join("gateway.toml");
        fs::write(&path, configuration(&folder, &database, &program.store, upstream)?)?;
        let log = folder.join("log");
        let mut process = Process::start(program.command(&path).arg("serve"), &log)?;
        let address = address(&mut process, &log)?;
        Ok(Self { process, address, database })
    }

    /// A message of an account.
    pub fn target(&self, account: &str, dialect: Dialect, kind: Kind, upstream: &Nginx) -> Target {
        let body = Body::new(dialect, kind, &link(upstream));
        Target { address: self.address, path: dialect.path().to_owned(), key: key(account), body }
    }
}

/// Where the provider of the accounts that are answered at once tells.
pub fn hook(gateway: &Gateway) -> Hook {
    Hook { address: gateway.address, path: "/webhooks/instant".to_owned(), secret: secret("instant") }
}

/// Where the picture lies that image links name.
pub fn link(upstream: &Nginx) -> String {
    format!("http://{}/photo.jpg", upstream.address)
}

fn secret(upstream: &str) -> String {
    format!("secret-of-{upstream}")
}

fn key(account: &str) -> String {
    format!("key-of-{account}")
}

/// Reads it off the first line that the gateway prints.
fn address(process: &mut Process, log: &Path) -> Result<SocketAddr> {
    let started = Instant::now();
    loop {
        let text = fs::read_to_string(log)?;
        let line = text.lines().find_map(|line| line.strip_prefix("Sabir listens on http://"));
        if let Some(address) = line.filter(|_| text.ends_with('\n')) {
            return Ok(address.trim().parse()?);
        }
        if !process.is_running() || started.elapsed() > PATIENCE {
            bail!("the gateway did not start: {text}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// An account for each way of a message; everything that is not said has its default.
fn configuration(folder: &Path, database: &Database, store: &str, upstream: &Nginx) -> Result<String> {
    let (folder, url) = (folder.display(), database.url()?);
    let cloud = Dialect::Cloud;
    Ok([
        format!("server = {{ listen = '127.0.0.1:0', data_dir = '{folder}' }}\n"),
        "net = { allow_private = ['127.0.0.1'] }\n".to_owned(),
        format!("[store]\nurl = '{url}'\n{store}\n"),
        account(cloud.name(), cloud, "instant", "sync"),
        account(Dialect::Aisoule.name(), Dialect::Aisoule, "instant", "sync"),
        account(Dialect::OnPremises.name(), Dialect::OnPremises, "instant", "sync"),
        account(QUEUED, cloud, "instant", "queued"),
        account(QUEUED_SLOW, cloud, "slow", "queued"),
        account(QUEUED_STUCK, cloud, "stuck", "queued"),
        provider("instant", upstream.address),
        // So few that what one gateway sends is limited by them, and not by the processors that all of them share.
        provider("slow", upstream.slow) + "concurrency = 16\n",
        provider("stuck", upstream.address) + "rate = 1\n",
    ]
    .concat())
}

fn account(name: &str, dialect: Dialect, upstream: &str, mode: &str) -> String {
    let (key, dialect) = (key(name), dialect.name());
    format!(
        "[[accounts]]\nname = '{name}'\nkey = '{key}'\ndialect = '{dialect}'\nupstream = '{upstream}'\nmode = '{mode}'\n"
    )
}

fn provider(name: &str, address: SocketAddr) -> String {
    format!(
        "[[upstreams]]\nname = '{name}'\ndialect = 'cloud'\nbase_url = 'http://{address}/v23.0'\ncredential = 'bearer'\n\
         key = 'key-of-{name}'\nsender = '442079460000'\nphone_number_id = '5512000'\ntemplate_namespace = 'acme_ns_91c2'\n\
         webhook_secret = '{secret}'\n",
        secret = secret(name),
    )
}
