//! The stores of the gateways that are measured: what is put in before and looked up after.
//!
//! With the databases' own programs and not with a library, so that a check of the rows shares no code with what wrote
//! them.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process::fed;

/// Set by `scripts/with-postgres`.
const SERVER: &str = "SABIR_TEST_POSTGRES";

/// Rows of one statement of a filling.
const CHUNK: u64 = 100_000;

/// Writes whose way to the disk is timed, and their size.
const SYNCS: usize = 50;
const PAGE: usize = 8192;

/// Where transactions stand: one that was made at once says so by its outcome.
const STANDING: &str = "(select id, account, case when state <> 'at_once' then state \
    when exists (select 1 from outcomes where transaction_id = id) then 'sent' else 'sending' end as state from transactions) t";

/// How long work that was accepted may take to be done.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where a gateway keeps its record.
#[derive(Clone)]
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// A database of that name on the throw-away server.
    Postgres(String),
}

/// What became of the transactions that were answered.
#[derive(Clone, Copy, Default)]
pub struct Rows {
    /// Answers that named a transaction.
    pub answered: u64,
    /// Of those, the ones that are not on the record as they should be.
    pub missing: u64,
}

impl Database {
    /// A fresh database.
    pub fn postgres(name: &str) -> Result<Self> {
        let name = format!("bench_{name}");
        psql("postgres", &format!("create database {name};"))?;
        Ok(Self::Postgres(name))
    }

    /// A database that may be there from an earlier run.
    pub fn postgres_or_new(name: &str) -> Result<Self> {
        let known = psql("postgres", &format!("select count(*) from pg_database where datname = 'bench_{name}';"))?;
        if last_number(&known)? > 0 { Ok(Self::Postgres(format!("bench_{name}"))) } else { Self::postgres(name) }
    }

    /// A fresh file.
    pub fn sqlite(room: &Path, name: &str) -> Self {
        Self::Sqlite(room.join(format!("{name}.db")))
    }

    /// The address for `store.url`.
    pub fn url(&self) -> Result<String> {
        match self {
            Self::Sqlite(path) => Ok(format!("sqlite://{}", path.display())),
            Self::Postgres(name) => address(name),
        }
    }

    /// Compares the ids that answers gave with the record, where their transactions are to stand in a state.
    pub fn check(&self, room: &Path, ids: &[String], state: &str) -> Result<Rows> {
        let path = room.join("answered");
        fs::write(&path, ids.join("\n") + "\n")?;
        let file = path.display();
        let missing = match self {
            Self::Sqlite(_) => self.run(&format!(
                "create temp table answered (id text);\n.import {file} answered\n\
                 select count(*) from answered where replace(id, '-', '') not in \
                 (select lower(hex(id)) from {STANDING} where state = '{state}' and account <> 'filled');"
            )),
            Self::Postgres(_) => self.run(&format!(
                "create temp table answered (id uuid);\n\\copy answered from '{file}'\n\
                 select count(*) from answered a left join {STANDING} using (id) \
                 where t.state is distinct from '{state}';"
            )),
        };
        Ok(Rows { answered: ids.len() as u64, missing: last_number(&missing?)? })
    }

    /// Waits until all that was accepted is done.
    pub fn wait_until_done(&self) -> Result<()> {
        let started = Instant::now();
        if let Self::Postgres(name) = self {
            wait_for_jobs(name, started)?;
        }
        while self.open()? > 0 {
            pause(started)?;
        }
        Ok(())
    }

    /// Transactions that are accepted and not done yet.
    pub fn open(&self) -> Result<u64> {
        let open = format!("select count(*) from {STANDING} where state in ('accepted', 'sending', 'waiting');");
        last_number(&self.run(&open)?)
    }

    /// Sees to it that there are so many transactions that were sent earlier, then tidies as the database would by itself
    /// in time.
    pub fn fill(&self, rows: u64, mut progress: impl FnMut(u64)) -> Result<()> {
        let statements = match self {
            Self::Sqlite(_) => include_str!("../fill/sqlite.sql"),
            Self::Postgres(_) => include_str!("../fill/postgres.sql"),
        };
        let mut done = last_number(&self.run("select count(*) from transactions where account = 'filled';")?)?;
        if done >= rows {
            return Ok(());
        }
        while done < rows {
            let until = (done + CHUNK).min(rows);
            let chunk = statements.replace(":first", &(done + 1).to_string()).replace(":last", &until.to_string());
            self.run(&chunk.replace(":rows", &rows.to_string()))?;
            done = until;
            progress(done);
        }
        match self {
            Self::Sqlite(_) => self.run("analyze; pragma wal_checkpoint(truncate);"),
            Self::Postgres(_) => self.run("vacuum (freeze, analyze);\ncheckpoint;"),
        }
        .map(drop)
    }

    fn run(&self, statements: &str) -> Result<String> {
        match self {
            Self::Sqlite(path) => sqlite(path, statements),
            Self::Postgres(name) => psql(name, statements),
        }
    }
}

/// The process of the throw-away server.
pub fn server() -> Result<u32> {
    let folder = folder()?;
    let text = fs::read_to_string(folder.join("data/postmaster.pid"))
        .with_context(|| format!("the server in {SERVER} is not the throw-away one of scripts/with-postgres"))?;
    Ok(text.lines().next().unwrap_or_default().trim().parse()?)
}

/// The version of the server.
pub fn version() -> Result<String> {
    psql("postgres", "show server_version;")
}

/// The options of the server that say what a commit is worth.
pub fn durability() -> Result<String> {
    let ask = "select string_agg(name || '=' || setting, ' ' order by name) from pg_settings \
               where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'shared_buffers', 'max_wal_size');";
    psql("postgres", ask)
}

/// How long a small write takes to be on the disk that the databases lie on: the median of some, in milliseconds. Over
/// what is in the file already, as databases write their logs. Where it takes no time no figure says anything of durability.
pub fn sync_time(room: &Path) -> Result<f64> {
    let path = room.join("sync");
    fs::write(&path, vec![7; SYNCS * PAGE])?;
    let mut file = fs::OpenOptions::new().write(true).open(&path)?;
    file.sync_all()?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        file.write_all(&[8; PAGE])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok((crate::report::median(&times) * 1000.0).round() / 1000.0)
}

fn folder() -> Result<PathBuf> {
    let server = env::var(SERVER).with_context(|| format!("{SERVER} is not set: run scripts/bench"))?;
    let (_, folder) = server.split_once("host=").with_context(|| format!("{SERVER} names no socket"))?;
    Ok(folder.into())
}

fn address(name: &str) -> Result<String> {
    let server = env::var(SERVER).with_context(|| format!("{SERVER} is not set: run scripts/bench"))?;
    Ok(server.replacen("/postgres?", &format!("/{name}?"), 1))
}

/// Waits until there are no jobs. One client asks all the time: a new one ten times a second would take a quarter of the
/// processors from what is measured, and a single statement that waits would keep what was deleted meanwhile from going.
fn wait_for_jobs(name: &str, started: Instant) -> Result<()> {
    let mut client = client(name)?;
    let mut client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (Some(mut questions), Some(answers)) = (client.stdin.take(), client.stdout.take()) else {
        bail!("psql has neither input nor output");
    };
    let mut answers = BufReader::new(answers).lines();
    loop {
        writeln!(questions, "select exists (select from jobs);")?;
        match answers.next().transpose()?.as_deref() {
            Some("t") => pause(started)?,
            Some("f") => break,
            answer => bail!("psql says of jobs: {answer:?}"),
        }
    }
    drop(questions);
    client.wait()?;
    Ok(())
}

/// Before it is asked again whether all is done.
fn pause(started: Instant) -> Result<()> {
    if started.elapsed() > PATIENCE {
        bail!("transactions are still open {} s after they were accepted", PATIENCE.as_secs());
    }
    std::thread::sleep(Duration::from_millis(100));
    Ok(())
}

fn psql(name: &str, statements: &str) -> Result<String> {
    fed(&mut client(name)?, statements)
}

fn client(name: &str) -> Result<Command> {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
    command.arg("--dbname").arg(address(name)?);
    Ok(command)
}

fn sqlite(path: &Path, statements: &str) -> Result<String> {
    let mut command = Command::new("sqlite3");
    fed(command.args(["-batch", "-bail", "-cmd", ".timeout 60000"]).arg(path), statements)
}

fn last_number(text: &str) -> Result<u64> {
    let number = text.lines().last().unwrap_or_default().trim();
    number.parse().with_context(|| format!("no number: {text}"))
}
