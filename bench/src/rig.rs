//! What stands on the machine during a run, and how one round is measured.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tempfile::TempDir;

use crate::database::{self, Database, Rows};
use crate::gateway::{Abilities, Gateway, Program};
use crate::load::{Load, Tally, Target};
use crate::message::{Body, Dialect, Kind};
use crate::nginx::Nginx;
use crate::plan::Plan;
use crate::process;

/// Between rounds: what was answered before it was written is written by then and counts to its round.
const SETTLING: Duration = Duration::from_millis(100);

/// How long what was told may take to be on the record.
const HEARING: Duration = Duration::from_secs(60);

/// The servers that every section needs.
pub struct Rig {
    /// The provider.
    pub mock: Nginx,
    /// What the gateway is compared with.
    pub proxy: Nginx,
    /// The gateway's program.
    pub program: Program,
    /// How much of everything.
    pub plan: Plan,
    /// What the program can do.
    pub abilities: Abilities,
    /// Where filled stores are kept, where they are.
    filled: Option<PathBuf>,
    started: Instant,
    postgres: u32,
    // Dropped last: the servers stop before their folder goes.
    room: TempDir,
}

/// What is measured beside others.
pub struct Subject {
    /// Its name in the figures.
    pub name: String,
    /// Where its messages go.
    pub target: Target,
    /// The gateway, where one stands in between.
    pub gateway: Option<u32>,
}

/// What a round found.
pub struct Round {
    /// The answers.
    pub tally: Tally,
    /// CPU in microseconds for each answer.
    pub cpu: Cpu,
}

/// CPU by process: seconds so far, or microseconds a message.
#[derive(Clone, Copy)]
pub struct Cpu {
    /// The gateway.
    pub gateway: f64,
    /// All processes of the Postgres server.
    pub postgres: f64,
    /// The mock upstream and the bare proxy.
    pub nginx: f64,
    /// The load generator.
    pub load: f64,
}

impl Rig {
    /// Starts the servers.
    pub fn start(program: Program, plan: Plan, picture: &Path, filled: Option<PathBuf>) -> Result<Self> {
        let room = tempfile::Builder::new().prefix("sabir-bench.").tempdir()?;
        let mock = Nginx::mock(room.path(), picture)?;
        let proxy = Nginx::proxy(room.path(), mock.address)?;
        let abilities = program.abilities(room.path(), &mock)?;
        let (started, postgres) = (Instant::now(), database::server()?);
        Ok(Self { mock, proxy, program, plan, abilities, filled, started, postgres, room })
    }

    /// Shows how far the run is.
    pub fn progress(&self, text: &str) {
        eprintln!("{:>5} s  {text}", self.started.elapsed().as_secs());
    }

    /// Where the run keeps its files.
    pub fn room(&self) -> PathBuf {
        self.room.path().to_owned()
    }

    /// A gateway on a fresh database of each kind, named after the section.
    pub fn gateways(&self, section: &str) -> Result<[(&'static str, Gateway); 2]> {
        self.gateways_of(&self.program, section)
    }

    /// The same of another program.
    pub fn gateways_of(&self, program: &Program, section: &str) -> Result<[(&'static str, Gateway); 2]> {
        self.on(program, section, Database::sqlite(self.room.path(), section), Database::postgres(section)?)
    }

    /// Gateways on the stores that are to be filled, or are from an earlier run.
    pub fn filled(&self) -> Result<[(&'static str, Gateway); 2]> {
        let folder = self.filled.as_deref().unwrap_or(self.room.path());
        self.on(&self.program, "filled", Database::sqlite(folder, "filled"), Database::postgres_or_new("filled")?)
    }

    fn on(
        &self,
        program: &Program,
        name: &str,
        sqlite: Database,
        postgres: Database,
    ) -> Result<[(&'static str, Gateway); 2]> {
        Ok([
            ("sqlite", self.gateway_of(program, &format!("{name}-sqlite"), sqlite)?),
            ("postgres", self.gateway_of(program, &format!("{name}-postgres"), postgres)?),
        ])
    }

    /// A gateway on that database.
    pub fn gateway(&self, name: &str, database: Database) -> Result<Gateway> {
        self.gateway_of(&self.program, name, database)
    }

    /// The same of another program.
    pub fn gateway_of(&self, program: &Program, name: &str, database: Database) -> Result<Gateway> {
        Gateway::start(program, self.room.path(), name, database, &self.mock)
    }

    /// Straight to the mock upstream, with what the gateway would send.
    pub fn direct(&self) -> Subject {
        self.bare("direct", self.mock.address)
    }

    /// Through nginx.
    pub fn proxied(&self) -> Subject {
        self.bare("nginx", self.proxy.address)
    }

    fn bare(&self, name: &str, address: SocketAddr) -> Subject {
        let body = Body::new(Dialect::Cloud, Kind::Text, "");
        let path = Dialect::Cloud.path().to_owned();
        Subject { name: name.to_owned(), target: Target { address, path, key: "any".to_owned(), body }, gateway: None }
    }

    /// Through a gateway: a text of an account, in the upstream's own dialect.
    pub fn through(&self, name: &str, gateway: &Gateway, account: &str) -> Subject {
        self.message(name, gateway, account, Dialect::Cloud, Kind::Text)
    }

    /// The same with any message.
    pub fn message(&self, name: &str, gateway: &Gateway, account: &str, dialect: Dialect, kind: Kind) -> Subject {
        let target = gateway.target(account, dialect, kind, &self.mock);
        Subject { name: name.to_owned(), target, gateway: Some(gateway.process.id()) }
    }

    /// One round. The first answer that is no success ends the run where nothing succeeds: its figures would say nothing.
    pub fn measure(&self, subject: &Subject, load: Load, time: Duration) -> Result<Round> {
        let before = self.cpu(subject);
        let tally = load.run(&subject.target, time)?;
        std::thread::sleep(SETTLING);
        let cpu = self.cpu(subject).since(before).per(tally.answers);
        if tally.answers == 0 {
            bail!("{}: nothing succeeded: {}", subject.name, tally.first_error.unwrap_or_default());
        }
        Ok(Round { tally, cpu })
    }

    /// Compares answers with the record of the gateway that gave them.
    pub fn check(&self, gateway: &Gateway, ids: &[String]) -> Result<Rows> {
        gateway.database.check(self.room.path(), ids, "sent")
    }

    /// Waits until all of these are on the record as read, and says how many are not when it has waited long enough.
    pub fn unread(&self, gateway: &Gateway, ids: &[String]) -> Result<u64> {
        let started = Instant::now();
        loop {
            let rows = gateway.database.check(self.room.path(), ids, "read")?;
            if rows.missing == 0 || started.elapsed() > HEARING {
                return Ok(rows.missing);
            }
            std::thread::sleep(SETTLING);
        }
    }

    fn cpu(&self, subject: &Subject) -> Cpu {
        Cpu {
            gateway: subject.gateway.map_or(0.0, process::cpu),
            postgres: process::cpu(self.postgres),
            nginx: process::cpu(self.mock.process.id()) + process::cpu(self.proxy.process.id()),
            load: process::own_cpu(),
        }
    }
}

impl Cpu {
    fn since(self, before: Self) -> Self {
        Self {
            gateway: self.gateway - before.gateway,
            postgres: self.postgres - before.postgres,
            nginx: self.nginx - before.nginx,
            load: self.load - before.load,
        }
    }

    fn per(self, messages: u64) -> Self {
        let of = |seconds: f64| seconds * 1e6 / messages.max(1) as f64;
        Self { gateway: of(self.gateway), postgres: of(self.postgres), nginx: of(self.nginx), load: of(self.load) }
    }
}
