//! Renewal of many accounts by one pool in virtual time, and what a host's own code has to say of it.
#![allow(clippy::unwrap_used, reason = "a test")]

mod advice;
mod host;
mod stampede;
mod store;
