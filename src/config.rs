//! Composes each module's options: loads, checks, and reports every fault at once.
//!
//! Order: the compiled-in `config/default.toml`, then a file, then the environment. Each section and each entry of a
//! list is read by itself and checked as far as it could be read, so that one fault never hides another.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::Path;

use config::{Environment, File, FileFormat, Source, Value, ValueKind};
use serde::de::DeserializeOwned;

use crate::delivery::{self, AccountConfig, RouteConfig, callbacks};
use crate::upstream::{self, Provider};
use crate::{media, net, store, telemetry, web};

mod check;
mod place;
mod unknown;
mod words;

pub use place::Place;
pub use words::meaning;
use words::{plain, unparsed};

/// The options where nothing else is said.
pub const DEFAULT: &str = include_str!("../config/default.toml");

/// What the origin of an option says that comes from the environment.
const ENVIRONMENT: &str = "the environment";

/// The whole configuration.
#[derive(Debug)]
pub struct Config {
    /// The server.
    pub server: web::Config,
    /// The store.
    pub store: store::Config,
    /// The admin API.
    pub admin: web::AdminConfig,
    /// Calls to providers.
    pub net: net::Config,
    /// Files behind links.
    pub media: media::Config,
    /// Queue, retries and what is promised of them.
    pub delivery: delivery::Config,
    /// Callbacks.
    pub callbacks: callbacks::Config,
    /// The simulated provider.
    pub sandbox: upstream::SandboxConfig,
    /// Logs.
    pub log: telemetry::Config,
    /// Traces.
    pub telemetry: telemetry::TracesConfig,
    /// Providers by name.
    pub providers: BTreeMap<String, Provider>,
    /// Who calls us.
    pub accounts: Vec<AccountConfig>,
    /// Whom we call.
    pub upstreams: Vec<upstream::Config>,
    /// Which way.
    pub routes: Vec<RouteConfig>,
}

/// A configuration that can be run, and what should be known about it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Options that have no effect.
    pub warnings: Vec<Problem>,
}

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key: `accounts[0].dialect`.
    pub key: String,
    /// What is wrong with it, and the remedy.
    pub text: String,
    /// The file, or the environment.
    pub origin: Option<String>,
    /// Where in the file.
    pub place: Option<Place>,
}

/// Every fault of a configuration.
#[derive(Debug, Default, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.text)?;
        match (&self.origin, &self.place) {
            (Some(origin), Some(place)) => write!(f, " (in {origin}:{})", place.line),
            (Some(origin), None) => write!(f, " (in {origin})"),
            (None, _) => Ok(()),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl Problem {
    fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { key: key.into(), text: text.into(), origin: None, place: None }
    }
}

/// Loads the configuration from the default, a file and the environment.
///
/// # Errors
/// Every fault that was found.
pub fn load(file: Option<&Path>) -> Result<Loaded, Problems> {
    let environment = Environment::with_prefix("SABIR").prefix_separator("__").separator("__");
    let text = file.and_then(|path| std::fs::read_to_string(path).ok());
    load_from(file.map(|path| File::from(path).format(FileFormat::Toml)), text.as_deref(), environment)
}

/// Loads the configuration from a text instead of a file and environment, for tests and tools.
///
/// # Errors
/// Every fault that was found.
pub fn load_text(text: &str) -> Result<Loaded, Problems> {
    let nothing = Environment::with_prefix("SABIR").source(Some(Default::default()));
    load_from(Some(File::from_str(text, FileFormat::Toml)), None, nothing)
}

/// The text of the file is given where the places of its faults are to be found.
fn load_from<S>(file: Option<S>, text: Option<&str>, environment: Environment) -> Result<Loaded, Problems>
where
    S: Source + Send + Sync + 'static,
{
    let mut builder = ::config::Config::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
    if let Some(file) = file {
        builder = builder.add_source(file);
    }
    let merged = builder.add_source(environment).build();
    let merged = merged.and_then(|config| config.collect());
    let sections = merged.map_err(|error| Problems(vec![unparsed(error)]))?;
    let as_read: Vec<_> = sections.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut reader = Reader { sections: sections.into_iter().collect(), ..Reader::default() };
    let draft = reader.draft();
    check::check(&draft, &mut reader.problems);
    first_of_each_key(&mut reader.problems);
    check::advise(&draft, &mut reader.warnings);
    place::locate(&mut reader.problems, &as_read, text);
    place::locate(&mut reader.warnings, &as_read, text);
    // In the order of the file, as it is mended.
    reader.problems.sort_by_key(|problem| problem.place.as_ref().map(|place| place.line));
    match draft.finish().filter(|_| reader.problems.is_empty()) {
        Some(config) => Ok(Loaded { config, warnings: reader.warnings }),
        None => Err(Problems(reader.problems)),
    }
}

/// What is said second of a key follows from the first: it was taken out, and so is missing.
fn first_of_each_key(problems: &mut Vec<Problem>) {
    let mut seen = HashSet::new();
    problems.retain(|problem| seen.insert(problem.key.clone()));
}

/// What could be read, with each entry's place in its list: the checks run on it even where something else is wrong.
struct Draft {
    server: Option<web::Config>,
    store: Option<store::Config>,
    admin: Option<web::AdminConfig>,
    net: Option<net::Config>,
    media: Option<media::Config>,
    delivery: Option<delivery::Config>,
    callbacks: Option<callbacks::Config>,
    sandbox: Option<upstream::SandboxConfig>,
    log: Option<telemetry::Config>,
    telemetry: Option<telemetry::TracesConfig>,
    providers: BTreeMap<String, Provider>,
    accounts: Vec<(usize, AccountConfig)>,
    upstreams: Vec<(usize, upstream::Config)>,
    routes: Vec<(usize, RouteConfig)>,
    /// Whether the list of upstreams is whole, so that a name that is not in it is a fault.
    upstreams_are_whole: bool,
}

impl Draft {
    fn finish(self) -> Option<Config> {
        Some(Config {
            server: self.server?,
            store: self.store?,
            admin: self.admin?,
            net: self.net?,
            media: self.media?,
            delivery: self.delivery?,
            callbacks: self.callbacks?,
            sandbox: self.sandbox?,
            log: self.log?,
            telemetry: self.telemetry?,
            providers: self.providers,
            accounts: entries(self.accounts),
            upstreams: entries(self.upstreams),
            routes: entries(self.routes),
        })
    }
}

fn entries<T>(list: Vec<(usize, T)>) -> Vec<T> {
    list.into_iter().map(|(_, entry)| entry).collect()
}

/// Reads sections one by one and gathers what is wrong.
#[derive(Default)]
struct Reader {
    sections: BTreeMap<String, Value>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reader {
    fn draft(&mut self) -> Draft {
        let given = self.length("upstreams");
        let upstreams = self.list("upstreams");
        let upstreams_are_whole = upstreams.len() == given;
        let draft = Draft {
            server: self.section("server"),
            store: self.section("store"),
            admin: self.section("admin"),
            net: self.section("net"),
            media: self.media(),
            delivery: self.section("delivery"),
            callbacks: self.section("callbacks"),
            sandbox: self.section("sandbox"),
            log: self.section("log"),
            telemetry: self.section("telemetry"),
            providers: self.providers(),
            accounts: self.list("accounts"),
            upstreams,
            routes: self.list("routes"),
            upstreams_are_whole,
        };
        for (name, value) in std::mem::take(&mut self.sections) {
            self.problem(&value, &name, unknown::describe(&name, &unknown::sections()));
        }
        draft
    }

    fn section<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.taken(name);
        self.read(name, value)
    }

    /// A section that is not there is empty.
    fn taken(&mut self, name: &str) -> Value {
        self.sections.remove(name).unwrap_or_else(|| Value::from(HashMap::<String, Value>::new()))
    }

    /// One section, of which each part of the module reads its own.
    fn media(&mut self) -> Option<media::Config> {
        let value = self.taken("media");
        self.unknown_keys("media", &value);
        let check = self.parse("media", value.clone());
        let links = self.parse("media", value.clone());
        let repair = self.parse("media", value.clone());
        let inbound = self.parse("media", value);
        Some(media::Config { check: check?, links: links?, repair: repair?, inbound: inbound? })
    }

    fn providers(&mut self) -> BTreeMap<String, Provider> {
        let Some(Value { kind: ValueKind::Table(providers), .. }) = self.sections.remove("providers") else {
            return BTreeMap::new();
        };
        let read = |(name, value): (String, Value)| {
            let provider = self.read(&format!("providers.{name}"), value);
            provider.map(|provider| (name, provider))
        };
        providers.into_iter().filter_map(read).collect()
    }

    /// How many entries a list has.
    fn length(&self, name: &str) -> usize {
        match self.sections.get(name).map(|value| &value.kind) {
            Some(ValueKind::Array(entries)) => entries.len(),
            // Whatever else it is, it is no list of which anything is known.
            Some(_) => usize::MAX,
            None => 0,
        }
    }

    fn list<T: DeserializeOwned>(&mut self, name: &str) -> Vec<(usize, T)> {
        let Some(value) = self.sections.remove(name) else { return Vec::new() };
        let ValueKind::Array(entries) = value.kind else {
            self.problem(&value, name, format!("is no list of tables; write [[{name}]]"));
            return Vec::new();
        };
        let entries = entries.into_iter().enumerate();
        entries.filter_map(|(at, entry)| Some((at, self.read(&format!("{name}[{at}]"), entry)?))).collect()
    }

    /// Reads one section or entry; each unknown key is reported, and the first wrong value, with its key.
    fn read<T: DeserializeOwned>(&mut self, path: &str, value: Value) -> Option<T> {
        self.unknown_keys(path, &value);
        self.parse(path, value)
    }

    /// A wrong value is reported and its default put in its place, so that it hides neither the next one nor what is
    /// checked later.
    fn parse<T: DeserializeOwned>(&mut self, path: &str, mut value: Value) -> Option<T> {
        let mut mended = Vec::new();
        loop {
            let error = match serde_path_to_error::deserialize(value.clone()) {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let key = error.path().to_string();
            let name = key.split(['.', '[']).next().unwrap_or_default().to_owned();
            // What is missing now may have been taken out just before.
            if key == "." && mended.is_empty() {
                self.problem(&value, path, plain(error.inner()));
            } else if key != "." && !mended.contains(&name) {
                self.problem(&value, &format!("{path}.{key}"), plain(error.inner()));
            }
            if mended.contains(&name) || !mend(&mut value, path, &name) {
                return None;
            }
            mended.push(name);
        }
    }

    fn unknown_keys(&mut self, path: &str, section: &Value) {
        let ValueKind::Table(entries) = &section.kind else { return };
        let known = unknown::known_keys(path);
        for (name, value) in entries.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            self.problem(value, &format!("{path}.{name}"), unknown::describe(name, known));
        }
    }

    fn problem(&mut self, value: &Value, key: &str, text: String) {
        self.problems.push(Problem { origin: origin(value), ..Problem::new(key, text) });
    }
}

/// Puts a key's default in the place of its value, or takes it out where it has none. Whether it was there.
fn mend(section: &mut Value, path: &str, name: &str) -> bool {
    let ValueKind::Table(entries) = &mut section.kind else { return false };
    if entries.remove(name).is_none() {
        return false;
    }
    let default = ::config::Config::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml)).build();
    if let Some(value) = default.ok().and_then(|default| default.get::<Value>(&format!("{path}.{name}")).ok()) {
        entries.insert(name.to_owned(), value);
    }
    true
}

/// The file that a value stands in; of a table, that of its first entry.
fn origin(value: &Value) -> Option<String> {
    let inner = || match &value.kind {
        ValueKind::Table(entries) => entries.values().find_map(origin),
        _ => None,
    };
    value.origin().map(str::to_owned).or_else(inner)
}
