//! Measures the gateway beside what it is compared with, in one run on one machine. `scripts/bench` builds it, starts
//! the Postgres server and runs it; `docs/benchmarks.md` says what the figures mean.

mod chart;
mod database;
mod gateway;
mod instructions;
mod load;
mod message;
mod nginx;
mod plan;
mod process;
mod report;
mod rig;
mod sections;
mod webhooks;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::format_description;

use gateway::Program;
use plan::Plan;
use report::Report;
use rig::Rig;

/// Measures the gateway beside nginx, on throw-away stores.
#[derive(Parser)]
#[command(bin_name = "scripts/bench")]
struct Options {
    /// Fewer and shorter rounds and a smaller store: under a minute, for a look
    #[arg(long)]
    quick: bool,
    /// Transactions in the filled store [default: 1000000; 50000 with --quick]
    #[arg(long)]
    rows: Option<u64>,
    /// Ten million of them
    #[arg(long, conflicts_with = "rows")]
    full: bool,
    /// Where filled stores are kept between runs: filled where they are not there yet, and used again. That in Postgres
    /// lies on the server that SABIR_TEST_POSTGRES names, whose folder is then to be kept as well
    #[arg(long, value_name = "FOLDER")]
    filled: Option<PathBuf>,
    /// Only these sections, with commas between
    #[arg(long, value_delimiter = ',')]
    only: Vec<Section>,
    /// Counts instructions with callgrind, and measures nothing else
    #[arg(long, conflicts_with = "only")]
    instructions: bool,
    /// Keeps the figures: as JSON below bench/results, as tables and chart in docs/benchmarks.md
    #[arg(long)]
    keep: bool,
    /// Another program to take turns with, such as the one before a change, and nothing else
    #[arg(long, value_name = "OTHER", conflicts_with_all = ["only", "instructions"])]
    against: Option<PathBuf>,
    /// The program to measure, instead of the one that is built
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// The project
    #[arg(long, hide = true, default_value = ".")]
    root: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    Saturation,
    Latency,
    Kinds,
    Queued,
    Webhooks,
    Instances,
    Growth,
    Instructions,
    Sealing,
}

impl Section {
    /// What runs where nothing else is said; counting takes long and needs valgrind, and sealing is asked about by itself.
    const USUAL: [Self; 7] =
        [Self::Saturation, Self::Latency, Self::Kinds, Self::Queued, Self::Webhooks, Self::Instances, Self::Growth];

    fn run(self, rig: &Rig, report: &mut Report) -> Result<()> {
        match self {
            Self::Saturation => sections::saturation(rig, report),
            Self::Latency => sections::latency(rig, report),
            Self::Kinds => sections::kinds(rig, report),
            Self::Queued => sections::queued(rig, report),
            Self::Webhooks => sections::webhooks(rig, report),
            Self::Instances => sections::instances(rig, report),
            Self::Growth => sections::growth(rig, report),
            Self::Instructions => instructions::instructions(rig, report),
            Self::Sealing => sections::sealing(rig, report),
        }
    }
}

impl Options {
    fn plan(&self) -> Plan {
        let rows = if self.full { Some(10_000_000) } else { self.rows };
        if self.quick { Plan::quick(rows.unwrap_or(50_000)) } else { Plan::usual(rows.unwrap_or(1_000_000)) }
    }

    /// The options that say how much, as they were given.
    fn flags(&self) -> String {
        let quick = if self.quick { " --quick" } else { "" };
        let rows = match (self.full, self.rows) {
            (true, _) => " --full".to_owned(),
            (_, Some(rows)) => format!(" --rows {rows}"),
            _ => String::new(),
        };
        format!("{quick}{rows}")
    }

    fn sections(&self) -> Vec<Section> {
        match (self.instructions, self.only.is_empty()) {
            (true, _) => vec![Section::Instructions],
            (_, true) => Section::USUAL.to_vec(),
            _ => self.only.clone(),
        }
    }
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let root = options.root.canonicalize()?;
    let path = options.gateway.clone().unwrap_or_else(|| root.join("target/dist/sabir"));
    let program = program_at(&path)?;
    let mut report = Report { flags: options.flags(), ..Report::default() };
    report.add("program", "sabir", "MB", vec![program.size()?]);
    let picture = root.join("tests/fixtures/media/valid/image_rgb_640x480.jpg");
    let rig = Rig::start(program, options.plan(), &picture, options.filled.clone())?;
    describe(&rig, &root, &mut report)?;
    match &options.against {
        Some(other) => sections::against(&program_at(other)?, &rig, &mut report)?,
        None => options.sections().into_iter().try_for_each(|section| section.run(&rig, &mut report))?,
    }
    println!("{}", report.tables());
    write(&report, &root, options.keep)?;
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn program_at(path: &Path) -> Result<Program> {
    let path = path.canonicalize().with_context(|| format!("there is no program {}", path.display()))?;
    Ok(Program { path, under: Vec::new(), store: String::new() })
}

/// The load of a machine that does nothing else.
const QUIET: f64 = 0.5;

/// Where and with what it was measured: figures of two machines say nothing of each other.
fn describe(rig: &Rig, root: &Path, report: &mut Report) -> Result<()> {
    let date = OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC"))?;
    let commit = said(Command::new("git").arg("-C").arg(root).args(["describe", "--always", "--dirty", "--abbrev=12"]));
    let busy: f64 = read("/proc/loadavg").split(' ').next().unwrap_or_default().parse()?;
    if busy > QUIET {
        report.notes.push(format!("the machine was busy with other things when this began (load {busy})"));
    }
    let command: Vec<_> = std::env::args().skip(1).collect();
    let facts = [
        ("date", date.into()),
        ("command", format!("scripts/bench {}", shown(&command)).trim().into()),
        ("commit", commit.into()),
        ("sabir", rig.program.version()?.into()),
        ("processor", processor().into()),
        ("cores", std::thread::available_parallelism()?.get().into()),
        ("load before", busy.into()),
        ("memory", line_of("/proc/meminfo", "MemTotal:").into()),
        ("kernel", read("/proc/sys/kernel/osrelease").into()),
        ("disk sync ms", database::sync_time(&rig.room())?.into()),
        ("nginx", said(Command::new("sh").args(["-c", "PATH=$PATH:/usr/sbin nginx -v 2>&1"])).into()),
        ("postgres", database::version()?.into()),
        ("postgres options", database::durability()?.into()),
        ("sqlite options", "journal_mode=wal synchronous=full".into()),
    ];
    for (name, value) in facts {
        let value: Value = value;
        eprintln!("{name}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        report.facts.insert(name.to_owned(), value);
    }
    Ok(())
}

/// The arguments but those that say where things lie here.
fn shown(arguments: &[String]) -> String {
    let mut shown = Vec::new();
    let mut left = arguments.iter();
    while let Some(argument) = left.next() {
        match argument.as_str() {
            "--root" | "--gateway" | "--filled" => drop(left.next()),
            "--against" => {
                left.next();
                shown.push("--against OTHER");
            }
            argument => shown.push(argument),
        }
    }
    shown.join(" ")
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let model = text.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.trim().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn line_of(path: &str, name: &str) -> String {
    read(path).lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
}

/// What a command prints, or nothing where it is not there.
fn said(command: &mut Command) -> String {
    process::output(command).unwrap_or_default()
}

/// The last run's figures lie below `target`; those that are kept are part of the project.
fn write(report: &Report, root: &Path, keep: bool) -> Result<()> {
    let (json, chart) = (format!("{:#}\n", report.json()), chart::draw(report));
    let folder = root.join("target/bench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("report.json"), &json)?;
    fs::write(folder.join("chart.svg"), &chart)?;
    eprintln!("written: target/bench/report.json, target/bench/chart.svg");
    if keep { self::keep(report, root, &json, &chart) } else { Ok(()) }
}

/// A run of some sections changes only their tables.
fn keep(report: &Report, root: &Path, json: &str, chart: &str) -> Result<()> {
    let name = OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day]-[hour][minute]"))?;
    fs::write(root.join("bench/results").join(format!("{name}.json")), json)?;
    let page = root.join("docs/benchmarks.md");
    fs::write(&page, report.write_into(&fs::read_to_string(&page)?))?;
    if report.value("saturation", "nginx", "messages/s").is_some() {
        fs::write(root.join("docs/benchmarks.svg"), chart)?;
    }
    eprintln!("kept: bench/results/{name}.json, docs/benchmarks.md, docs/benchmarks.svg");
    Ok(())
}
