//! One pool for every API key and OAuth account a program has.
#![forbid(unsafe_code)]

pub mod classify;
pub mod cooldown;
pub mod credential;
pub mod engine;
pub mod entropy;
pub mod facts;
pub mod id;
pub mod json;
pub mod policy;
pub mod pool;
pub mod provider;
pub mod rules;
pub mod secret;
pub mod select;
#[cfg(feature = "simulate")]
pub mod simulate;
pub mod sorted_map;
pub mod time;
pub mod vault;
pub mod verdict;
pub mod wire;
