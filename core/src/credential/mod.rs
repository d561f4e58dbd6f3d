//! What is known of a credential, without its secret.

mod model;
mod record;

pub use model::{canonical_model, Pattern};
pub use record::{public_index, Changes, Identity, NewCredential, Origin, Record, MAX_WEIGHT};
