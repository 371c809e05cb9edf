//! nginx, twice: as the mock upstream and as a bare reverse proxy in front of it.
//!
//! Each runs as it does by default, a worker for each core. They are processes apart, so that their CPU can be told.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::Process;

/// A Cloud API accept. Each has an id of its own, since the store keeps an index of them.
const ACCEPTED: &str = r#"{"messaging_product":"whatsapp","contacts":[{"input":"447700900123","wa_id":"447700900123"}],"messages":[{"id":"wamid.$request_id"}]}"#;

/// What it answers to a file: an id of its own for each, as to messages.
const UPLOADED: &str = r#"{"id":"$request_id"}"#;

/// Where Debian's package puts the module that can wait without keeping anybody else waiting.
const ECHO: &str = "/usr/lib/nginx/modules/ngx_http_echo_module.so";

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// One nginx with its addresses.
pub struct Nginx {
    /// The process of the master.
    pub process: Process,
    /// Answers at once, or passes on.
    pub address: SocketAddr,
    /// Answers after 20 ms.
    pub slow: SocketAddr,
}

impl Nginx {
    /// The provider: it takes every message and serves the picture that image links name.
    pub fn mock(room: &Path, picture: &Path) -> Result<Self> {
        let (address, slow) = (free_address()?, free_address()?);
        let picture = picture.display();
        let servers = format!(
            "server {{
               listen {address} reuseport;
               location / {{ default_type application/json; return 200 '{ACCEPTED}'; }}
               location ~ /media$ {{ default_type application/json; return 200 '{UPLOADED}'; }}
               location = /photo.jpg {{ alias {picture}; }}
             }}
             server {{
               listen {slow} reuseport;
               location / {{ echo_sleep 0.02; echo_exec @accepted; }}
               location @accepted {{ default_type application/json; return 200 '{ACCEPTED}'; }}
             }}"
        );
        Self::start(&room.join("mock"), &servers, address, slow)
    }

    /// As plain as a reverse proxy can be: connections to both sides are kept, nothing is written.
    pub fn proxy(room: &Path, upstream: SocketAddr) -> Result<Self> {
        let address = free_address()?;
        let servers = format!(
            "upstream mock {{ server {upstream}; keepalive 64; keepalive_requests 1000000000; }}
             server {{
               listen {address} reuseport;
               location / {{ proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ''; }}
             }}"
        );
        Self::start(&room.join("proxy"), &servers, address, address)
    }

    fn start(folder: &Path, servers: &str, address: SocketAddr, slow: SocketAddr) -> Result<Self> {
        fs::create_dir(folder)?;
        let path = folder.join("nginx.conf");
        fs::write(&path, configuration(folder, servers))?;
        let mut command = Command::new("nginx");
        command.arg("-e").arg(folder.join("errors")).arg("-c").arg(&path);
        // Debian keeps it out of the way of those who are not root.
        command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
        let process = Process::start(&mut command, &folder.join("log"))?;
        let mut nginx = Self { process, address, slow };
        nginx.wait(folder)?;
        Ok(nginx)
    }

    fn wait(&mut self, folder: &Path) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if !self.process.is_running() || started.elapsed() > PATIENCE {
                bail!("nginx did not start: {}", fs::read_to_string(folder.join("log"))?);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn configuration(folder: &Path, servers: &str) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: String =
        temporary.iter().map(|name| format!("{name}_temp_path {}/{name};\n", folder.display())).collect();
    let (user, folder) = (user(), folder.display());
    format!(
        "load_module {ECHO};
         {user}
         daemon off;
         worker_processes auto;
         pid {folder}/pid;
         error_log {folder}/errors;
         events {{ worker_connections 4096; }}
         http {{
           access_log off;
           {temporary}
           keepalive_requests 1000000000;
           {servers}
         }}"
    )
}

/// Its workers could not enter our folder as anybody else.
fn user() -> &'static str {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if is_root { "user root;" } else { "" }
}

/// An address that nobody listens on just now.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
