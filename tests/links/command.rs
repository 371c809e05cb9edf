//! `sabir media check URL`: the program itself, in a process of its own.

use std::process::Output;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::origin::{Body, Origin, Reply};
use crate::read;

/// Runs the check with this machine allowed, and a proxy that nobody must ask.
async fn check(arguments: &[&str], proxy: &str) -> (i32, Value, Output) {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("sabir.toml");
    std::fs::write(&config, "[net]\nallow_private = [\"127.0.0.0/8\"]\n").unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_sabir"));
    command.args(["--json", "--config"]).arg(&config).args(["media", "check"]).args(arguments);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        command.env(name, proxy);
    }
    let output = command.env_remove("NO_PROXY").env_remove("no_proxy").output().await.unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().unwrap(), report, output)
}

#[tokio::test]
async fn a_link_is_reported_like_a_file_and_no_proxy_of_the_environment_is_asked() {
    let origin = Origin::start(|request| match request.path.as_str() {
        "/a.jpg" => Reply::ok("image/jpeg", read("valid/image_rgb_640x480.jpg")),
        "/untold" => Reply::new(200, &[], Body::Whole(Arc::new(read("valid/image_rgb_640x480.jpg")))),
        "/moved" => Reply::new(302, &[("Location", "/a.jpg")], Body::Empty),
        _ => Reply::new(404, &[], Body::Empty),
    })
    .await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy_url = format!("http://{}", proxy.local_addr().unwrap());
    for (path, options, exit, verdict, code) in [
        ("/a.jpg", &[][..], 0, "accept", None),
        ("/a.jpg", &["--as", "document", "--dialect", "channel-request"], 1, "reject", Some("FMT-NOT-OFFERED")),
        ("/untold", &[], 0, "accept", None),
        ("/untold", &["--route", "link"], 1, "reject", Some("MIME-LABEL")),
        ("/moved", &[], 0, "accept", None),
        ("/moved", &["--route", "link"], 1, "reject", Some("HTTP-REDIRECT")),
        ("/moved", &["--dialect", "channel-request"], 1, "reject", Some("HTTP-REDIRECT")),
        ("/gone", &[], 1, "reject", Some("HTTP-GONE")),
    ] {
        let url = format!("{}{path}", origin.url);
        let (found, report, output) = check(&[&[url.as_str()], options].concat(), &proxy_url).await;
        assert_eq!((found, report["verdict"].as_str()), (exit, Some(verdict)), "{path} {options:?}: {output:?}");
        assert!(code.is_none_or(|code| report["codes"][0] == code), "{path} {options:?}: {report}");
        assert!(report["facts"].is_object());
    }
    let (exit, report, _) = check(&["http://10.0.0.7/a.jpg"], &proxy_url).await;
    assert_eq!((exit, &report["codes"][0]), (1, &Value::from("NET-PRIVATE")));
    let asked = futures_util::FutureExt::now_or_never(proxy.accept());
    assert!(asked.is_none(), "the proxy was asked");
}

#[tokio::test]
async fn entries_of_the_list_that_cannot_be_read_are_told_with_the_remedy() {
    let folder = TempDir::new().unwrap();
    for (entry, told) in [
        ("169.254.169.254", "hands out credentials; those are never allowed"),
        ("10.0.0.1/8", "has bits set behind the prefix"),
        ("files.example.net:70000", "ends in no port"),
        ("http://hunter2", "ends in no port"),
        ("hunter2 hunter2", "is no host, address or network"),
    ] {
        let config = folder.path().join("sabir.toml");
        std::fs::write(&config, format!("[net]\nallow_private = [\"files.example.net\", \"{entry}\"]\n")).unwrap();
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_sabir"));
        let output = command.arg("--config").arg(&config).arg("check").output().await.unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(78), "{text}");
        assert!(text.contains("net.allow_private[1]: ") && text.contains(told), "{entry}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
