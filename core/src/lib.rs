//! One pool for every API key and OAuth account a program has: it picks the right one, steps aside when one is spent, and
//! can always say why.
//!
//! The crate does no I/O, reads no clock and draws no random number: all that is given to it. A host drives a
//! [`Pool`](pool::Pool): inputs go in, steps come out, and a step says what to do (ask the store, answer a caller), what
//! happened, and when to call again.
//!
//! ```
//! use credpool::pool::{Answer, HostEffect, Pool, PoolConfig, PoolInput};
//! use credpool::time::Now;
//!
//! let mut pool = Pool::new(PoolConfig::default(), Now::from_millis(1_767_225_600_000, 0)).unwrap();
//! let step = pool.handle(
//!     Now::from_millis(1_767_225_600_000, 0),
//!     credpool::json::read::<PoolInput>(
//!         r#"{"override":{"request":1,"provider":"openai","origin":"runtime","secret":{"key":"sk-example"}}}"#,
//!     ).unwrap(),
//! );
//! assert!(matches!(&step.effects[..], [HostEffect::Reply { answer: Answer::Done { .. }, .. }]));
//!
//! // The hot path: no allocation, no look at any other credential.
//! let route = pool.route("openai", Some("gpt-5"));
//! # use credpool::{engine::Acquire, id::SessionIx, time::Instant};
//! # let wake = pool.handle(Now::from_millis(1_767_225_600_001, 1), PoolInput::Acquire {
//! #     request: credpool::id::RequestId(2), providers: vec!["openai".into()], model: Some("gpt-5".into()), session: None,
//! #     known_as: None, exclude: vec![], tried: vec![], round: 0, after: None, wait: credpool::time::Span::ZERO,
//! #     prefer: None, now: false });
//! let Acquire::Ready(lease) = pool.try_acquire(Instant(2), route, SessionIx::NONE) else { panic!() };
//! assert_eq!(pool.secret(lease.handle()), Some("sk-example"));
//! pool.release(Instant(3), lease);
//! ```
//!
//! The rules are data: a [`Policy`](policy::Policy), one of its presets or a document merged over one. What an answer of an
//! upstream means is data too: [`rules`]. The map of the floors is in `docs/architecture.md`.
#![forbid(unsafe_code)]

pub mod classify;
pub mod cooldown;
pub mod credential;
pub mod engine;
pub mod entropy;
pub mod facts;
pub mod id;
#[cfg(feature = "import")]
pub mod import;
pub mod json;
pub mod limit;
pub mod login;
pub mod oauth;
pub mod pattern;
pub mod policy;
pub mod pool;
pub mod provider;
pub mod refresh;
pub mod retry;
pub mod rules;
pub mod secret;
pub mod select;
#[cfg(feature = "simulate")]
pub mod simulate;
pub mod sorted_map;
pub mod time;
pub mod usage;
pub mod vault;
pub mod verdict;
pub mod wire;
