//! The host's own ranks of reports: the host is asked, never waited for; what it says goes into the same index.

use super::saving::PendingOp;
use super::{Effect, Engine};
use crate::id::Handle;
use crate::time::Timestamp;

impl Engine {
    /// Does the host rank a provider's reports, from now on? Those that are known are looked at again.
    pub fn set_usage_ranks(&mut self, provider: &str, by_host: bool) {
        let provider = self.provider_ix(provider);
        if self.serving.is_ranked_by_host(provider) == by_host {
            return;
        }
        self.serving.set_ranked_by_host(provider, by_host);
        for handle in (0..self.members.len() as u32).map(Handle) {
            let Some(member) = self.member_mut(handle).filter(|member| member.provider == provider) else {
                continue;
            };
            if let Some(known) = member.usage.as_mut() {
                known.report.rank = None;
                self.look_at_usage(handle);
                if by_host {
                    self.ask_rank(handle);
                }
            }
        }
    }

    /// Asks the host for the rank of an account's report.
    #[inline(never)]
    pub(super) fn ask_rank(&mut self, handle: Handle) {
        let Some(member) = self.member(handle) else { return };
        let Some(at) = member.usage.as_ref().map(|known| known.report.fetched_at) else { return };
        let incarnation = member.incarnation;
        let op = self.op();
        self.ops.insert(op, PendingOp::Rank { handle, incarnation, at });
        self.effects.push(Effect::Rank { op, handle });
    }

    /// The host has ranked a report, unless a newer one came meanwhile. Nothing: it ranks as before.
    #[inline(never)]
    pub(super) fn ranked(&mut self, handle: Handle, incarnation: u32, at: Timestamp, rank: Option<i32>) {
        let Some(member) = self.member_mut(handle).filter(|of| of.incarnation == incarnation) else { return };
        let Some(known) = member.usage.as_mut().filter(|known| known.report.fetched_at == at) else { return };
        if rank.is_some() && known.report.rank != rank {
            known.report.rank = rank;
            known.unsaved = true;
            self.look_at_usage(handle);
            self.note_use(handle);
        }
    }
}
