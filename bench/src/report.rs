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
    promise("answers to webhooks, p99, Postgres", ["webhooks", "postgres", "webhook p99 ms"], (50.0, 10.0), false),
    promise("answers to webhooks, p99, SQLite", ["webhooks", "sqlite", "webhook p99 ms"], (50.0, 10.0), false),
    promise("filled store against empty, Postgres", ["growth", "postgres, filled", "x empty"], (0.85, 0.97), true),
    promise("filled store against empty, SQLite", ["growth", "sqlite, filled", "x empty"], (0.85, 0.97), true),
    promise("queued messages that wait, against none", ["growth", "postgres, queued", "x empty"], (0.85, 0.97), true),
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
    /// The options of the run that say how much is measured.
    pub flags: String,
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
        for (name, rows) in self.blocks() {
            let _ = writeln!(text, "\n{name}\n{}", table(&rows));
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }

    /// Puts the tables into a page, each between its two marks; what has no marks there is left out. What is promised and was
    /// not measured this time stays as an earlier run left it.
    pub fn write_into(&self, page: &str) -> String {
        let put = |page: String, (name, rows): (&str, Vec<Vec<String>>)| {
            let (begin, end) = (format!("<!-- figures: {name} -->\n"), "<!-- end of figures -->");
            let Some((before, rest)) = page.split_once(&begin) else { return page };
            let Some((old, after)) = rest.split_once(end) else { return page };
            let earlier: String = old
                .lines()
                .filter(|line| self.is_unmeasured(line))
                .fold(String::new(), |lines, line| lines + line + "\n");
            format!("{before}{begin}{}\n{earlier}{end}{after}", markdown(&rows))
        };
        let facts = self.facts.iter().map(|(name, value)| vec![name.clone(), plain(value)]);
        let facts = [vec![String::new(), String::new()]].into_iter().chain(facts).collect();
        [("machine", facts)].into_iter().chain(self.blocks()).fold(page.to_owned(), put)
    }

    /// Whether a line of a page tells of a promise that has no figure here.
    fn is_unmeasured(&self, line: &str) -> bool {
        let promise = PROMISES.iter().find(|promise| line.starts_with(&format!("| {} |", promise.text)));
        promise.is_some_and(|promise| self.value(promise.section, promise.subject, promise.measure).is_none())
    }

    /// The tables with their names: those of the sections, and how the figures stand to what is promised.
    fn blocks(&self) -> Vec<(&str, Vec<Vec<String>>)> {
        let sections = distinct(self.figures.iter().map(|figure| figure.section));
        let blocks = sections.into_iter().map(|section| (section, self.rows_of(section)));
        blocks.chain([("promises", self.promises())]).collect()
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

    /// What gives the figures of a section again.
    fn command(&self, section: &str) -> String {
        match section {
            "program" => "scripts/dist && ls -l target/dist/sabir".to_owned(),
            "against" => format!("scripts/bench{} --against OTHER", self.flags),
            section => format!("scripts/bench{} --only {section}", self.flags),
        }
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
                "command": self.command(figure.section),
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

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same table for a page.
fn markdown(rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| format!("| {} |", row.join(" | "));
    let columns = rows.first().map_or(0, Vec::len);
    let rule = format!("|---|{}", "--:|".repeat(columns.saturating_sub(1)));
    let mut lines: Vec<_> = rows.iter().map(line).collect();
    lines.insert(lines.len().min(1), rule);
    lines.join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn numbers_have_the_decimals_that_say_something() {
        let texts = [0.254, 4.0, 17.04, 130.4, 52_949.2, 1_000_000.0].map(number);
        assert_eq!(texts, ["0.25", "4.00", "17.0", "130", "52,949", "1,000,000"]);
    }

    #[test]
    fn a_table_is_put_between_its_marks_and_nowhere_else() {
        let mut report = Report::default();
        report.add("latency", "nginx", "p50 ms", vec![0.5]);
        let page = "a\n<!-- figures: latency -->\nold\n<!-- end of figures -->\nb";
        let table = "|  | p50 ms |\n|---|--:|\n| nginx | 0.50 |";
        let expected = format!("a\n<!-- figures: latency -->\n{table}\n<!-- end of figures -->\nb");
        assert_eq!(report.write_into(page), expected);
        assert_eq!(report.write_into("nothing"), "nothing");
    }

    #[test]
    fn what_was_promised_and_not_measured_stays_in_the_page() {
        let mut report = Report::default();
        report.add("saturation", "postgres", "x nginx", vec![0.3]);
        let [old, other] = ["| durable, Postgres, against bare nginx | 0.10 |", "| memory, idle | 17.5 |"];
        let page = format!("<!-- figures: promises -->\n{old}\n{other}\n<!-- end of figures -->");
        let written = report.write_into(&page);
        assert!(written.contains(other) && !written.contains(old), "{written}");
    }

    #[test]
    fn a_figure_is_held_against_its_promise_and_a_missing_row_is_told() {
        let mut report = Report::default();
        report.add("saturation", "postgres", "x nginx", vec![0.2, 0.3, 0.4]);
        report.add("saturation", "postgres", "rows missing", vec![0.0]);
        assert!(report.tables().contains("0.30      0.25  0.50  holds"), "{}", report.tables());
        assert!(report.is_complete());
        report.add("growth", "postgres", "rows missing", vec![1.0]);
        assert!(!report.is_complete());
    }
}
