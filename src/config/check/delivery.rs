//! Times and rates that would send nothing, send in a circle, or send twice.

use std::time::Duration;

use super::super::{Draft, Problem};
use crate::delivery::{AccountConfig, Config};

/// What a commit and clocks that differ may take, beside the longest call.
const MARGIN: Duration = Duration::from_secs(5);

/// The longest time in which equal requests count as one: people do say the same on two days.
const LONGEST_WINDOW: Duration = Duration::from_secs(86_400);

pub fn check(draft: &Draft, problems: &mut Vec<Problem>) {
    let mut faults = Faults(problems);
    if let Some(delivery) = &draft.delivery {
        check_delivery(draft, delivery, &mut faults);
        for (at, account) in &draft.accounts {
            check_account(&format!("accounts[{at}]"), account, delivery, &mut faults);
        }
    }
    for (name, provider) in &draft.providers {
        let pace = (provider.rate, provider.burst, provider.pair_interval, provider.pair_burst);
        check_pace(&format!("providers.{name}"), pace, &mut faults);
    }
    for (at, upstream) in &draft.upstreams {
        let pace = (upstream.rate, upstream.burst, upstream.pair_interval, upstream.pair_burst);
        let key = format!("upstreams[{at}]");
        check_pace(&key, pace, &mut faults);
        faults.unless(
            upstream.concurrency != Some(0),
            &key,
            "concurrency",
            "is 0, so nothing could be sent; give at least 1",
        );
    }
}

fn check_delivery(draft: &Draft, delivery: &Config, faults: &mut Faults<'_>) {
    let key = "delivery";
    if let Some(net) = &draft.net {
        let least = net.total_timeout + MARGIN;
        let text = format!(
            "is shorter than the longest call, so that others could take a message that is being sent; \
             give at least {least:?}: net.total_timeout and {MARGIN:?}"
        );
        faults.unless(delivery.lease >= least, key, "lease", &text);
    }
    check_times(key, (delivery.deadline, delivery.give_up_after, delivery.unknown_window), delivery, faults);
    faults.unless(
        !delivery.first_retry.is_zero(),
        key,
        "first_retry",
        "is 0, so tries would follow each other at once; give a time",
    );
    let text = "is shorter than delivery.first_retry; give a longer time";
    faults.unless(delivery.longest_retry >= delivery.first_retry, key, "longest_retry", text);
    let text =
        "is shorter than delivery.deadline: a client that repeats after that would not be known; give a longer time";
    faults.unless(delivery.keep_keys >= delivery.deadline, key, "keep_keys", text);
}

fn check_account(key: &str, account: &AccountConfig, delivery: &Config, faults: &mut Faults<'_>) {
    let deadline = account.deadline.unwrap_or(delivery.deadline);
    if account.deadline.is_some() || account.give_up_after.is_some() || account.unknown_window.is_some() {
        let give_up_after = account.give_up_after.unwrap_or(delivery.give_up_after);
        let window = account.unknown_window.unwrap_or(delivery.unknown_window);
        check_times(key, (deadline, give_up_after, window), delivery, faults);
    }
    let Some(window) = account.dedupe_window else { return };
    let text = "is shorter than the deadline: a client that repeats after that would not be known; give a longer time";
    faults.unless(window >= deadline, key, "dedupe_window", text);
    let text = "is longer than a day: messages that are meant to be equal would not be sent; give a shorter time";
    faults.unless(window <= LONGEST_WINDOW, key, "dedupe_window", text);
}

fn check_times(key: &str, times: (Duration, Duration, Duration), delivery: &Config, faults: &mut Faults<'_>) {
    let (deadline, give_up_after, unknown_window) = times;
    faults.unless(
        !deadline.is_zero(),
        key,
        "deadline",
        "is 0, so no client would hear of its upstream; give a time, or mode = \"queued\"",
    );
    let text = "is longer than delivery.lease, so that others could take a message meanwhile; give a shorter time";
    faults.unless(deadline <= delivery.lease, key, "deadline", text);
    let text =
        "is shorter than the deadline, so that messages would fail before they are tried again; give a longer time";
    faults.unless(give_up_after >= deadline, key, "give_up_after", text);
    let text = "is shorter than delivery.lease: what is sent again may be under way still; give a longer time";
    faults.unless(unknown_window >= delivery.lease, key, "unknown_window", text);
}

type Pace = (Option<f64>, Option<u32>, Option<Duration>, Option<u32>);

fn check_pace(key: &str, (rate, burst, interval, pair_burst): Pace, faults: &mut Faults<'_>) {
    let sensible = rate.is_none_or(|rate| rate.is_finite() && rate > 0.0);
    faults.unless(sensible, key, "rate", "is no pace; give messages a second, such as 80 or 0.5, or leave it out");
    faults.unless(burst != Some(0), key, "burst", "is 0, so nothing could be sent; give at least 1");
    let text = "is 0, which is no limit; give a time, or leave it out";
    faults.unless(interval != Some(Duration::ZERO), key, "pair_interval", text);
    faults.unless(pair_burst != Some(0), key, "pair_burst", "is 0, so nothing could be sent; give at least 1");
}

/// Where faults go.
struct Faults<'a>(&'a mut Vec<Problem>);

impl Faults<'_> {
    fn unless(&mut self, is_right: bool, key: &str, name: &str, text: &str) {
        if !is_right {
            self.0.push(Problem::new(format!("{key}.{name}"), text));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load_text;

    #[test]
    fn what_would_send_nothing_in_a_circle_or_twice_is_refused() {
        let account = |option: &str| format!("[[accounts]]\nname = \"a\"\nkey = \"k\"\n{option}");
        let upstream = |option: &str| format!("[[upstreams]]\nname = \"u\"\nprovider = \"sandbox\"\n{option}");
        let cases = [
            ("[delivery]\nlease = \"9s\"".to_owned(), "delivery.lease: is shorter than the longest call"),
            ("[net]\ntotal_timeout = \"60s\"".to_owned(), "delivery.lease: is shorter than the longest call"),
            ("[delivery]\nfirst_retry = \"0s\"".to_owned(), "delivery.first_retry: is 0"),
            ("[delivery]\nlongest_retry = \"1ms\"".to_owned(), "delivery.longest_retry: is shorter"),
            ("[delivery]\ndeadline = \"1m\"".to_owned(), "delivery.deadline: is longer than delivery.lease"),
            ("[delivery]\nkeep_keys = \"1s\"".to_owned(), "delivery.keep_keys: is shorter"),
            ("[delivery]\nunknown_window = \"1s\"".to_owned(), "delivery.unknown_window: is shorter"),
            (account("mode = \"later\""), "accounts[0].mode: is none of the words"),
            (account("unknown = \"retry\""), "accounts[0].unknown: is none of the words"),
            (account("deadline = \"0s\""), "accounts[0].deadline: is 0"),
            (account("give_up_after = \"1s\""), "accounts[0].give_up_after: is shorter than the deadline"),
            (account("unknown_window = \"1s\""), "accounts[0].unknown_window: is shorter"),
            (account("dedupe_window = \"0s\""), "accounts[0].dedupe_window: is shorter than the deadline"),
            (account("dedupe_window = \"7d\""), "accounts[0].dedupe_window: is longer than a day"),
            (upstream("rate = 0"), "upstreams[0].rate: is no pace"),
            (upstream("rate = -1.5"), "upstreams[0].rate: is no pace"),
            (upstream("rate = \"fast\""), "upstreams[0].rate: "),
            (upstream("burst = 0"), "upstreams[0].burst: is 0"),
            (upstream("pair_interval = \"0s\""), "upstreams[0].pair_interval: is 0"),
            (upstream("pair_burst = 0"), "upstreams[0].pair_burst: is 0"),
            (upstream("concurrency = 0"), "upstreams[0].concurrency: is 0"),
            ("[providers.own]\ndialect = \"cloud\"\nrate = 0".to_owned(), "providers.own.rate: is no pace"),
        ];
        for (text, expected) in cases {
            let told = load_text(&text).unwrap_err().to_string();
            assert!(told.starts_with(expected), "{text}: {told}");
        }
    }
}
