//! What is wrong with a value, in words for people who write configurations. No value is repeated: it may be a secret,
//! or a secret in the wrong place.

use std::fmt;

use config::ConfigError;

use super::{DEFAULT, Place, Problem};

/// A file that is no TOML, or is not there.
pub(super) fn unparsed(error: ConfigError) -> Problem {
    match error {
        ConfigError::FileParse { uri, cause } => {
            let text = without_excerpt(&cause.to_string());
            Problem { origin: uri, place: position(&text), ..Problem::new("configuration", text) }
        }
        other => Problem::new("configuration", other.to_string()),
    }
}

/// The parser's words without the lines of the file that it shows: one of them may hold a secret.
fn without_excerpt(text: &str) -> String {
    let shown = |line: &&str| line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|');
    text.lines().filter(|line| !shown(line)).collect::<Vec<_>>().join(": ")
}

/// Where the parser stopped: `… at line 3, column 17: …`.
fn position(text: &str) -> Option<Place> {
    let number = |after: &str| {
        let digits = text.split_once(after)?.1.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    Some(Place { line: number("line ")?, column: number("column ")?, key: String::new() })
}

/// What an option means, in the words of `config/default.toml`: `sync: forward, then answer | queued: …`.
pub fn meaning(key: &str) -> Option<&'static str> {
    let mut parts = key.split('.').map(|part| part.split('[').next().unwrap_or_default());
    let (section, name) = (parts.next()?, parts.next()?);
    let mut lines = DEFAULT.lines().map(|line| line.trim_start_matches("# "));
    lines.by_ref().find(|line| line.trim_matches(['[', ']']) == section && line.starts_with('['))?;
    let mut own = lines.take_while(|line| !line.starts_with('['));
    let line = own.find(|line| line.split_once(" = ").is_some_and(|(written, _)| written == name))?;
    line.split_once(" # ").map(|(_, meaning)| meaning.trim())
}

/// An error's own words, without the key and file that are printed beside them.
pub(super) fn plain(error: &ConfigError) -> String {
    match error {
        ConfigError::At { error, .. } => plain(error),
        ConfigError::Type { unexpected, expected, .. } => {
            format!("is of the type {}; give {expected}", kind(unexpected))
        }
        ConfigError::Message(text) => reworded(text),
        other => other.to_string(),
    }
}

/// The kind of a value and not the value, which may be a secret in the wrong place: `string "…"` is a string.
fn kind(found: &impl fmt::Display) -> String {
    let text = found.to_string();
    text.split(['"', '`']).next().unwrap_or_default().trim().to_owned()
}

/// What types say of themselves, in words for people who write configurations; the value is not repeated.
fn reworded(text: &str) -> String {
    let expected = text.rsplit_once(", expected ").map(|(_, expected)| expected);
    let words = match expected {
        _ if text.starts_with("enum ") => "is none of the words that it may be",
        _ if text.starts_with("relative URL without a base") || text.contains(": \"") => {
            "is no address; give one such as https://gateway.example.net"
        }
        _ if text == "invalid socket address syntax" => "is no address with a port; give one such as 127.0.0.1:8080",
        Some("a duration") => "is no duration; give one such as 10s, 250ms or 2m",
        Some("parsable string" | "integer overflow" | "an integer or string") => "is no size; give one such as 1 MiB",
        Some(expected) => return format!("cannot be read; give {expected}"),
        None => text,
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use crate::config::load_text;

    fn told(text: &str) -> String {
        load_text(text).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_value_is_not_repeated_and_the_remedy_is_named() {
        let cases = [
            ("[server]\nlisten = \"hunter2\"", "server.listen: is no address with a port"),
            ("[server]\nmax_body = \"hunter2\"", "server.max_body: is no size"),
            ("[server]\nmax_body = -1", "server.max_body: is no size"),
            ("[server]\nmax_connections = \"hunter2\"", "server.max_connections: "),
            ("[server]\nmax_connections = 0", "server.max_connections: is 0"),
            ("[net]\ntotal_timeout = \"hunter2\"", "net.total_timeout: is no duration"),
            ("[net]\ntotal_timeout = [\"hunter2\"]", "net.total_timeout: "),
            ("[log]\nformat = \"hunter2\"", "log.format: is none of the words"),
            ("[telemetry]\notlp = \"hunter2\"", "telemetry.otlp: is no address"),
            ("[telemetry]\nsample = 7", "telemetry.sample: is no share"),
            ("[log]\nfilter = \"hunter2=hunter2\"", "log.filter: is no filter"),
            ("[providers.own]\ndialect = \"hunter2\"", "providers.own.dialect: is no dialect"),
            ("[[routes]]\nchannel = \"hunter2\"\nupstreams = []", "routes[0].channel: is none of the words"),
        ];
        for (text, expected) in cases {
            let told = told(text);
            assert!(told.starts_with(expected) && !told.contains("hunter2"), "{text}: {told}");
        }
    }

    #[test]
    fn several_wrong_values_of_one_section_are_told_at_once_and_in_their_order() {
        let text = "[server]\nmax_body = \"many\"\nlisten = \"x\"\n[[accounts]]\nname = \"a\"\nkey = \"k\"\n\
                    dialect = \"klingon\"\nmode = \"later\"\n";
        let told = told(text);
        let keys: Vec<_> = told.lines().map(|line| line.split(": ").next().unwrap()).collect();
        let all = ["accounts[0].dialect", "accounts[0].mode", "server.listen", "server.max_body"];
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, all, "{told}");
    }

    #[test]
    fn one_fault_hides_no_other_and_is_told_once() {
        let text = "[[accounts]]\nname = \"a\"\nkey = \"env:SABIR_NO_SUCH\"\nupstream = \"mian\"\n\
                    [[upstreams]]\nname = \"main\"\nprovider = \"360dialg\"\nkey = \"file:/no/such\"\nsender = \"+44 20\"\n";
        let told = told(text);
        let mut keys: Vec<_> = told.lines().map(|line| line.split(": ").next().unwrap()).collect();
        keys.sort_unstable();
        let all = [
            "accounts[0].key",
            "accounts[0].upstream",
            "upstreams[0].key",
            "upstreams[0].provider",
            "upstreams[0].sender",
        ];
        assert_eq!(keys, all, "{told}");
    }

    #[test]
    fn an_option_means_what_the_default_file_says() {
        assert_eq!(super::meaning("log.format"), Some("pretty | json"));
        let mode = super::meaning("accounts[3].mode").unwrap();
        assert!(mode.starts_with("sync: forward, then answer | queued"), "{mode}");
        assert_eq!((super::meaning("accounts[0].colour"), super::meaning("server")), (None, None));
    }

    #[test]
    fn the_line_of_a_syntax_error_is_named_and_not_shown() {
        let told = told("[admin]\ntoken = \"hunter2");
        assert!(told.contains("line 2") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_a_fault() {
        let told = told("[[upstreams]]\nname = \"u\"\nprovider = \"meta\"\nkey = \"hunter2\\n\"");
        assert!(told.starts_with("upstreams[0].key: holds a line end") && !told.contains("hunter2"), "{told}");
    }
}
