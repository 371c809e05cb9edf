//! Sabir: one address for every dialect of business messaging.
//!
//! Data flows one way: a client's request is decoded into the model, recorded, encoded for the upstream, and the
//! outcome travels back the same way. The modules, from the bottom up; each may use those above it in this list:
//!
//! - [`model`]: what a message is; knows no wire name, does no I/O
//! - [`dialect`]: wire ↔ model, pure; a folder for each language
//! - [`clock`], [`secret`]: time and secrets, passed in
//! - [`measure`], [`trace`]: what is counted and timed; which spans there are
//! - [`store`]: what happened, durably; the only place that knows SQL
//! - [`media`]: files: the bytes that clients upload, what is in them, and whether WhatsApp will take them
//! - [`net`]: the way out; the only place that knows the HTTP client
//! - [`upstream`]: whom we call: dialect, address, credential; the sandbox
//! - [`delivery`]: from a request to an answer
//! - [`service`]: what clients call beside sends: logins, contact checks, health, settings
//! - [`openapi`]: the HTTP surface described, made from the dialects
//! - [`web`]: the HTTP surface
//! - [`config`], [`telemetry`], [`app`]: options, logs and traces, and how the parts are put together
//! - [`cli`]: the commands

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod dialect;
pub mod measure;
pub mod media;
pub mod model;
pub mod net;
pub mod openapi;
pub mod secret;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod text;
pub mod trace;
pub mod upstream;
pub mod web;
