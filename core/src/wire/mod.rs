//! The formats of the wire, as data: dates, lengths of time, headers, rate limits, tokens, event streams.
//!
//! Everything here is total: no input panics, and time and memory are bounded by the input's length and by the bounds that
//! stand beside each reader. Nothing decides; that is [`classify`](crate::classify)'s work.

pub mod date;
pub mod duration;
pub mod event_stream;
pub mod http;
pub mod jwt;
pub mod model_names;
pub mod rate_limit;
pub mod retry_after;
pub mod session;
pub mod spoken;
pub mod sse;

pub(crate) mod base64;
pub(crate) mod find;
mod ietf;
mod number;
