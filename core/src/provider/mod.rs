//! The registry of providers: who they are called, where their keys come from, where a secret goes in a request.
//!
//! One file a family, all of it data. Programs add their own at run time ([`Registry::register`]).

mod accounts;
mod auth;
mod entry;
mod registry;
pub mod usage;

mod anthropic;
mod asia;
mod editors;
mod google;
mod hosts;
mod labs;
mod meters;
mod openai;
mod tools;

pub use auth::{auth_parts, environment_kind, AuthParts, CREDENTIAL_HEADERS, CREDENTIAL_QUERY, LIST_HEADERS};
pub use meters::{usage_facts, METERED};
pub use registry::{RegisterError, Registry};

/// All families, in the order in which providers are listed.
const FAMILIES: [&[entry::Entry]; 8] = [
    openai::ENTRIES,
    anthropic::ENTRIES,
    google::ENTRIES,
    labs::ENTRIES,
    editors::ENTRIES,
    asia::ENTRIES,
    hosts::ENTRIES,
    tools::ENTRIES,
];
