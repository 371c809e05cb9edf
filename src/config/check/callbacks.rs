//! Callbacks that would never be told, or never end.

use std::time::Duration;

use url::Url;

use super::super::{Draft, Problem};

pub fn check(draft: &Draft, problems: &mut Vec<Problem>) {
    if let Some(callbacks) = &draft.callbacks {
        let mut unless = |is_right: bool, name: &str, text: &str| {
            if !is_right {
                problems.push(Problem::new(format!("callbacks.{name}"), text));
            }
        };
        unless(callbacks.timeout > Duration::ZERO, "timeout", "is 0, so nobody could answer; give a time");
        unless(callbacks.per_target > 0, "per_target", "is 0, so nothing could be told; give at least 1");
        unless(
            callbacks.first_retry > Duration::ZERO,
            "first_retry",
            "is 0, so tries would follow at once; give a time",
        );
        let is_longer = callbacks.longest_retry >= callbacks.first_retry;
        unless(is_longer, "longest_retry", "is shorter than callbacks.first_retry; give a longer time");
    }
    for (at, account) in &draft.accounts {
        for (nth, address) in account.callbacks.iter().enumerate() {
            check_address(&format!("accounts[{at}].callbacks[{nth}]"), address, problems);
        }
    }
}

fn check_address(key: &str, address: &str, problems: &mut Vec<Problem>) {
    let url = Url::parse(address);
    if !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        problems.push(Problem::new(key, "is no address; give one that begins with https://"));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load_text;

    #[test]
    fn what_would_never_be_told_is_refused() {
        let account = "[[accounts]]\nname = \"a\"\nkey = \"k\"\ncallbacks = [\"https://a.example.net\", \"ftp://b\"]";
        let cases = [
            ("[callbacks]\ntimeout = \"0s\"", "callbacks.timeout: is 0"),
            ("[callbacks]\nper_target = 0", "callbacks.per_target: is 0"),
            ("[callbacks]\nfirst_retry = \"0s\"", "callbacks.first_retry: is 0"),
            ("[callbacks]\nlongest_retry = \"1s\"", "callbacks.longest_retry: is shorter"),
            (account, "accounts[0].callbacks[1]: is no address"),
            ("[[accounts]]\nname = \"a\"\nkey = \"k\"\nsuppress = [\"dreams\"]", "accounts[0].suppress"),
        ];
        for (text, expected) in cases {
            let told = load_text(text).unwrap_err().to_string();
            assert!(told.starts_with(expected), "{text}: {told}");
        }
    }
}
