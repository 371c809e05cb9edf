//! The chart of the documents: an SVG that follows the reader's colours, as the other drawings do.

use crate::report::{Report, number};

const WIDTH: f64 = 1000.0;
/// Where bars begin, and how long the longest is.
const LEFT: f64 = 190.0;
const LONGEST: f64 = 580.0;
const ROW: f64 = 30.0;

const STYLE: &str = "
    .panel { fill: #f6f8fa; stroke: #d0d7de; }
    .own   { fill: #0969da; }
    .other { fill: #afb8c1; }
    .tail  { fill: #54aeff; }
    text   { fill: #1f2328; font: 15px system-ui, -apple-system, \"Segoe UI\", Roboto, Helvetica, Arial, sans-serif; }
    .head  { font-weight: 600; font-size: 17px; }
    .end   { text-anchor: end; }
    @media (prefers-color-scheme: dark) {
      .panel { fill: #151b23; stroke: #3d444d; }
      .own   { fill: #58a6ff; }
      .other { fill: #656c76; }
      .tail  { fill: #1f6feb; }
      text   { fill: #f0f6fc; }
    }";

/// One bar with its name.
struct Bar {
    class: &'static str,
    name: String,
    value: f64,
    text: String,
}

/// Throughput and latency, as far as the report has them.
pub fn draw(report: &Report) -> String {
    let panels = [
        ("Messages a second at saturation, 64 connections", throughput(report)),
        ("Milliseconds added to a direct call at 1,000 messages a second", latency(report)),
    ];
    let (mut y, mut body) = (10.0, String::new());
    for (head, bars) in panels.iter().filter(|(_, bars)| !bars.is_empty()) {
        let height = 60.0 + ROW * bars.len() as f64;
        body += &panel(y, height, head, bars);
        y += height + 10.0;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" role=\"img\" aria-labelledby=\"title\">\n  \
         <title id=\"title\">Throughput and latency of Sabir beside nginx</title>\n  <style>{STYLE}\n  </style>\n{body}</svg>\n"
    )
}

fn throughput(report: &Report) -> Vec<Bar> {
    let bar = |(class, subject, name): (&'static str, &str, &str)| {
        let value = report.value("saturation", subject, "messages/s")?;
        let ratio = report.value("saturation", subject, "x nginx")?;
        let text = format!("{} ({} × nginx)", number(value), number(ratio));
        Some(Bar { class, name: name.to_owned(), value, text })
    };
    let subjects = [
        ("other", "nginx", "nginx, records nothing"),
        ("own", "sqlite", "Sabir, SQLite"),
        ("own", "postgres", "Sabir, Postgres"),
    ];
    subjects.into_iter().filter_map(bar).collect()
}

fn latency(report: &Report) -> Vec<Bar> {
    let bar = |(class, subject, name, quantile): (&'static str, &str, &str, &str)| {
        let value = report.value("latency", subject, &format!("added {quantile} ms"))?;
        Some(Bar { class, name: format!("{name}, {quantile}"), value: value.max(0.0), text: number(value) })
    };
    let middle = |(class, subject, name)| (class, subject, name, "p50");
    let tail = |(class, subject, name)| (if class == "own" { "tail" } else { class }, subject, name, "p99");
    let subjects = [("other", "nginx", "nginx"), ("own", "sqlite", "SQLite"), ("own", "postgres", "Postgres")];
    subjects.into_iter().flat_map(|subject| [middle(subject), tail(subject)]).filter_map(bar).collect()
}

fn panel(y: f64, height: f64, head: &str, bars: &[Bar]) -> String {
    let longest = bars.iter().map(|bar| bar.value).fold(f64::EPSILON, f64::max);
    let rows: String = (0..).zip(bars).map(|(at, bar)| row(y + 50.0 + ROW * f64::from(at), bar, longest)).collect();
    let (width, head_y) = (WIDTH - 20.0, y + 30.0);
    format!(
        "  <rect class=\"panel\" x=\"10\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>\n  \
         <text class=\"head\" x=\"26\" y=\"{head_y}\">{head}</text>\n{rows}"
    )
}

fn row(y: f64, bar: &Bar, longest: f64) -> String {
    let (width, text_y) = (bar.value / longest * LONGEST, y + 15.0);
    let (name_x, text_x) = (LEFT - 10.0, LEFT + width + 8.0);
    let Bar { class, name, text, .. } = bar;
    format!(
        "  <text class=\"end\" x=\"{name_x}\" y=\"{text_y}\">{name}</text>\n  \
         <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"20\" rx=\"3\"/>\n  \
         <text x=\"{text_x:.1}\" y=\"{text_y}\">{text}</text>\n"
    )
}
