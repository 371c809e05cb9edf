//! Unknown keys, with the nearest known one.

/// The keys of each section. A test compares them with `config/default.toml`.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "server",
        &[
            "listen",
            "data_dir",
            "public_url",
            "max_body",
            "max_upload",
            "max_webhook",
            "header_timeout",
            "body_timeout",
            "shutdown_grace",
            "max_connections",
            "connections_per_address",
            "max_requests",
            "trusted_proxies",
            "address_rate",
            "wrong_key_rate",
            "trust_local",
        ],
    ),
    (
        "store",
        &["url", "connections", "bodies", "bodies_for", "transactions_for", "events_for", "encrypt", "encryption_keys"],
    ),
    ("admin", &["token"]),
    (
        "net",
        &[
            "connect_timeout",
            "first_byte_timeout",
            "total_timeout",
            "idle_timeout",
            "idle_connections",
            "max_answer",
            "allow_private",
        ],
    ),
    (
        "media",
        &[
            "connect_timeout",
            "first_byte_timeout",
            "total_timeout",
            "min_speed",
            "fetches_per_host",
            "fetches_per_account",
            "cache_size",
            "cache_entries",
            "dialect_limits",
            "repairs",
            "repair_timeout",
            "ffmpeg",
            "inbound_for",
        ],
    ),
    (
        "delivery",
        &["lease", "deadline", "give_up_after", "unknown_window", "first_retry", "longest_retry", "keep_keys"],
    ),
    ("callbacks", &["timeout", "per_target", "first_retry", "longest_retry", "give_up_after"]),
    ("sandbox", &["webhooks", "delay"]),
    ("log", &["format", "filter"]),
    ("telemetry", &["otlp", "sample", "service", "headers"]),
    ("providers", &["dialect", "base_url", "credential", "rate", "burst", "pair_interval", "pair_burst"]),
    (
        "accounts[]",
        &[
            "name",
            "key",
            "keys",
            "dialect",
            "upstream",
            "losses",
            "repair",
            "media_providers",
            "health",
            "version",
            "hsm_language",
            "mode",
            "deadline",
            "give_up_after",
            "unknown",
            "unknown_window",
            "dedupe_window",
            "rate",
            "call_rate",
            "concurrency",
            "callbacks",
            "callback_secret",
            "suppress",
        ],
    ),
    (
        "upstreams[]",
        &[
            "name",
            "provider",
            "dialect",
            "base_url",
            "credential",
            "key",
            "sender",
            "phone_number_id",
            "template_namespace",
            "media",
            "rate",
            "burst",
            "pair_interval",
            "pair_burst",
            "concurrency",
            "webhook_secret",
            "webhook_token",
            "inbound",
        ],
    ),
    ("routes[]", &["account", "channel", "sender", "upstreams"]),
];

/// The names of the sections.
pub fn sections() -> Vec<&'static str> {
    KNOWN.iter().map(|(section, _)| section.trim_end_matches("[]")).collect()
}

/// The keys of a section or of an entry: `accounts[3]`, `providers.meta`.
pub fn known_keys(path: &str) -> &'static [&'static str] {
    let path = without_index(path);
    let path = if path.starts_with("providers.") { "providers" } else { path.as_str() };
    KNOWN.iter().find(|(section, _)| *section == path).map_or(&[], |(_, keys)| keys)
}

/// `accounts[3].key` → `accounts[].key`
fn without_index(path: &str) -> String {
    let mut inside = false;
    let keep = |c: &char| {
        let kept = !inside || *c == ']';
        inside = (inside || *c == '[') && *c != ']';
        kept
    };
    path.chars().filter(keep).collect()
}

/// What is wrong with an unknown key.
pub fn describe(name: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|key| (strsim::damerau_levenshtein(name, key), key)).min();
    match nearest {
        Some((distance, key)) if distance <= name.len().max(3) / 2 => format!("unknown key; did you mean `{key}`?"),
        _ => "unknown key; config/default.toml lists every option".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_left_out() {
        assert_eq!(without_index("accounts[13].key"), "accounts[].key");
    }

    #[test]
    fn the_nearest_key_is_named() {
        assert!(describe("dialekt", &["dialect", "key"]).contains("`dialect`"));
        assert!(!describe("zebra", &["dialect", "key"]).contains("did you mean"));
    }

    #[test]
    fn every_known_key_stands_in_the_default_file() {
        let default = crate::config::DEFAULT;
        for (section, keys) in KNOWN {
            for key in *keys {
                let written = format!("{key} = ");
                assert!(default.contains(&written), "{section}.{key} is not in config/default.toml");
            }
        }
    }
}
