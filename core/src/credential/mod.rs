//! What is known of a credential, without its secret.

mod identity;
mod limits;
mod model;
mod record;
mod serving;

pub(crate) use limits::MOST_TOKENS;
pub use limits::{Budget, Limits};
pub use model::{canonical_model, Pattern};
pub use record::{
    public_index, Changes, Fault, Identity, NewCredential, Origin, Record, BY_HAND, MAX_WEIGHT,
};
pub use serving::{fault_of_rules, upstream_text, Alias, ModelRules};
