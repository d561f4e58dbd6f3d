//! Saved resets in the host's terms: a list, and where one is to be used, the request for it. Nothing is decided here but which
//! request comes next.

use super::usage::Answered;
use super::{HostEffect, Pool, PoolStep};
use crate::engine::{Completion, Input, Redemption, ResetsTold};
use crate::id::{Handle, OpId, SecretRef};
use crate::provider::usage::{
    pick_reset, read_redemption, read_resets, redeem_request, resets_request, Redeemed, RESET_PROVIDERS,
};
use crate::time::Now;
use crate::wire::http::HttpRequest;

/// A provider that was asked for an account's saved resets.
pub(super) struct ResetsCall {
    op: OpId,
    handle: Handle,
    secret: SecretRef,
    redeem: Option<Redemption>,
    /// What is known so far.
    told: ResetsTold,
}

/// What comes next.
enum Further {
    Ask(HttpRequest),
    Told,
}

impl Pool {
    /// Why this account cannot be asked for saved resets, where its provider has none.
    pub(super) fn no_resets(&self, handle: Handle, resets: bool, redeem: bool) -> Option<ResetsTold> {
        let record = self.engine.record(handle).filter(|_| resets)?;
        let code = if redeem { Redeemed::NoAccount.as_str() } else { "no_resets" };
        let told = ResetsTold { code: code.into(), ..ResetsTold::default() };
        (!RESET_PROVIDERS.contains(&&*record.provider)).then_some(told)
    }

    /// The first request, or why there is none.
    pub(super) fn resets_call(
        &mut self,
        op: OpId,
        handle: Handle,
        secret: SecretRef,
        redeem: Option<Redemption>,
    ) -> Result<HostEffect, Completion> {
        let request = self.account_at(handle, secret).map(resets_request);
        match request {
            Some(Ok(request)) => {
                self.resets.push(ResetsCall { op, handle, secret, redeem, told: ResetsTold::default() });
                Ok(HostEffect::Http { op, handle: Some(handle), login: None, request })
            }
            Some(Err(failure)) if redeem.is_none() => Err(told(&failure.code)),
            _ => Err(told(Redeemed::NoAccount.as_str())),
        }
    }

    /// An answer to one: the next step, where one was open. `answer`: nothing, where none came.
    pub(super) fn resets_answered(
        &mut self,
        now: Now,
        op: OpId,
        answer: Option<Answered<'_>>,
    ) -> Option<PoolStep> {
        let at = self.resets.iter().position(|call| call.op == op)?;
        let mut call = self.resets.swap_remove(at);
        let next = self.after_resets(&mut call, answer, now);
        let (input, request) = match next {
            Further::Told => {
                let told = core::mem::take(&mut call.told);
                (Input::Completion(op, Completion::Resets(Box::new(told))), None)
            }
            Further::Ask(request) => (Input::Tick, Some((call.handle, request))),
        };
        let step = self.engine.handle(now, input);
        let mut step = self.present(now, step);
        if let Some((handle, request)) = request {
            step.effects.push(HostEffect::Http { op, handle: Some(handle), login: None, request });
            self.resets.push(call);
        }
        Some(step)
    }

    fn after_resets(&self, call: &mut ResetsCall, answer: Option<Answered<'_>>, now: Now) -> Further {
        let used = call.told.list.is_some();
        let Some(Answered { status, body, .. }) = answer else {
            // A request without an answer may have been heard: the same redemption can be tried again.
            let lost = if used { "unanswered" } else { Redeemed::CreditListFailed.as_str() };
            call.told.code = if call.redeem.is_none() { "network" } else { lost }.into();
            return Further::Told;
        };
        if used {
            let (_, code) = read_redemption(status, body);
            call.told.code = code;
            return Further::Told;
        }
        let list = match read_resets(status, body, now.wall) {
            Ok(list) => list,
            Err(failure) => {
                let failed = Redeemed::CreditListFailed.as_str();
                call.told.code = if call.redeem.is_some() { failed.into() } else { failure.code };
                return Further::Told;
            }
        };
        let Some(redeem) = &call.redeem else {
            call.told.code = "listed".into();
            call.told.list = Some(list);
            return Further::Told;
        };
        let credit =
            pick_reset(&list, redeem.credit.as_deref(), now.wall).and_then(|credit| credit.id.clone());
        call.told.list = Some(list);
        let request = match (&credit, self.account_at(call.handle, call.secret)) {
            (None, _) => Err(Redeemed::NoCredit),
            (Some(_), None) => Err(Redeemed::AccountUnavailable),
            (Some(credit), Some(account)) => {
                redeem_request(account, credit, &redeem.id).map_err(|_| Redeemed::AccountUnavailable)
            }
        };
        call.told.credit = credit;
        match request {
            Ok(request) => Further::Ask(request),
            Err(why) => {
                call.told.code = why.as_str().into();
                Further::Told
            }
        }
    }
}

fn told(code: &str) -> Completion {
    Completion::Resets(Box::new(ResetsTold { code: code.into(), ..ResetsTold::default() }))
}
