//! What is measured: each section puts its figures into the report.
//!
//! Subjects take turns within a round, and a figure is the median of the rounds, so that a noisy minute of the machine
//! falls on all alike. Ratios are taken within a round.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::database::Database;
use crate::gateway::{Gateway, Program, QUEUED, QUEUED_SLOW, QUEUED_STUCK, hook};
use crate::load::Load;
use crate::message::{Dialect, Kind};
use crate::plan::{CONNECTIONS, Plan, RATE, TOLD_RATE};
use crate::process;
use crate::report::Report;
use crate::rig::{Rig, Round, Subject};
use crate::webhooks::{self, Told};

const CLOUD: &str = "cloud";

/// Why a case was left out.
const CANNOT_QUEUE: &str =
    "accounts.mode or upstreams.rate has no effect in this version: not all that is queued was measured";

/// Messages a second with every connection busy, and what they cost.
pub fn saturation(rig: &Rig, report: &mut Report) -> Result<()> {
    let gateways = rig.gateways("saturation")?;
    let mut subjects = vec![rig.direct(), rig.proxied()];
    subjects.extend(gateways.iter().map(|(name, gateway)| rig.through(name, gateway, CLOUD)));
    let rounds = take_turns(rig, "saturation", &subjects, Load::Saturate(CONNECTIONS), rig.plan.saturation)?;
    let nginx = rounds.get(1).map(Vec::as_slice).unwrap_or_default();
    for (subject, own) in subjects.iter().zip(&rounds) {
        add_rates(report, "saturation", &subject.name, own);
        report.add("saturation", &subject.name, "x nginx", ratios(own, nginx));
        add_cpu(report, "saturation", subject, own);
    }
    for ((name, gateway), own) in gateways.iter().zip(rounds.iter().skip(2)) {
        add_rows(rig, report, "saturation", name, gateway, own)?;
    }
    Ok(())
}

/// What the gateway adds at a rate that leaves the machine mostly idle.
pub fn latency(rig: &Rig, report: &mut Report) -> Result<()> {
    let gateways = rig.gateways("latency")?;
    let mut idle = Vec::new();
    for (_, gateway) in &gateways {
        idle.push(process::resident(gateway.process.id())?);
    }
    let mut subjects = vec![rig.direct(), rig.proxied()];
    subjects.extend(gateways.iter().map(|(name, gateway)| rig.through(name, gateway, CLOUD)));
    let rounds = take_turns(rig, "latency", &subjects, Load::Pace(RATE), rig.plan.latency)?;
    let direct = rounds.first().map(Vec::as_slice).unwrap_or_default();
    for (subject, own) in subjects.iter().zip(&rounds) {
        add_latency(report, &subject.name, own, direct);
        add_cpu(report, "latency", subject, own);
    }
    for (((name, gateway), own), idle) in gateways.iter().zip(rounds.iter().skip(2)).zip(idle) {
        report.add("latency", name, "idle MiB", vec![idle]);
        report.add("latency", name, "loaded MiB", vec![process::most_resident(gateway.process.id())?]);
        add_rows(rig, report, "latency", name, gateway, own)?;
    }
    Ok(())
}

/// Other messages and other dialects, against a text in the upstream's own.
pub fn kinds(rig: &Rig, report: &mut Report) -> Result<()> {
    let [_, (_, gateway)] = rig.gateways("kinds")?;
    let subject = |(dialect, kind): &(Dialect, Kind)| {
        let name = format!("{} to cloud, {}", dialect.name(), kind.name());
        rig.message(&name, &gateway, dialect.name(), *dialect, *kind)
    };
    let subjects: Vec<_> = KINDS.iter().map(subject).collect();
    let rounds = take_turns(rig, "kinds", &subjects, Load::Saturate(CONNECTIONS), rig.plan.kind)?;
    let text = rounds.first().map(Vec::as_slice).unwrap_or_default();
    for (subject, own) in subjects.iter().zip(&rounds) {
        add_rates(report, "kinds", &subject.name, own);
        report.add("kinds", &subject.name, "x text", ratios(own, text));
        add_cpu(report, "kinds", subject, own);
        add_rows(rig, report, "kinds", &subject.name, &gateway, own)?;
    }
    Ok(())
}

const KINDS: &[(Dialect, Kind)] = &[
    (Dialect::Cloud, Kind::Text),
    (Dialect::Cloud, Kind::Template),
    (Dialect::Cloud, Kind::ImageByLink),
    (Dialect::Cloud, Kind::ImageById),
    (Dialect::Aisoule, Kind::Text),
    (Dialect::Aisoule, Kind::Template),
    (Dialect::OnPremises, Kind::Text),
    (Dialect::OnPremises, Kind::Template),
];

/// What it costs to seal bodies: the same messages in turns to a gateway that has a key of the store, and to one that has none.
pub fn sealing(rig: &Rig, report: &mut Report) -> Result<()> {
    let store = format!("encryption_keys = ['{}']", "5e".repeat(32));
    let program = Program { store, ..rig.program.clone() };
    let room = rig.room();
    let clear = rig.gateway("clear", Database::sqlite(&room, "clear"))?;
    let sealed = rig.gateway_of(&program, "sealed", Database::sqlite(&room, "sealed"))?;
    let subjects = [rig.through("in the clear", &clear, CLOUD), rig.through("sealed", &sealed, CLOUD)];
    let rounds = take_turns(rig, "sealing", &subjects, Load::Saturate(CONNECTIONS), rig.plan.saturation)?;
    for (subject, own) in subjects.iter().zip(&rounds) {
        add_rates(report, "sealing", &subject.name, own);
        add_cpu(report, "sealing", subject, own);
    }
    Ok(())
}

/// Another program and this one in turns, each on a store of its own, and nginx: what a change is worth.
pub fn against(other: &Program, rig: &Rig, report: &mut Report) -> Result<()> {
    let (others, own) = (rig.gateways_of(other, "other")?, rig.gateways("own")?);
    let mut subjects = vec![rig.proxied()];
    for ((name, other), (_, own)) in others.iter().zip(&own) {
        subjects.push(rig.through(&format!("{name}, other"), other, CLOUD));
        subjects.push(rig.through(&format!("{name}, own"), own, CLOUD));
    }
    let Plan { turns, turn, .. } = rig.plan;
    let rounds = take_rounds(rig, "against", &subjects, Load::Saturate(CONNECTIONS), turns, turn)?;
    let nginx = rounds.first().map(Vec::as_slice).unwrap_or_default();
    for (subject, own) in subjects.iter().zip(&rounds) {
        add_rates(report, "against", &subject.name, own);
        report.add("against", &subject.name, "x nginx", ratios(own, nginx));
        add_cpu(report, "against", subject, own);
    }
    let pairs = rounds.get(1..).unwrap_or_default().chunks(2).zip(&own);
    for (pair, (name, _)) in pairs {
        let [other, own] = pair else { continue };
        let subject = format!("{name}, own");
        let cpu = own.iter().zip(other).map(|(own, other)| own.cpu.gateway / other.cpu.gateway).collect();
        report.add("against", &subject, "x other", ratios(own, other));
        report.add("against", &subject, "gateway x other", cpu);
    }
    Ok(())
}

/// Answered as soon as recorded: how fast they are taken, and how fast all of it is done.
pub fn queued(rig: &Rig, report: &mut Report) -> Result<()> {
    if !rig.abilities.queues {
        return skip(rig, report);
    }
    let gateways = rig.gateways("queued")?;
    let mut subjects = vec![rig.proxied()];
    subjects.extend(gateways.iter().map(|(name, gateway)| rig.through(name, gateway, QUEUED)));
    let rounds = take_turns(rig, "queued", &subjects, Load::Saturate(CONNECTIONS), rig.plan.saturation)?;
    let nginx = rounds.first().map(Vec::as_slice).unwrap_or_default();
    for (subject, own) in subjects.iter().zip(&rounds) {
        add_rates(report, "queued", &subject.name, own);
        report.add("queued", &subject.name, "x nginx", ratios(own, nginx));
        add_cpu(report, "queued", subject, own);
    }
    for ((name, gateway), own) in gateways.iter().zip(rounds.iter().skip(1)) {
        add_rows(rig, report, "queued", name, gateway, own)?;
    }
    Ok(())
}

/// Webhooks with what becomes of messages, three times as many as messages, while those are being sent.
pub fn webhooks(rig: &Rig, report: &mut Report) -> Result<()> {
    for (name, gateway) in rig.gateways("webhooks")? {
        let (target, hook) = (rig.through(name, &gateway, CLOUD).target, hook(&gateway));
        webhooks::tell(&target, &hook, TOLD_RATE, rig.plan.latency / 4)?;
        let mut rounds = Vec::new();
        for round in 0..rig.plan.rounds {
            let told = webhooks::tell(&target, &hook, TOLD_RATE, rig.plan.latency)?;
            let text = format!("{name}: {:.0}/s, p99 {:.2} ms", told.webhooks.rate(), told.webhooks.quantile(0.99));
            progress("webhooks", (round, rig.plan.rounds), rig, &text);
            rounds.push(told);
        }
        let mut add = |measure: &str, value: fn(&Told) -> f64| {
            report.add("webhooks", name, measure, rounds.iter().map(value).collect());
        };
        add("webhooks/s", |told| told.webhooks.rate());
        add("webhook p50 ms", |told| told.webhooks.quantile(0.5));
        add("webhook p99 ms", |told| told.webhooks.quantile(0.99));
        add("messages/s", |told| told.sends.rate());
        add("message p50 ms", |told| told.sends.quantile(0.5));
        add("message p99 ms", |told| told.sends.quantile(0.99));
        let ids: Vec<_> = rounds.iter().flat_map(|told| told.sends.transactions.clone()).collect();
        let errors = rounds.iter().map(|told| told.sends.errors + told.webhooks.errors).sum::<u64>();
        let answers = rounds.iter().map(|told| told.webhooks.answers).sum::<u64>();
        report.add("webhooks", name, "answers", vec![answers as f64]);
        report.add("webhooks", name, "errors", vec![errors as f64]);
        // Read is what the last status of each message says.
        report.add("webhooks", name, "rows missing", vec![rig.unread(&gateway, &ids)? as f64]);
        let mut failed = rounds.iter().flat_map(|told| [&told.sends, &told.webhooks]);
        if let Some(error) = failed.find_map(|tally| tally.first_error.as_deref()) {
            report.notes.push(format!("webhooks, {name}: the first error was: {error}"));
        }
    }
    Ok(())
}

/// Whether a second gateway on the same Postgres doubles what a slow upstream allows.
pub fn instances(rig: &Rig, report: &mut Report) -> Result<()> {
    if !rig.abilities.queues {
        return skip(rig, report);
    }
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..rig.plan.rounds {
        for (count, rates) in (1..).zip(&mut rates) {
            rates.push(drain(rig, count, round)?);
            let text = format!("{count}: {:.0}/s", rates.last().copied().unwrap_or_default());
            progress("instances", (round, rig.plan.rounds), rig, &text);
        }
    }
    let [one, two] = rates;
    let ratio = two.iter().zip(&one).map(|(two, one)| two / one).collect();
    report.add("instances", "one", "messages/s", one);
    report.add("instances", "two", "messages/s", two);
    report.add("instances", "two", "x one", ratio);
    Ok(())
}

/// Messages a second that so many gateways send to the slow upstream once nothing new comes in. What they send was
/// taken by each of them for an equal part of a round.
fn drain(rig: &Rig, count: u32, round: usize) -> Result<f64> {
    let database = Database::postgres(&format!("drain_{count}_{round}"))?;
    let mut gateways = Vec::new();
    for at in 0..count {
        gateways.push(rig.gateway(&format!("drain-{count}-{round}-{at}"), database.clone())?);
    }
    for gateway in &gateways {
        let subject = rig.through("drain", gateway, QUEUED_SLOW);
        rig.measure(&subject, Load::Saturate(CONNECTIONS), rig.plan.saturation / count)?;
    }
    let (started, open) = (Instant::now(), database.open()?);
    database.wait_until_done()?;
    Ok(open as f64 / started.elapsed().as_secs_f64())
}

/// A store that holds much already, against an empty one on the same machine at the same time.
pub fn growth(rig: &Rig, report: &mut Report) -> Result<()> {
    let (empty, filled) = (rig.gateways("empty")?, rig.filled()?);
    for (name, gateway) in &filled {
        let done = |done| rig.progress(&format!("growth: {name} holds {done} transactions"));
        gateway.database.fill(rig.plan.rows, done)?;
    }
    for ((name, empty), (_, filled)) in empty.iter().zip(&filled) {
        let names = [format!("{name}, empty"), format!("{name}, filled")];
        let [first, second] = &names;
        let subjects = [rig.through(first, empty, CLOUD), rig.through(second, filled, CLOUD)];
        compare(rig, report, "growth", &subjects)?;
    }
    report.notes.push(format!("growth: the filled stores held {} transactions", rig.plan.rows));
    queue_growth(rig, report)
}

/// The same with messages that wait in the queue, for an upstream that takes one a second.
fn queue_growth(rig: &Rig, report: &mut Report) -> Result<()> {
    if !rig.abilities.queues || !rig.abilities.paces {
        return skip(rig, report);
    }
    let [empty, full] = ["waiting_none", "waiting_many"].map(Database::postgres);
    let (empty, full) = (rig.gateway("waiting-none", empty?)?, rig.gateway("waiting-many", full?)?);
    let waiting = rig.through("waiting", &full, QUEUED_STUCK);
    let mut queued = 0;
    while queued < rig.plan.queued {
        queued += rig.measure(&waiting, Load::Saturate(CONNECTIONS), rig.plan.saturation)?.tally.answers;
        rig.progress(&format!("growth: {queued} messages are queued"));
    }
    report.notes.push(format!("growth: {queued} messages were queued"));
    let subjects = [rig.through("postgres, none queued", &empty, CLOUD), rig.through("postgres, queued", &full, CLOUD)];
    compare(rig, report, "growth", &subjects)
}

fn compare(rig: &Rig, report: &mut Report, section: &'static str, subjects: &[Subject]) -> Result<()> {
    let rounds = take_turns(rig, section, subjects, Load::Saturate(CONNECTIONS), rig.plan.saturation)?;
    let empty = rounds.first().map(Vec::as_slice).unwrap_or_default();
    for (subject, own) in subjects.iter().zip(&rounds) {
        add_rates(report, section, &subject.name, own);
        report.add(section, &subject.name, "x empty", ratios(own, empty));
        add_cpu(report, section, subject, own);
    }
    Ok(())
}

fn skip(rig: &Rig, report: &mut Report) -> Result<()> {
    rig.progress(&format!("skipped: {CANNOT_QUEUE}"));
    if !report.notes.iter().any(|note| note == CANNOT_QUEUE) {
        report.notes.push(CANNOT_QUEUE.to_owned());
    }
    Ok(())
}

/// Each subject's rounds, as many as is usual.
fn take_turns(rig: &Rig, section: &str, subjects: &[Subject], load: Load, time: Duration) -> Result<Vec<Vec<Round>>> {
    take_rounds(rig, section, subjects, load, rig.plan.rounds, time)
}

/// Each subject's rounds. A short one before them warms up and is not counted.
fn take_rounds(
    rig: &Rig,
    section: &str,
    subjects: &[Subject],
    load: Load,
    count: usize,
    time: Duration,
) -> Result<Vec<Vec<Round>>> {
    for subject in subjects {
        rig.measure(subject, load, time / 4)?;
    }
    let mut rounds: Vec<_> = subjects.iter().map(|_| Vec::new()).collect();
    for round in 0..count {
        for (subject, rounds) in subjects.iter().zip(&mut rounds) {
            let measured = rig.measure(subject, load, time)?;
            let (rate, p99) = (measured.tally.rate(), measured.tally.quantile(0.99));
            let text = format!("{}: {rate:.0}/s, p99 {p99:.2} ms", subject.name);
            progress(section, (round, count), rig, &text);
            rounds.push(measured);
        }
    }
    ensure!(rounds.iter().all(|rounds| !rounds.is_empty()), "{section}: there are no rounds");
    Ok(rounds)
}

fn progress(section: &str, (round, count): (usize, usize), rig: &Rig, text: &str) {
    rig.progress(&format!("{section} {}/{count}: {text}", round + 1));
}

fn each(rounds: &[Round], value: impl Fn(&Round) -> f64) -> Vec<f64> {
    rounds.iter().map(value).collect()
}

/// The rates of one against those of another in the same rounds.
fn ratios(rounds: &[Round], others: &[Round]) -> Vec<f64> {
    rounds.iter().zip(others).map(|(own, other)| own.tally.rate() / other.tally.rate()).collect()
}

fn add_rates(report: &mut Report, section: &'static str, name: &str, rounds: &[Round]) {
    report.add(section, name, "messages/s", each(rounds, |round| round.tally.rate()));
}

fn add_latency(report: &mut Report, name: &str, rounds: &[Round], direct: &[Round]) {
    for (measure, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        report.add("latency", name, &format!("{measure} ms"), each(rounds, |round| round.tally.quantile(quantile)));
    }
    for (measure, quantile) in [("added p50 ms", 0.5), ("added p99 ms", 0.99), ("added p99.9 ms", 0.999)] {
        let added = |(own, direct): (&Round, &Round)| own.tally.quantile(quantile) - direct.tally.quantile(quantile);
        report.add("latency", name, measure, rounds.iter().zip(direct).map(added).collect());
    }
}

fn add_cpu(report: &mut Report, section: &'static str, subject: &Subject, rounds: &[Round]) {
    if subject.gateway.is_some() {
        report.add(section, &subject.name, "gateway µs", each(rounds, |round| round.cpu.gateway));
        report.add(section, &subject.name, "Postgres µs", each(rounds, |round| round.cpu.postgres));
    }
    report.add(section, &subject.name, "nginx µs", each(rounds, |round| round.cpu.nginx));
    report.add(section, &subject.name, "load µs", each(rounds, |round| round.cpu.load));
}

/// Every answer has its row, once all that was answered is done, or the run has failed.
fn add_rows(
    rig: &Rig,
    report: &mut Report,
    section: &'static str,
    name: &str,
    gateway: &Gateway,
    rounds: &[Round],
) -> Result<()> {
    let ids: Vec<_> = rounds.iter().flat_map(|round| round.tally.transactions.clone()).collect();
    gateway.database.wait_until_done()?;
    let rows = rig.check(gateway, &ids)?;
    let answers: u64 = rounds.iter().map(|round| round.tally.answers).sum();
    let errors: u64 = rounds.iter().map(|round| round.tally.errors).sum();
    report.add(section, name, "answers", vec![answers as f64]);
    report.add(section, name, "errors", vec![errors as f64]);
    // An answer that names no transaction counts as one without a row.
    report.add(section, name, "rows missing", vec![(answers - rows.answered + rows.missing) as f64]);
    if let Some(error) = rounds.iter().find_map(|round| round.tally.first_error.as_deref()) {
        report.notes.push(format!("{section}, {name}: the first error was: {error}"));
    }
    Ok(())
}
