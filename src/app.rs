//! Builds the parts from the configuration; starts and stops them.

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;
use uuid::Uuid;

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::delivery::callbacks::Callbacks;
use crate::delivery::events::Listener;
use crate::delivery::{self, Account, AccountConfig, Ages, Delivery, Directory, Files, InboundLimits, Parts, Tools};
use crate::dialect::{self, Dialect, SENDER};
use crate::measure;
use crate::media::links::Spool;
use crate::media::repair::Workshop;
use crate::media::{self, Known, Vault};
use crate::model::Business;
use crate::net::{self, FetchLimits, Fetcher, Guard};
use crate::secret::{KeyHash, Secret, private_file};
use crate::service::{self, Desk};
use crate::store::{self, Store};
use crate::upstream::{
    self, Callback, InProcess, Limits, Line, Provider, SANDBOX_SCHEME, Sandbox, Transport, Upstream,
};
use crate::web::{self, AppState, Shared};

/// The account of a first run.
pub const DEV_ACCOUNT: &str = "dev";

/// A gateway that is ready to serve.
pub struct App {
    /// What its handlers reach.
    pub state: Shared,
    /// The key of the `dev` account, where there is one.
    pub dev_key: Option<Secret>,
    links: Links,
    ages: Ages,
}

/// A task that ends with its owner.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What upstreams are built with; kept for when the configuration is loaded again.
struct Links {
    client: ArcSwap<net::Client>,
    sandbox: Arc<Sandbox>,
}

impl App {
    /// Connects the store, brings its schema up to date and builds the rest.
    ///
    /// # Errors
    /// Where the store cannot be reached or a file cannot be written.
    pub async fn build(config: &Config) -> anyhow::Result<Self> {
        let store = store::connect(&config.store).await?;
        store.migrate().await?;
        store.take_keys(SystemClock.now()).await?;
        Self::with_store(config, store, Arc::new(SystemClock))
    }

    /// As [`Self::build`], over a store that is open and at a clock.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn with_store(config: &Config, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let links = Links {
            client: ArcSwap::from_pointee(net::Client::new(&config.net)?),
            sandbox: Arc::new(Sandbox::new(Arc::clone(&clock), config.sandbox)),
        };
        let dev_key = if config.accounts.is_empty() { Some(dev_key(&config.server.data_dir)?) } else { None };
        let directory = links.directory(config, dev_key.as_ref())?;
        let vault = Vault::open(&config.server.data_dir.join("media"))
            .context("server.data_dir: the folder for clients' files cannot be made; give one that can be written")?;
        let known = Known::default();
        let files = Files::new(file_tools(config, &store, &vault, &known, &clock)?);
        let delivery = Delivery::new(directory, Arc::clone(&store), files, Arc::clone(&clock), config.delivery);
        let callbacks = callbacks(config, &delivery, &store, &clock)?;
        let (delivering, telling) = (Arc::clone(&delivery), Arc::clone(&callbacks));
        let listener = Listener::new(delivering, telling, Arc::clone(&store), Arc::clone(&clock));
        links.sandbox.tell_to(listener.outlet());
        let state = AppState {
            listener,
            callbacks,
            desk: Desk::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&delivery)),
            delivery,
            sandbox: Arc::clone(&links.sandbox),
            clock,
            store,
            vault,
            known,
            dialect_limits: config.media.check.dialect_limits,
            limits: ArcSwap::from_pointee(server(config)),
            door: web::Door::new(&config.server),
            admin: config.admin.clone(),
            live: web::Live::default(),
            counted: web::Counted::default(),
        };
        Ok(Self { state: Arc::new(state), dev_key, links, ages: Ages::from(&config.store) })
    }

    /// Puts the accounts, upstreams, routes and limits of another configuration in force. What is opened once stays: the
    /// store, the address, the folder, and what files and callbacks are fetched and told with.
    ///
    /// # Errors
    /// Where an upstream cannot be built; then the old ones stay.
    pub fn reload(&self, config: &Config) -> anyhow::Result<()> {
        // The key of the first run ends with it.
        let dev_key = self.dev_key.as_ref().filter(|_| config.accounts.is_empty());
        let directory = self.links.directory(config, dev_key)?;
        self.state.delivery.replace_directory(directory);
        self.state.replace_limits(server(config));
        Ok(())
    }

    /// Forgets what has grown too old, once.
    ///
    /// # Errors
    /// Where the store is away.
    pub async fn forget(&self) -> anyhow::Result<()> {
        Ok(self.state.delivery.forget(self.ages).await?)
    }

    /// Listens, serves until `stop` resolves, finishes what is under way and closes the store.
    ///
    /// # Errors
    /// Where the address cannot be listened on.
    pub async fn serve(
        &self,
        listen: SocketAddr,
        ready: impl FnOnce(SocketAddr),
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let state = &self.state;
        state.delivery.listens_on(listener.local_addr()?);
        ready(listener.local_addr()?);
        let measuring = AbortOnDrop(tokio::spawn(keep_measuring()));
        state.delivery.start();
        state.callbacks.start();
        state.listener.start();
        let sweeping = service::watch_sessions(Arc::clone(&state.store), Arc::clone(&state.clock));
        let sweeping = AbortOnDrop(tokio::spawn(sweeping));
        let forgetting = delivery::watch_files(Arc::clone(&state.store), Arc::clone(&state.clock));
        let forgetting = AbortOnDrop(tokio::spawn(forgetting));
        let ageing = AbortOnDrop(tokio::spawn(Arc::clone(&state.delivery).watch_age(self.ages)));
        // Whoever follows a page would hold up the stop for as long as they do.
        let stop = async {
            stop.await;
            state.live.close();
            state.sandbox.close();
        };
        web::serve(listener, web::router(Arc::clone(state)), &state.limits, stop).await;
        drop((sweeping, forgetting, ageing, measuring));
        self.close().await;
        Ok(())
    }

    /// Finishes what is under way and closes the store.
    pub async fn close(&self) {
        self.state.sandbox.close();
        self.state.listener.close().await;
        self.state.callbacks.close().await;
        self.state.delivery.close().await;
        self.state.store.close().await;
    }
}

/// The server's options in force: on a first run, with no client yet, this machine itself is trusted.
fn server(config: &Config) -> web::Config {
    web::Config { trust_local: config.server.trust_local || config.accounts.is_empty(), ..config.server.clone() }
}

/// What files are looked at with. What is fetched and mended lies beside what clients uploaded.
///
/// # Errors
/// Where a folder cannot be made.
pub fn file_tools(
    config: &Config,
    store: &Arc<dyn Store>,
    vault: &Vault,
    known: &Known,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Tools> {
    let folder = config.server.data_dir.join("spool");
    let spool = Spool::open(&folder).context("server.data_dir: the folder for files on their way cannot be made")?;
    let links = &config.media.links;
    Ok(Tools {
        store: Arc::clone(store),
        vault: vault.clone(),
        known: known.clone(),
        links: media::links::Links::open(links, &config.net.allow_private, &folder, Arc::clone(clock))?,
        workshop: Workshop::new(config.media.repair.clone(), spool),
        clock: Arc::clone(clock),
        dialect_limits: config.media.check.dialect_limits,
        patience: config.net.total_timeout,
        inbound: InboundLimits {
            kept_for: config.media.inbound.inbound_for,
            max_bytes: config.server.max_upload.as_u64(),
            patience: config.net.total_timeout,
            public_url: config.server.public_url.clone(),
        },
    })
}

async fn keep_measuring() {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        measure::upkeep();
    }
}

impl Links {
    fn directory(&self, config: &Config, dev_key: Option<&Secret>) -> anyhow::Result<Directory> {
        let (client, mut upstreams) = (self.client(&config.net)?, Vec::new());
        for upstream in &config.upstreams {
            upstreams.push(self.upstream(upstream, &client, config)?);
        }
        if upstreams.is_empty() {
            upstreams.push(self.upstream(&sandbox_upstream(), &client, config)?);
        }
        let only = upstreams.first().map(|upstream| upstream.name.clone()).unwrap_or_default();
        let dev = dev_key.map(|key| AccountConfig::new(DEV_ACCOUNT, KeyHash::of(key.expose())));
        let accounts = config.accounts.iter().chain(&dev);
        let accounts = accounts.map(|account| Account::new(account, &config.delivery, &only)).collect();
        Ok(Directory::new(Parts { accounts, upstreams, routes: config.routes.clone() }))
    }

    /// The client with these limits. Where they are as before it is the one that is there, and keeps its connections.
    fn client(&self, limits: &net::Config) -> anyhow::Result<net::Client> {
        if self.client.load().config() != limits {
            self.client.store(Arc::new(net::Client::new(limits)?));
        }
        Ok(net::Client::clone(&self.client.load()))
    }

    fn upstream(&self, upstream: &upstream::Config, client: &net::Client, config: &Config) -> anyhow::Result<Upstream> {
        let provider = upstream.provider.as_ref().and_then(|name| config.providers.get(name));
        let pick = |own: &Option<String>, of: fn(&Provider) -> Option<String>| own.clone().or(provider.and_then(of));
        let name = pick(&upstream.dialect, |provider| Some(provider.dialect.clone())).unwrap_or_default();
        let dialect = dialect::named(&name).with_context(|| format!("upstream {} has no dialect", upstream.name))?;
        let base_url = pick(&upstream.base_url, |provider| provider.base_url.clone()).unwrap_or_default();
        let base_url = Url::parse(&base_url).with_context(|| format!("upstream {} has no address", upstream.name))?;
        let transport: Arc<dyn Transport> = if base_url.scheme() == SANDBOX_SCHEME {
            let sandbox = Arc::clone(&self.sandbox);
            Arc::new(InProcess { sandbox, line: line(upstream, dialect), limit: config.net.total_timeout })
        } else {
            Arc::new(client.clone())
        };
        Ok(Upstream {
            name: upstream.name.clone(),
            dialect,
            base_url,
            credential: upstream
                .credential
                .or(provider.and_then(|provider| provider.credential))
                .unwrap_or_else(|| dialect.credential()),
            key: upstream.key.clone(),
            sender: upstream.sender.clone(),
            phone_number_id: upstream.phone_number_id.clone(),
            template_namespace: upstream.template_namespace.clone(),
            media: upstream.media,
            limits: Limits::of(upstream, provider),
            webhook_secret: upstream.webhook_secret.clone(),
            webhook_token: upstream.webhook_token.clone(),
            callback: config
                .server
                .public_url
                .as_ref()
                .and_then(|url| Callback::new(url, &upstream.name, upstream.webhook_secret.as_ref())),
            inbound: upstream.inbound.clone(),
            transport,
        })
    }
}

/// Callbacks go where clients say, so by the rules of links. How many go on at once is the worker's affair, and what is
/// answered is not read: neither lanes nor a least speed count here.
fn callbacks(
    config: &Config,
    delivery: &Arc<Delivery>,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<Callbacks>> {
    let timeout = config.callbacks.timeout;
    let (per_host, per_account, min_speed) = (1, 1, 0);
    let limits =
        FetchLimits { connect: timeout, first_byte: timeout, total: timeout, min_speed, per_host, per_account };
    let guard = Guard::new(&config.net.allow_private);
    let fetcher = Fetcher::new(guard, limits, net::system_resolver())?;
    Ok(Callbacks::new(Arc::clone(delivery), Arc::clone(store), fetcher, Arc::clone(clock), config.callbacks))
}

/// The other end of an upstream at the sandbox in this process.
fn line(upstream: &upstream::Config, dialect: &'static dyn Dialect) -> Line {
    let (number, phone_number_id) = (upstream.sender.clone(), upstream.phone_number_id.clone());
    let business = Business { number, phone_number_id, account_id: None };
    Line { upstream: upstream.name.clone(), dialect, business, secret: upstream.webhook_secret.clone() }
}

/// The upstream of a first run.
pub fn sandbox_upstream() -> upstream::Config {
    upstream::Config {
        name: SANDBOX_SCHEME.to_owned(),
        provider: Some(SANDBOX_SCHEME.to_owned()),
        sender: Some(SENDER.to_owned()),
        template_namespace: Some("sandbox".to_owned()),
        ..upstream::Config::default()
    }
}

/// The key of the `dev` account: made once, kept in a file that only its owner can read.
fn dev_key(data_dir: &Path) -> anyhow::Result<Secret> {
    let path = data_dir.join(format!("{DEV_ACCOUNT}.key"));
    match std::fs::read_to_string(&path) {
        Ok(key) if !key.trim().is_empty() => Ok(Secret::new(key.trim())),
        Ok(_) => bail!("{} is empty; delete it, and a fresh key is made", path.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => make_dev_key(&path),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn make_dev_key(path: &Path) -> anyhow::Result<Secret> {
    let key = new_key();
    let made = private_file(path).and_then(|mut file| writeln!(file, "{key}"));
    made.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Secret::new(key))
}

/// A fresh key with 244 random bits.
pub fn new_key() -> String {
    format!("sabir_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
