//! Processes that are started for a run, and what the kernel says of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Linux counts the time of processes in hundredths of a second, on every architecture.
const TICKS: f64 = 100.0;

/// How long a process may take to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that ends with its owner.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts a command whose output goes to a file.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::create(log)?;
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Self { child: command.spawn().with_context(|| format!("{name} cannot be started"))? })
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end and waits for that. SIGTERM, for which std has no call: nginx takes its workers along.
    pub fn stop(&mut self) {
        if !self.is_running() {
            return;
        }
        let _ = Command::new("kill").arg(self.id().to_string()).status();
        let asked = Instant::now();
        while self.is_running() && asked.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs a command to its end and gives what it printed.
pub fn output(command: &mut Command) -> Result<String> {
    fed(command, "")
}

/// The same for a command that reads this; it prints little before it has read all.
pub fn fed(command: &mut Command, input: &str) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.with_context(|| format!("{name} cannot be started"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Seconds of CPU that a process and its children took so far, those included that have ended.
pub fn cpu(root: u32) -> f64 {
    let children = children();
    let mut left = vec![root];
    let mut seconds = 0.0;
    while let Some(id) = left.pop() {
        seconds += Stat::of(id).map_or(0.0, |stat| stat.seconds() + stat.seconds_of_ended());
        left.extend(children.get(&id).into_iter().flatten());
    }
    seconds
}

/// The same of this process alone.
pub fn own_cpu() -> f64 {
    Stat::of(std::process::id()).map_or(0.0, |stat| stat.seconds())
}

/// Memory of a process that is resident, in MiB.
pub fn resident(id: u32) -> Result<f64> {
    memory(id, "VmRSS:")
}

/// The most that was ever resident.
pub fn most_resident(id: u32) -> Result<f64> {
    memory(id, "VmHWM:")
}

fn memory(id: u32, name: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}

/// Every process's children.
fn children() -> BTreeMap<u32, Vec<u32>> {
    let mut children = BTreeMap::<u32, Vec<u32>>::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for id in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        if let Some(stat) = Stat::of(id) {
            children.entry(stat.parent).or_default().push(id);
        }
    }
    children
}

/// What is read of `/proc/ID/stat`.
struct Stat {
    parent: u32,
    /// Of the process itself, in user and in kernel mode.
    ticks: u64,
    /// Of those of its children that have ended.
    ticks_of_ended: u64,
}

impl Stat {
    /// The fields after the name, which may itself hold blanks and brackets: state, parent, and from the 12th on the
    /// times of the process and of its children that have ended.
    fn of(id: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let fields: Vec<_> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
        let (ticks, ticks_of_ended) = (ticks(11)? + ticks(12)?, ticks(13)? + ticks(14)?);
        Some(Self { parent: fields.get(1)?.parse().ok()?, ticks, ticks_of_ended })
    }

    fn seconds(&self) -> f64 {
        self.ticks as f64 / TICKS
    }

    fn seconds_of_ended(&self) -> f64 {
        self.ticks_of_ended as f64 / TICKS
    }
}
