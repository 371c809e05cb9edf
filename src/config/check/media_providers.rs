//! Credentials for links that no header can carry, or that would go anywhere.

use super::super::{Draft, Problem};
use crate::delivery::ProviderConfig;

pub fn check(draft: &Draft, problems: &mut Vec<Problem>) {
    for (at, account) in &draft.accounts {
        for (nth, provider) in account.media_providers.iter().enumerate() {
            check_provider(&format!("accounts[{at}].media_providers[{nth}]"), provider, problems);
        }
    }
}

fn check_provider(key: &str, provider: &ProviderConfig, problems: &mut Vec<Problem>) {
    if provider.credentials().is_none() {
        let text = "is no credential; give bearer, or user and password, without line ends";
        problems.push(Problem::new(key, text));
    }
    if provider.hosts.is_empty() {
        let text = "is missing; name the hosts that the credential may go to, since the links are the client's";
        problems.push(Problem::new(format!("{key}.hosts"), text));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load_text;

    #[test]
    fn a_credential_without_hosts_is_refused_and_no_value_repeated() {
        let cases = [
            ("bearer = \"t\"", "accounts[0].media_providers[0].hosts: is missing"),
            ("bearer = \"t\", hosts = []", "accounts[0].media_providers[0].hosts: is missing"),
            ("bearer = \"t\", hosts = [\"*.secret.example\"]", "accounts[0].media_providers[0].hosts[0]: is no host"),
            ("user = \"u\", hosts = [\"files.example.net\"]", "accounts[0].media_providers[0]: is no credential"),
        ];
        for (members, expected) in cases {
            let told = load_text(&account(members)).unwrap_err().to_string();
            assert!(told.starts_with(expected) && !told.contains("secret"), "{members}: {told}");
        }
        load_text(&account("bearer = \"t\", hosts = [\"files.example.net\", \"http://10.0.0.7:9000\"]")).unwrap();
    }

    fn account(members: &str) -> String {
        format!("[[accounts]]\nname = \"a\"\nkey = \"k\"\nmedia_providers = [{{ name = \"store\", {members} }}]")
    }
}
