//! The figures: how they are named, printed, written and held against what was promised.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// One figure.
pub struct Figure {
    /// What was measured together.
    pub section: &'static str,
    /// Of what.
    pub subject: String,
    /// The quantity, with its unit.
    pub measure: String,
    /// The median of the rounds.
    pub value: f64,
    /// The rounds, in their order.
    pub rounds: Vec<f64>,
}

/// What a figure has to be.
pub struct Promise {
    /// What it is about.
    pub text: &'static str,
    section: &'static str,
    subject: &'static str,
    measure: &'static str,
    floor: f64,
    aim: f64,
    /// Whether more is better.
    rises: bool,
}

const fn promise(text: &'static str, place: [&'static str; 3], (floor, aim): (f64, f64), rises: bool) -> Promise {
    let [section, subject, measure] = place;
    Promise { text, section, subject, measure, floor, aim, rises }
}

/// What is promised of two cores with everything on one machine: at least, and aimed at.
const PROMISES: &[Promise] = &[
    promise("durable, Postgres, against bare nginx", ["saturation", "postgres", "x nginx"], (0.25, 0.5), true),
    promise("durable, SQLite, against bare nginx", ["saturation", "sqlite", "x nginx"], (0.25, 0.5), true),
    promise("CPU of the gateway a message, Postgres", ["saturation", "postgres", "gateway µs"], (90.0, 45.0), false),
    promise("CPU of the gateway a message, SQLite", ["saturation", "sqlite", "gateway µs"], (90.0, 45.0), false),
    promise("added p50 at 1,000/s, Postgres", ["latency", "postgres", "added p50 ms"], (1.5, 0.7), false),
    promise("added p99 at 1,000/s, Postgres", ["latency", "postgres", "added p99 ms"], (5.0, 2.0), false),
    promise("added p50 at 1,000/s, SQLite", ["latency", "sqlite", "added p50 ms"], (1.5, 0.7), false),
    promise("added p99 at 1,000/s, SQLite", ["latency", "sqlite", "added p99 ms"], (5.0, 2.0), false),
    promise("memory, idle", ["latency", "postgres", "idle MiB"], (25.0, 12.0), false),
    promise("memory at 1,000/s, Postgres", ["latency", "postgres", "loaded MiB"], (64.0, 32.0), false),
    promise("memory at 1,000/s, SQLite", ["latency", "sqlite", "loaded MiB"], (64.0, 32.0), false),
    promise("filled store against empty, Postgres", ["growth", "postgres, filled", "x empty"], (0.85, 0.97), true),
    promise("filled store against empty, SQLite", ["growth", "sqlite, filled", "x empty"], (0.85, 0.97), true),
    promise("1 million queued against empty", ["growth", "postgres, queued", "x empty"], (0.85, 0.97), true),
    promise("two gateways on one Postgres", ["instances", "two", "x one"], (1.7, 1.95), true),
    promise("program, stripped", ["program", "sabir", "MB"], (30.0, 15.0), false),
];

impl Promise {
    fn verdict(&self, value: f64) -> &'static str {
        let is_within = |limit: f64| if self.rises { value >= limit } else { value <= limit };
        match (is_within(self.floor), is_within(self.aim)) {
            (_, true) => "aim",
            (true, false) => "holds",
            (false, false) => "SHORT",
        }
    }
}

/// All that a run found.
#[derive(Default)]
pub struct Report {
    /// The machine, the versions, the date.
    pub facts: Map<String, Value>,
    /// The figures, in the order in which they came.
    pub figures: Vec<Figure>,
    /// What was left out, and why; what went wrong.
    pub notes: Vec<String>,
}

impl Report {
    /// Adds a figure of several rounds.
    pub fn add(&mut self, section: &'static str, subject: &str, measure: &str, rounds: Vec<f64>) {
        let value = median(&rounds);
        let (subject, measure) = (subject.to_owned(), measure.to_owned());
        self.figures.push(Figure { section, subject, measure, value, rounds });
    }

    /// A figure's value.
    pub fn value(&self, section: &str, subject: &str, measure: &str) -> Option<f64> {
        let is_it =
            |figure: &&Figure| (figure.section, &*figure.subject, &*figure.measure) == (section, subject, measure);
        self.figures.iter().find(is_it).map(|figure| figure.value)
    }

    /// Whether every answer has its row.
    pub fn is_complete(&self) -> bool {
        self.figures.iter().filter(|figure| figure.measure == "rows missing").all(|figure| figure.value == 0.0)
    }

    /// Tables: one for each section, then what was promised.
    pub fn tables(&self) -> String {
        let mut text = String::new();
        for section in distinct(self.figures.iter().map(|figure| figure.section)) {
            let _ = writeln!(text, "\n{section}\n{}", table(&self.rows_of(section)));
        }
        let _ = writeln!(text, "\nagainst what is promised\n{}", table(&self.promises()));
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }

    /// A row for each subject, a column for each measure.
    fn rows_of(&self, section: &str) -> Vec<Vec<String>> {
        let figures: Vec<_> = self.figures.iter().filter(|figure| figure.section == section).collect();
        let measures = distinct(figures.iter().map(|figure| &*figure.measure));
        let head = [""].into_iter().chain(measures.iter().copied()).map(str::to_owned).collect();
        let row = |subject: &str| {
            let value = |measure: &&str| self.value(section, subject, measure).map(number).unwrap_or_default();
            [subject.to_owned()].into_iter().chain(measures.iter().map(value)).collect()
        };
        [head].into_iter().chain(distinct(figures.iter().map(|figure| &*figure.subject)).into_iter().map(row)).collect()
    }

    fn promises(&self) -> Vec<Vec<String>> {
        let head = ["", "measured", "at least", "aim", ""].map(str::to_owned).to_vec();
        let row = |promise: &Promise| {
            let value = self.value(promise.section, promise.subject, promise.measure)?;
            let numbers = [number(value), number(promise.floor), number(promise.aim)];
            let text = [promise.text.to_owned()].into_iter().chain(numbers);
            Some(text.chain([promise.verdict(value).to_owned()]).collect())
        };
        [head].into_iter().chain(PROMISES.iter().filter_map(row)).collect()
    }

    /// Everything, the rounds included, each figure with the command that gives it.
    pub fn json(&self) -> Value {
        let figure = |figure: &Figure| {
            json!({
                "section": figure.section,
                "subject": figure.subject,
                "measure": figure.measure,
                "median": figure.value,
                "rounds": figure.rounds,
                "command": format!("scripts/bench --only {}", figure.section),
            })
        };
        let figures: Vec<_> = self.figures.iter().map(figure).collect();
        let mut report = self.facts.clone();
        report.insert("figures".to_owned(), figures.into());
        report.insert("notes".to_owned(), self.notes.clone().into());
        Value::Object(report)
    }
}

/// The middle one, or between the two in the middle. Of nothing it is zero.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |at: usize| sorted.get(at).copied().unwrap_or_default();
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => at(length / 2),
        length => f64::midpoint(at(length / 2 - 1), at(length / 2)),
    }
}

/// With as many decimals as say something.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => grouped(value),
        size if size >= 100.0 || value == value.trunc() && size >= 10.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Each once, in the order of their first.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Columns in their widths, the first to the left and numbers to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let cell = |row: &Vec<String>, at: usize| row.get(at).cloned().unwrap_or_default();
    let width = |at: usize| rows.iter().map(|row| cell(row, at).chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = widths.iter().enumerate().map(|(at, width)| match at {
            0 => format!("{:<width$}", cell(row, at)),
            _ => format!("{:>width$}", cell(row, at)),
        });
        format!("  {}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
