//! What the host's own code says of when accounts are renewed: how long before a token's expiry, and whether now. It is asked,
//! never waited for: leases, single flight and compare-and-swap are the same as for any other refresh.

use super::member::Member;
use super::saving::PendingOp;
use super::{Effect, Engine};
use crate::facts::RefreshFacts;
use crate::id::{CredentialId, Handle};
use crate::time::{Instant, Span, Timestamp};

/// What the host said of an account last.
#[derive(Clone, Debug)]
pub(super) struct Advice {
    /// Of which version of its secret it gave the lead.
    version: u64,
    /// How long before its expiry that one is renewed; none: as the policy says.
    lead: Option<Span>,
    /// When it was asked last whether to renew, or the account was seen first.
    asked: Instant,
    /// It had no opinion then: the policy's own time counts.
    open: bool,
    /// It is being asked.
    asking: bool,
}

impl Engine {
    fn advised(&self, member: &Member) -> RefreshFacts {
        self.facts_of.get(member.provider.0 as usize).copied().unwrap_or_default()
    }

    /// The lead that the host gave for the token that the account has.
    pub(super) fn advised_lead(member: &Member) -> Option<Span> {
        let version = member.record.secret_version;
        member.advice.as_ref().filter(|advice| advice.version == version)?.lead
    }

    /// Is it the host that says when, and not the policy?
    pub(super) fn is_hosts_word(&self, member: &Member) -> bool {
        let facts = self.advised(member);
        let advice = member.advice.as_ref();
        let waits = facts.leads && advice.is_none_or(|advice| advice.version != member.record.secret_version);
        waits || facts.check.is_some() && advice.is_none_or(|advice| !advice.open)
    }

    /// When the host is to be asked. `due`: when the policy would renew it.
    pub(super) fn advice_at(&self, member: &Member, due: Option<Timestamp>) -> Option<Instant> {
        let facts = self.advised(member);
        let usable = member.record.enabled && !member.record.needs_login && self.is_renewable(member);
        let auto = self.auto_refresh && self.policy.refresh.auto;
        if !facts.leads && facts.check.is_none() || !usable || !auto {
            return None;
        }
        let Some(advice) = &member.advice else { return Some(self.now.mono) };
        if advice.asking {
            return None;
        }
        if facts.leads && advice.version != member.record.secret_version {
            return Some(self.now.mono);
        }
        let next = advice.asked + facts.check?;
        let due = due.map(|due| self.now.mono_of(due)).filter(|&due| due > advice.asked);
        Some(due.map_or(next, |due| due.min(next)))
    }

    /// Asks the host. A secret that is new is asked about for its lead only: nobody decides twice about one instant.
    pub(super) fn ask_advice(&mut self, handle: Handle, due: Option<Timestamp>) {
        let now = self.now;
        let Some(member) = self.member(handle) else { return };
        let facts = self.advised(member);
        let (version, id) = (member.record.secret_version, member.id);
        let (expires, renewed) = (member.record.expires, member.record.renewed);
        let fresh = Advice { version: 0, lead: None, asked: now.mono, open: false, asking: false };
        let advice = member.advice.as_deref().cloned().unwrap_or(fresh);
        let at = facts.check.map(|check| advice.asked + check);
        let passed = due.map(|due| now.mono_of(due)).is_some_and(|due| due > advice.asked && due <= now.mono);
        let decide = at.is_some_and(|at| at <= now.mono) || facts.check.is_some() && passed;
        let asking = decide || facts.leads && advice.version != version;
        let asked = if decide { now.mono } else { advice.asked };
        if let Some(member) = self.member_mut(handle) {
            member.advice = Some(Box::new(Advice { asked, asking, ..advice }));
        }
        let (Some(id), true) = (id, asking) else { return };
        let op = self.op();
        self.ops.insert(op, PendingOp::Advice { id, version });
        self.effects.push(Effect::Advise { op, handle, decide, expires, renewed });
    }

    /// The host has answered, or has nothing to say.
    pub(super) fn take_advice(
        &mut self,
        id: CredentialId,
        of: u64,
        lead: Option<Span>,
        renew: Option<bool>,
        decided: bool,
    ) {
        let Some(handle) = self.find(id) else { return };
        let Some(member) = self.member_mut(handle) else { return };
        let current = member.record.secret_version == of;
        let held = member.hold_until.is_some();
        if let Some(advice) = &mut member.advice {
            advice.asking = false;
            if current {
                (advice.version, advice.lead) = (of, lead);
            }
            if decided {
                advice.open = renew.is_none();
            }
        }
        // Renewed meanwhile: what was said was said of the token before.
        if current && !held && decided && renew == Some(true) {
            self.start_refresh(handle, true, false, false);
        }
        self.look_at_clock(handle);
        self.set_timer(handle);
    }
}
