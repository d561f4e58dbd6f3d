//! Logins under way, and accounts that are given back: the machine of `login/` in the engine's terms.

use super::saving::PendingOp;
use super::{Effect, Engine, Event, EventKind, FailedCode, Reply};
use crate::facts::oauth::Flow;
use crate::id::{CredentialId, Handle, OpId, RequestId};
use crate::login::{Login, News, Stage, Todo};
use crate::time::{Instant, Span};

/// At most so many logins are open at once: each waits for a person.
const MAX_LOGINS: usize = 64;

/// A login and whose it is.
#[derive(Debug)]
pub(super) struct OpenLogin {
    request: RequestId,
    provider: Box<str>,
    login: Login,
}

impl Engine {
    /// Starts a login; its request is answered when it is over.
    #[inline(never)]
    pub(super) fn start_login(
        &mut self,
        request: RequestId,
        provider: Box<str>,
        flow: Flow,
        discover: bool,
        wait: Span,
    ) {
        if self.logins.len() >= MAX_LOGINS {
            self.effects.push(Effect::LoginOver { login: request });
            return self.fail(
                request,
                FailedCode::Login,
                "too_many: more logins are open than anybody can have begun",
            );
        }
        let (login, todo) = Login::start(flow, discover, wait, self.now.mono);
        self.logins.push(OpenLogin { request, provider, login });
        let at = self.logins.len() - 1;
        self.tell_login(EventKind::LoginStarted, at, None);
        self.follow(at, todo);
    }

    /// Something came for a login, from outside.
    #[inline(never)]
    pub(super) fn hear_login(&mut self, request: RequestId, news: News) {
        let mono = self.now.mono;
        let Some(at) = self.login_at(request) else { return };
        let todo = self.logins[at].login.hear(news, mono);
        self.follow(at, todo);
    }

    /// What is due of logins.
    #[inline(never)]
    pub(super) fn serve_due_logins(&mut self) {
        let mono = self.now.mono;
        while let Some(at) = self.logins.iter().position(|open| open.login.deadline() <= mono) {
            let todo = self.logins[at].login.due(mono);
            self.follow(at, todo);
        }
    }

    /// When the first of them is due.
    #[inline(never)]
    pub(super) fn first_login(&self) -> Option<Instant> {
        self.logins.iter().map(|open| open.login.deadline()).min()
    }

    /// What an effect that asks something for a login asks, and for which; none where it is another effect, or the login is over.
    pub fn login_call(&self, op: OpId) -> Option<(RequestId, Stage)> {
        let Some(&PendingOp::Login { login, stage }) = self.ops.get(&op) else { return None };
        self.login_at(login).map(|_| (login, stage))
    }

    /// Where a login stands; none where it is over.
    pub fn login_stage(&self, request: RequestId) -> Option<Stage> {
        self.login_at(request).and_then(|at| self.logins.get(at)).map(|open| open.login.stage())
    }

    /// The one who asked for a login gave up. Is it one?
    #[inline(never)]
    pub(super) fn cancel_login(&mut self, request: RequestId) {
        if let Some(at) = self.login_at(request) {
            self.follow(at, Todo::Fail("cancelled".into()));
        }
    }

    /// What a login brought is stored.
    #[inline(never)]
    pub(super) fn login_stored(&mut self, request: RequestId, handle: Option<Handle>) {
        if let Some(at) = self.login_at(request) {
            self.tell_login(EventKind::LoggedIn, at, handle);
            self.logins.remove(at);
            self.effects.push(Effect::LoginOver { login: request });
        }
    }

    /// The store did not take what a login brought. Was it a login? Then it is tried again.
    #[inline(never)]
    pub(super) fn login_to_be_stored_again(&mut self, request: RequestId) -> bool {
        let Some(at) = self.login_at(request) else { return false };
        let transient = News::Failed { code: "store".into(), transient: true };
        let todo = self.logins[at].login.hear(transient, self.now.mono);
        self.follow(at, todo);
        true
    }

    /// An account is given back: first to its provider, then it is taken out of the store. Whatever the provider says.
    #[inline(never)]
    pub(super) fn log_out(&mut self, request: RequestId, handle: Handle, revoke: bool) {
        let Some(id) = self.member(handle).and_then(|member| member.id) else {
            return self.fail(request, FailedCode::NotFound, "there is no such stored credential");
        };
        if !revoke {
            return self.remove(request, handle);
        }
        let op = self.op();
        self.ops.insert(op, PendingOp::Revoke { request, id });
        self.effects.push(Effect::Revoke { op, handle });
    }

    /// The provider has answered, or not.
    #[inline(never)]
    pub(super) fn revoked(&mut self, request: RequestId, id: CredentialId) {
        match self.find(id) {
            Some(handle) => self.remove(request, handle),
            None => self.reply(request, Reply::Done { ids: vec![id] }),
        }
    }

    /// The credential that an effect gives back.
    pub fn revoking(&self, op: OpId) -> bool {
        matches!(self.ops.get(&op), Some(PendingOp::Revoke { .. }))
    }

    fn login_at(&self, request: RequestId) -> Option<usize> {
        self.logins.iter().position(|open| open.request == request)
    }

    fn follow(&mut self, at: usize, todo: Todo) {
        let login = self.logins[at].request;
        match todo {
            Todo::Wait => {}
            Todo::Call(stage) => {
                let op = self.op();
                self.ops.insert(op, PendingOp::Login { login, stage });
                self.effects.push(Effect::LoginCall { op, login, stage });
            }
            Todo::Prompt => self.effects.push(Effect::LoginPrompt { login }),
            Todo::Store => self.effects.push(Effect::LoginStore { login }),
            Todo::Fail(code) => {
                self.tell_login(EventKind::LoginFailed, at, None).cause = Some(code.clone());
                self.logins.remove(at);
                self.effects.push(Effect::LoginOver { login });
                self.fail(login, FailedCode::Login, code);
            }
        }
    }

    fn tell_login(&mut self, kind: EventKind, at: usize, handle: Option<Handle>) -> &mut Event {
        let provider = self.logins[at].provider.clone();
        let event = self.event(kind, handle);
        event.provider = Some(provider);
        event
    }
}
