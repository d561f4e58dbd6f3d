//! Asking a provider whether an account's tokens are good (RFC 7662). A question decides nothing about an account's life: what
//! it learns of a dead grant lets the account rest, as a refused call would, and is told.

use super::member::ScopeKey;
use super::saving::PendingOp;
use super::{Effect, Engine, FailedCode, Reply};
use crate::id::{CredentialId, Handle, RequestId};
use crate::policy::{Action, CooldownRule};
use crate::time::{Span, Timestamp};
use crate::verdict::{Failure, Reason, Scope};

/// An account whose grant is dead rests so long where the policy would disable it for a refused call.
const REST: Span = Span::from_mins(1);

/// What a provider says of an account's tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introspected {
    /// Are they good? None: it did not say.
    pub active: Option<bool>,
    /// Until when, where it says.
    pub expires: Option<Timestamp>,
    /// Why nothing is known, in one word.
    pub cause: Option<Box<str>>,
}

impl Introspected {
    /// Nothing is known.
    pub fn silent(cause: &str) -> Self {
        Self { cause: Some(cause.into()), ..Self::default() }
    }
}

impl Engine {
    pub(super) fn introspect(&mut self, request: RequestId, handle: Handle) {
        let Some((Some(id), version)) =
            self.member(handle).map(|member| (member.id, member.record.secret_version))
        else {
            return self.fail(request, FailedCode::NotFound, "there is no such stored credential");
        };
        let op = self.op();
        self.ops.insert(op, PendingOp::Introspect { request, id, version });
        self.effects.push(Effect::Introspect { op, handle });
    }

    /// Is this effect such a question?
    pub fn introspecting(&self, op: crate::id::OpId) -> Option<CredentialId> {
        match self.ops.get(&op) {
            Some(&PendingOp::Introspect { id, .. }) => Some(id),
            _ => None,
        }
    }

    pub(super) fn introspected(
        &mut self,
        request: RequestId,
        id: CredentialId,
        of: u64,
        mut said: Introspected,
    ) {
        let Some(handle) = self.find(id) else {
            return self.fail(request, FailedCode::NotFound, "the credential was removed meanwhile");
        };
        let Some(record) = self.record(handle) else { return };
        if record.secret_version != of {
            // Renewed meanwhile: it was asked after tokens that are gone.
            said = Introspected::silent("renewed");
        } else if said.active == Some(false) {
            if let Some(mut rule) = self.policy.rule(&record.provider, Reason::Auth).cloned() {
                if rule.action == Action::Disable {
                    rule = CooldownRule::flat(REST);
                }
                let failure = Failure::new(Reason::Auth, Scope::Credential, None);
                let _ = self.cool(handle, ScopeKey::Credential, rule, &failure);
            }
        }
        self.reply(request, Reply::Introspected(said));
    }
}
