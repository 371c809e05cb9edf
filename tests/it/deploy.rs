//! What operators copy works: example configurations are accepted, manifests can be read and keep what they promise, and
//! dashboard and alerts speak of measurements that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sabir::dialect::{self, Losses, samples};
use sabir::model::{FaultKind, State, TransactionId};
use sabir::openapi::document;
use serde::Deserialize;
use serde_json::{Map, Value};
use tempfile::TempDir;
use uuid::Uuid;

use crate::harness::TestApp;
use crate::program::{json, read, sabir};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents of a YAML file.
fn yaml(path: &str) -> Vec<Value> {
    let text = text(path);
    let documents = serde_yaml_ng::Deserializer::from_str(&text);
    documents.map(|one| Value::deserialize(one).unwrap_or_else(|error| panic!("{path}: {error}"))).collect()
}

/// The only document of a YAML file.
fn one(path: &str) -> Value {
    let mut documents = yaml(path);
    assert_eq!(documents.len(), 1, "{path}");
    documents.remove(0)
}

/// The files of a folder that end so.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(ROOT).join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    assert!(!files.is_empty(), "{folder} has no .{extension}");
    files.sort();
    files
}

/// The words of a text that begin so, as far as they are names.
fn words<'a>(text: &'a str, beginning: &'a str) -> BTreeSet<&'a str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_of_name(c)).filter(|word| word.starts_with(beginning)).collect()
}

/// The variables that a configuration reads its secrets from.
fn variables(configuration: &str) -> Vec<String> {
    let parts = configuration.split("\"env:").skip(1);
    parts.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn example_configurations_can_be_run_and_every_provider_has_one() {
    let folder = TempDir::new().unwrap();
    let manifest = Path::new(ROOT).join("deploy/kubernetes/sabir.toml");
    let mut providers = BTreeSet::new();
    for path in files("config/examples", "toml").into_iter().chain([manifest]) {
        let text = fs::read_to_string(&path).unwrap();
        let secrets = variables(&text).into_iter().enumerate().map(|(nth, name)| (name, format!("secret-{nth}")));
        let mut check = sabir(folder.path());
        let check =
            check.arg("--config").arg(&path).args(["check", "--json"]).envs(secrets.collect::<BTreeMap<_, _>>());
        let (code, said, error) = read(&check.output().unwrap());
        assert_eq!(code, 0, "{}: {error}", path.display());
        assert_eq!(json(&said)["warnings"], Value::Array(vec![]), "{}", path.display());
        let named = text.lines().filter_map(|line| line.strip_prefix("provider = \"")?.split('"').next());
        let named: Vec<_> = named.map(str::to_owned).collect();
        let outside = named.iter().filter(|name| *name != "sandbox").count();
        let heard = text.matches("\nwebhook_secret = ").count();
        assert_eq!(heard, outside, "{}: who has no webhook_secret is not heard", path.display());
        providers.extend(named);
    }
    let default = text("config/default.toml");
    let presets = default.lines().filter_map(|line| line.strip_prefix("[providers.")?.split(']').next());
    let missing: Vec<_> = presets.filter(|name| !providers.contains(*name)).collect();
    assert!(missing.is_empty(), "config/examples has none for {missing:?}");
}

#[tokio::test]
async fn example_configurations_call_the_addresses_that_the_vendors_document() {
    let mut called = BTreeSet::new();
    for path in files("config/examples", "toml") {
        let text = fs::read_to_string(&path).unwrap().replace("\"env:", "\"secret-");
        let app = TestApp::of(&text).await;
        for upstream in app.app.state.delivery.directory().upstreams() {
            let (request, client) = (samples()[0].request().unwrap(), dialect::reference());
            let prepared = upstream.prepare(&request, TransactionId(Uuid::nil()), client, Losses::Warn);
            called.insert(prepared.unwrap().request.uri().to_string());
        }
        app.stop().await;
    }
    let documented = [
        "https://api.aisoule.com/v1/messages",
        "https://app.aisoule.com/api/messages/send",
        "https://graph.facebook.com/v23.0/551200034477/messages",
        "https://shop.messangi.example.net/notification",
        "https://shop.sandeshlive.example.net/v1/messages",
        "https://waba-v2.360dialog.io/messages",
        "sandbox://in-process/v1/messages",
    ];
    assert_eq!(called, documented.map(str::to_owned).into());
}

/// The dashboard's and the alerts' expressions.
fn expressions() -> Vec<String> {
    fn gather(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member.as_str() {
                        Some(text) if ["expr", "query"].contains(&name.as_str()) => found.push(text.to_owned()),
                        _ => gather(member, found),
                    }
                }
            }
            Value::Array(entries) => entries.iter().for_each(|entry| gather(entry, found)),
            _ => {}
        }
    }
    let dashboard: Value = serde_json::from_str(&text("deploy/grafana/sabir.json")).unwrap();
    let mut found = Vec::new();
    gather(&dashboard, &mut found);
    gather(&one("deploy/prometheus/alerts.yml"), &mut found);
    assert!(found.len() > 20, "{found:?}");
    found
}

#[test]
fn dashboard_and_alerts_speak_of_measurements_states_and_faults_that_there_are() {
    let code = text("src/measure.rs");
    let known = words(&code, "sabir_");
    let states: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
    let told = vec!["delivered", "retry", "dead"];
    let faults: Vec<_> = FaultKind::ALL.iter().map(|kind| kind.code()).collect();
    for expression in expressions() {
        for name in words(&expression, "sabir_") {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            let is_known = known.contains(name) || family.is_some_and(|family| known.contains(family));
            assert!(is_known, "{name} is not in src/measure.rs: {expression}");
        }
        let outcomes = if expression.contains("sabir_callbacks_total") { &told } else { &states };
        for (label, values) in [("outcome", outcomes), ("fault", &faults)] {
            for value in label_values(&expression, label) {
                assert!(values.contains(&value.as_str()), "{label} is never {value}: {expression}");
            }
        }
    }
}

/// The measurements that programs outside rely on.
const PROMISED: [&str; 8] = [
    "sabir_callbacks_total",
    "sabir_commit_batch_size",
    "sabir_commit_seconds",
    "sabir_media_checks_total",
    "sabir_overhead_seconds",
    "sabir_queue_depth",
    "sabir_transactions_total",
    "sabir_upstream_seconds",
];

#[test]
fn every_measurement_is_explained_and_on_the_dashboard() {
    let (code, dashboard) = (text("src/measure.rs"), text("deploy/grafana/sabir.json"));
    let operating = text("docs/operating.md");
    let measured = words(&code, "sabir_");
    assert!(PROMISED.iter().all(|name| measured.contains(name)), "{measured:?}");
    let shown = words(&dashboard, "sabir_");
    for name in measured {
        let is_shown = ["", "_bucket", "_sum"].iter().any(|suffix| shown.contains(format!("{name}{suffix}").as_str()));
        assert!(is_shown, "deploy/grafana/sabir.json has no panel with {name}");
        assert!(operating.contains(&format!("| `{name}`")) || operating.contains(&format!(", `{name}`")), "{name}");
    }
}

/// What an expression compares a label with.
fn label_values(expression: &str, label: &str) -> Vec<String> {
    let starts = [format!("{label}=\""), format!("{label}=~\"")];
    let compared = starts.iter().flat_map(|start| expression.split(start.as_str()).skip(1));
    compared.flat_map(|rest| rest.split('"').next().unwrap().split('|').map(str::to_owned)).collect()
}

#[test]
fn every_alert_tells_what_is_wrong_and_has_its_paragraph() {
    let page = text("docs/deploying.md");
    let rules = one("deploy/prometheus/alerts.yml");
    for rule in rules["groups"][0]["rules"].as_array().unwrap() {
        let name = rule["alert"].as_str().unwrap();
        assert!(rule["annotations"]["summary"].is_string() && rule["labels"]["severity"].is_string(), "{name}");
        let runbook = format!("docs/deploying.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook"], runbook);
        assert!(page.contains(&format!("### {name}\n")), "docs/deploying.md has no paragraph on {name}");
    }
}

#[test]
fn the_pods_are_confined_and_their_probes_secrets_and_names_are_there() {
    let deployment = one("deploy/kubernetes/deployment.yaml");
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    let (pause, grace) =
        (&container["lifecycle"]["preStop"]["sleep"]["seconds"], &pod["terminationGracePeriodSeconds"]);
    assert!(pause.as_u64().unwrap() + 25 < grace.as_u64().unwrap(), "server.shutdown_grace is 25 s");
    for (probe, path) in [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"]["path"], path);
        assert!(document()["paths"][path].is_object(), "{path}");
    }
    let secret = one("deploy/kubernetes/secret.example.yaml");
    assert_eq!(secret["metadata"]["name"], container["envFrom"][0]["secretRef"]["name"]);
    for name in variables(&text("deploy/kubernetes/sabir.toml")).iter().map(String::as_str).chain(["SABIR__STORE__URL"])
    {
        assert!(secret["stringData"][name].is_string(), "the secret lacks {name}");
    }
    let kustomization = one("deploy/kubernetes/kustomization.yaml");
    let of_it: BTreeSet<_> = kustomization["resources"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for path in files("deploy/kubernetes", "yaml") {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(of_it.contains(name) || ["kustomization.yaml", "secret.example.yaml"].contains(&name), "{name}");
    }
    assert_eq!(one("deploy/kubernetes/service.yaml")["spec"]["ports"][0]["targetPort"], container["ports"][0]["name"]);
}

#[test]
fn the_monitoring_of_compose_mounts_files_that_are_there_and_asks_the_gateway() {
    let compose = one("docker-compose.yml");
    let empty = Map::new();
    for (name, service) in compose["services"].as_object().unwrap_or(&empty) {
        for volume in service["volumes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let (source, _) = volume.split_once(':').unwrap();
            let is_there = match source.strip_prefix("./") {
                Some(path) => Path::new(ROOT).join(path).exists(),
                None => compose["volumes"].get(source).is_some(),
            };
            assert!(is_there, "{name}: {source}");
        }
    }
    for service in ["prometheus", "grafana"] {
        assert_eq!(
            compose["services"][service]["profiles"][0], "monitoring",
            "{service} is started by its profile alone"
        );
    }
    let target = &one("deploy/prometheus/prometheus.yml")["scrape_configs"][0]["static_configs"][0]["targets"][0];
    assert_eq!(target, "gateway:8080");
    assert!(compose["services"]["gateway"].is_object());
    assert_eq!(yaml("deploy/grafana/datasource.yml")[0]["datasources"][0]["url"], "http://prometheus:9090");
}

#[test]
fn the_unit_checks_before_it_starts_and_is_confined() {
    let unit = text("deploy/systemd/sabir.service");
    for line in [
        "ExecStartPre=/usr/local/bin/sabir --config /etc/sabir/sabir.toml check",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "RestartPreventExitStatus=78",
        "DynamicUser=yes",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "MemoryDenyWriteExecute=yes",
    ] {
        assert!(unit.lines().any(|known| known == line), "{line}");
    }
}

/// What a tool of operators says to a file of ours, where the tool is on this machine.
fn asked(tool: &str, arguments: &[&str]) -> Option<std::process::Output> {
    let output = std::process::Command::new(tool).args(arguments).current_dir(ROOT).output();
    if output.is_err() {
        eprintln!("not asked: {tool} is not here");
    }
    output.ok()
}

#[test]
fn systemd_and_kustomize_take_what_is_for_them() {
    let folder = TempDir::new().unwrap();
    let unit = text("deploy/systemd/sabir.service").replace("/usr/local/bin/sabir", env!("CARGO_BIN_EXE_sabir"));
    let path = folder.path().join("sabir.service");
    fs::write(&path, unit).unwrap();
    if let Some(output) = asked("systemd-analyze", &["verify", path.to_str().unwrap()]) {
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
    if let Some(output) = asked("kubectl", &["kustomize", "deploy/kubernetes"]) {
        assert!(output.status.success(), "{output:?}");
        let made = read(&output).1;
        assert!(made.contains("kind: Deployment") && made.contains("configMap"), "{made}");
    }
}

/// The files outside `src` that are compiled in, from the project's root.
fn compiled_in() -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![Path::new(ROOT).join("src")]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let code = fs::read_to_string(&path).unwrap_or_default();
            let named = code.split("include_str!(\"").skip(1).chain(code.split("include_bytes!(\"").skip(1));
            let named = named.filter_map(|rest| folder.join(rest.split('"').next()?).canonicalize().ok());
            found.extend(named.filter_map(|file| Some(file.strip_prefix(ROOT).ok()?.to_str()?.to_owned())));
        }
    }
    found.retain(|file| !file.starts_with("src/"));
    found
}

#[test]
fn the_image_is_built_from_all_that_the_program_is_made_of() {
    let listed = text(".dockerignore");
    let listed: Vec<_> = listed.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let mut needed = compiled_in();
    assert!(needed.contains(&"config/default.toml".to_owned()), "{needed:?}");
    needed.extend(["Cargo.toml", "Cargo.lock", "build.rs", "src", "migrations", "LICENSE"].map(str::to_owned));
    // How it is built: for what it does most, with SQLite as it is wanted.
    needed.extend(["scripts/dist", "bench/profile.profdata.xz", ".cargo/config.toml"].map(str::to_owned));
    for file in needed {
        let is_there = listed.iter().any(|known| file == *known || file.starts_with(&format!("{known}/")));
        assert!(is_there, ".dockerignore keeps {file} from the image's build");
    }
    assert!(text("Dockerfile").contains("scripts/dist"));
    assert!(text("scripts/dist").contains("cargo build --locked --profile dist --bin sabir"));
    assert!(text("Cargo.toml").contains("[profile.dist]"));
}
