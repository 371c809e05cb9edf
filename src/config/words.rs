//! What is wrong with a value, in words for people who write configurations. No value is repeated: it may be a secret,
//! or a secret in the wrong place.

use std::fmt;

use config::ConfigError;

use super::Problem;

/// A file that is no TOML, or is not there.
pub(super) fn unparsed(error: ConfigError) -> Problem {
    match error {
        ConfigError::FileParse { uri, cause } => {
            Problem { origin: uri, ..Problem::new("configuration", without_excerpt(&cause.to_string())) }
        }
        other => Problem::new("configuration", other.to_string()),
    }
}

/// The parser's words without the lines of the file that it shows: one of them may hold a secret.
fn without_excerpt(text: &str) -> String {
    let shown = |line: &&str| line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|');
    text.lines().filter(|line| !shown(line)).collect::<Vec<_>>().join(": ")
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
        _ if text.starts_with("enum ") => "is none of the words that it may be; config/default.toml lists them",
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
