//! One question about one credential, by hand: is it good, which saved resets has it, use one of them. A token that has expired is
//! renewed first. Whatever is learned disables nobody: a dead grant rests, and the next real use decides
//! (spec/omp-selection.md §6.1, §6.3).

use super::member::ScopeKey;
use super::saving::PendingOp;
use super::{Effect, Engine, FailedCode, Reply};
use crate::cooldown::Source;
use crate::id::{Handle, OpId, RequestId};
use crate::refresh::RefreshFailure;
use crate::time::{Instant, Span};
use crate::usage::report::ResetCredits;
use crate::verdict::Reason;

/// At most so many are under way; further ones are answered at once that there is no place.
const MOST: usize = 1024;

/// What is wanted of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Is it good? Its provider is asked what is left of it.
    Check,
    /// Which saved resets has it?
    Resets,
    /// Use one of them.
    Redeem(Redemption),
}

/// A saved reset that is to be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redemption {
    /// This one; else the one that ends first.
    pub credit: Option<Box<str>>,
    /// An id of the caller's: the same for every try of one redemption.
    pub id: Box<str>,
}

/// Is a credential good?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// None: nobody can say.
    pub ok: Option<bool>,
    /// Why it is not good, or why nobody can say: a word.
    pub reason: Option<Box<str>>,
    /// Its secret may be shown to its provider all the same: it has not expired, and nobody took it out of use.
    pub usable: bool,
}

/// What came of a question about saved resets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResetsTold {
    /// A word: `listed`, `reset`, `no_credit`, `http_503`.
    pub code: Box<str>,
    /// The list, where it came.
    pub list: Option<ResetCredits>,
    /// The one that was used, or was to be.
    pub credit: Option<Box<str>>,
}

/// One that is under way.
#[derive(Debug)]
pub(super) struct Running {
    request: RequestId,
    handle: Handle,
    incarnation: u32,
    pub(super) until: Instant,
    errand: Errand,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    /// Its tokens are being renewed.
    Renewing,
    /// Its provider is asked what is left of it.
    Asking,
    /// Its provider is asked for saved resets.
    Calling(OpId),
}

impl Engine {
    /// Begins one.
    #[inline(never)]
    pub(super) fn run_errand(&mut self, request: RequestId, handle: Handle, wait: Span, errand: Errand) {
        let Some(incarnation) = self.member(handle).map(|member| member.incarnation) else {
            return self.fail(request, FailedCode::NotFound, "there is no such credential");
        };
        let until = crate::retry::deadline(self.now.mono, wait);
        let running = Running { request, handle, incarnation, until, errand, stage: Stage::Begin };
        if self.errands.len() >= MOST {
            let _ = self.end_errand(&running, "busy", None);
            return;
        }
        self.errands.push(running);
    }

    /// Each goes on as far as it can.
    #[inline(never)]
    pub(super) fn serve_errands(&mut self) {
        for mut running in std::mem::take(&mut self.errands) {
            if !self.further(&mut running) {
                self.errands.push(running);
            }
        }
    }

    /// Is it over?
    fn further(&mut self, running: &mut Running) -> bool {
        let now = self.now;
        let Some(member) = self.member(running.handle).filter(|of| of.incarnation == running.incarnation)
        else {
            self.fail(running.request, FailedCode::NotFound, "the credential was removed meanwhile");
            return true;
        };
        let expired = member.record.expires.is_some_and(|at| at <= now.wall);
        if running.stage == Stage::Begin {
            if !member.record.enabled {
                return self.end_errand(running, "disabled", None);
            }
            if member.record.needs_login {
                return self.end_errand(running, "needs_login", Some(false));
            }
            if expired && !self.is_renewable(member) {
                return self.end_errand(running, "expired", Some(false));
            }
            if expired {
                let asking = self.member_mut(running.handle).map(|member| &mut member.asking);
                if let Some(asking) = asking {
                    asking.get_or_insert_with(Box::default).unrenewed = None;
                }
                self.renew_to_ask(running.handle);
                running.stage = Stage::Renewing;
            } else {
                self.go(running);
            }
        }
        if running.until <= now.mono {
            return self.end_errand(running, "timeout", None);
        }
        let Some(member) = self.member(running.handle) else { return false };
        match running.stage {
            Stage::Renewing if member.job.is_some() => false,
            Stage::Renewing if expired => {
                let unrenewed = member.asking.as_ref().and_then(|asking| asking.unrenewed.as_deref());
                let said = ["refresh-", unrenewed.unwrap_or("failed")].concat();
                self.end_errand(running, &said, Some(false))
            }
            Stage::Renewing => {
                self.go(running);
                self.asked_for(running)
            }
            _ => self.asked_for(running),
        }
    }

    /// Its token is good: the question itself.
    fn go(&mut self, running: &mut Running) {
        let handle = running.handle;
        let redeem = match &running.errand {
            Errand::Check => {
                let _ = self.ask_usage(handle, true);
                running.stage = Stage::Asking;
                return;
            }
            Errand::Resets => None,
            Errand::Redeem(redemption) => Some(redemption.clone()),
        };
        let Some(secret) = self.member(handle).map(|member| member.secret) else { return };
        let op = self.op();
        self.ops.insert(op, PendingOp::Resets { handle, incarnation: running.incarnation });
        self.effects.push(Effect::Resets { op, handle, secret, redeem });
        running.stage = Stage::Calling(op);
    }

    /// Has the question about usage been answered?
    fn asked_for(&mut self, running: &Running) -> bool {
        let Some(member) = self.member(running.handle).filter(|_| running.stage == Stage::Asking) else {
            return false;
        };
        if !self.can_be_asked(member) {
            let known = self.serving.asked(member.provider) != 0;
            return self.end_errand(running, if known { "kind" } else { "no_probe" }, None);
        }
        let Some(asking) = &member.asking else { return self.end_errand(running, "busy", None) };
        if asking.is_open() {
            return false;
        }
        let silent = self.serving.asked(member.provider) & super::SAYS_NOTHING != 0;
        let trouble = asking.trouble.as_ref().map(|trouble| (trouble.rejected, trouble.code.clone()));
        match trouble {
            // An outage says nothing of the credential.
            Some((rejected, code)) => self.end_errand(running, &code, rejected.then_some(false)),
            None if silent => self.end_errand(running, "not_validated", None),
            None => self.end_errand(running, "", Some(true)),
        }
    }

    fn end_errand(&mut self, running: &Running, reason: &str, ok: Option<bool>) -> bool {
        let now = self.now.wall;
        let usable = self.member(running.handle).is_some_and(|member| {
            let record = &member.record;
            record.enabled && !record.needs_login && record.expires.is_none_or(|at| at > now)
        });
        let reply = if running.errand == Errand::Check {
            let reason = Some(reason).filter(|reason| !reason.is_empty()).map(Into::into);
            Reply::Checked(Checked { ok, reason, usable })
        } else {
            // Whose token cannot be had cannot be asked.
            let code = if reason.starts_with("refresh-") { "account_unavailable" } else { reason };
            Reply::Resets(ResetsTold { code: code.into(), ..ResetsTold::default() })
        };
        self.reply(running.request, reply);
        true
    }

    /// What a provider says of saved resets, however late.
    #[inline(never)]
    pub(super) fn resets_told(&mut self, op: OpId, handle: Handle, incarnation: u32, told: ResetsTold) {
        let current = self.member(handle).is_some_and(|member| member.incarnation == incarnation);
        if current && &*told.code == "reset" {
            self.begin_anew(handle);
        }
        let at = self.errands.iter().position(|running| running.stage == Stage::Calling(op));
        if let Some(at) = at {
            let running = self.errands.remove(at);
            self.reply(running.request, Reply::Resets(told));
        }
    }

    /// A window of an account was begun anew: what rests for want of it is back, and what was reported is asked for again.
    fn begin_anew(&mut self, handle: Handle) {
        self.expire_report(handle);
        let Some(member) = self.member_mut(handle) else { return };
        let mut gone = Vec::new();
        member.health.retain(|(scope, state)| {
            let spent = matches!(state.reason, Some(Reason::Quota | Reason::RateLimit));
            if spent {
                gone.push(scope.clone());
            }
            !spent
        });
        // What it says is of the window before.
        member.usage = None;
        for scope in gone {
            self.end_of_rest(handle, &scope, Source::Hand);
        }
        self.restand(handle, None);
        let _ = self.ask_usage(handle, true);
    }

    fn end_of_rest(&mut self, handle: Handle, scope: &ScopeKey, source: Source) {
        self.health_changed(handle, scope);
        self.tell_recovered(handle, scope, Some(Reason::Quota));
        if let Some(event) = self.events.last_mut() {
            event.cause = Some(source.as_str().into());
        }
    }

    /// Renews an account's tokens because somebody asks about it. Where nobody else wants that, a grant that turns out dead ends
    /// nothing: the next real use decides.
    #[inline(never)]
    pub(super) fn renew_to_ask(&mut self, handle: Handle) {
        let only_asked = self.job(handle).is_none_or(|job| job.asked_about);
        self.start_refresh(handle, false, false, true);
        if let Some(job) = self.job(handle) {
            job.asked_about = only_asked;
        }
    }

    /// A refresh failed: whoever asks about the account is told.
    pub(super) fn not_renewed(&mut self, handle: Handle, failure: &RefreshFailure) {
        let now = self.now.wall;
        let Some(member) = self.member_mut(handle) else { return };
        let incarnation = member.incarnation;
        let expired = member.record.expires.is_some_and(|at| at <= now);
        if let Some(asking) = member.asking.as_mut() {
            asking.unrenewed = Some(failure.code.clone());
            if expired {
                self.not_to_be_asked(handle, incarnation, failure);
            }
        }
    }

    /// Whoever asks gives up: what is under way goes on.
    #[inline(never)]
    pub(super) fn cancel_errand(&mut self, request: RequestId) -> bool {
        let before = self.errands.len();
        self.errands.retain(|running| running.request != request);
        self.errands.len() < before
    }
}
