//! Instructions a message, counted by callgrind: the figure that no other process on the machine disturbs.
//!
//! Only what the program itself does in user space is counted, and the program runs some fifty times slower: with one
//! connection each message is committed alone; with many they share commits.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::database::Database;
use crate::gateway::{Gateway, Program};
use crate::load::Load;
use crate::process::output;
use crate::report::Report;
use crate::rig::Rig;

/// Connections at once: alone, and enough to share commits. More would run into the time limits of the gateway.
const CONNECTIONS: [usize; 2] = [1, 16];

/// Counts for both stores.
pub fn instructions(rig: &Rig, report: &mut Report) -> Result<()> {
    count(rig, report, "sqlite", Database::sqlite(&rig.room(), "instructions"))?;
    count(rig, report, "postgres", Database::postgres("instructions")?)
}

fn count(rig: &Rig, report: &mut Report, name: &str, database: Database) -> Result<()> {
    let dumps = rig.room().join(format!("callgrind-{name}"));
    let under = ["valgrind", "--quiet", "--tool=callgrind", &format!("--callgrind-out-file={}", dumps.display())];
    let program = Program { under: under.map(str::to_owned).to_vec(), ..rig.program.clone() };
    let gateway = Gateway::start(&program, &rig.room(), &format!("callgrind-{name}-home"), database, &rig.mock)?;
    let subject = rig.through(name, &gateway, "cloud");
    for (dump, connections) in (1..).zip(CONNECTIONS) {
        rig.measure(&subject, Load::Saturate(connections), rig.plan.instructions / 4)?;
        control(&gateway, "--zero")?;
        let round = rig.measure(&subject, Load::Saturate(connections), rig.plan.instructions)?;
        control(&gateway, "--dump")?;
        let total = total(&dumps.with_extension(dump.to_string()))?;
        let each = total / round.tally.answers as f64 / 1000.0;
        rig.progress(&format!("instructions: {name}, {connections} connections: {each:.0} thousand a message"));
        report.add("instructions", name, &format!("{connections} connections, thousands"), vec![each]);
        report.add(
            "instructions",
            name,
            &format!("{connections} connections, answers"),
            vec![round.tally.answers as f64],
        );
        report.add(
            "instructions",
            name,
            &format!("{connections} connections, errors"),
            vec![round.tally.errors as f64],
        );
    }
    Ok(())
}

fn control(gateway: &Gateway, what: &str) -> Result<()> {
    output(Command::new("callgrind_control").arg(what).arg(gateway.process.id().to_string())).map(drop)
}

/// The sum at the end of a dump.
fn total(path: &Path) -> Result<f64> {
    let text = fs::read_to_string(path).with_context(|| format!("no dump {}", path.display()))?;
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    Ok(total.context("the dump has no total")?.trim().parse()?)
}
