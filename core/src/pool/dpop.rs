//! Proofs of possession in the host's terms: a request of an account whose tokens are bound to a key goes out with what is to
//! be signed; where its server wants a nonce in it, it goes out once more with that (RFC 9449 §8, §9).

use super::protocol::PoolInput;
use super::{HostEffect, Pool};
use crate::id::{Handle, OpId, RequestId};
use crate::oauth::{self, Proof, Refused};
use crate::secret::Secret;
use crate::time::{Instant, Timestamp};
use crate::wire::http::{Headers, HttpRequest};

/// Of so many servers it is known what they want; the one that was heard of first is forgotten.
const MOST_SERVERS: usize = 64;
/// A clock that is off by less is right: a header has whole seconds, and an answer is under way for a while. Milliseconds.
const CLOCK_NOISE: u64 = 5_000;

/// What servers want in proofs, and requests that went out with one.
#[derive(Default)]
pub(super) struct Proofs {
    servers: Vec<Server>,
    sent: Vec<Sent>,
    /// How many proofs were written: no two are the same.
    count: u64,
}

/// What is known of a server.
struct Server {
    /// Scheme, host and port.
    origin: Box<str>,
    nonce: Option<Box<str>>,
    /// Its clock, less ours, and the other way round: one of them is zero. Milliseconds.
    ahead: u64,
    behind: u64,
}

/// A request that has no answer yet.
struct Sent {
    op: OpId,
    handle: Option<Handle>,
    login: Option<RequestId>,
    /// Without its proof.
    request: HttpRequest,
    at: Instant,
    /// It went out for the second time.
    again: bool,
}

impl Proofs {
    /// Does nobody wait for an answer?
    pub(super) const fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }
}

impl Pool {
    /// A request as an effect, with its proof where it needs one.
    #[inline(never)]
    pub(super) fn send(
        &mut self,
        op: OpId,
        handle: Option<Handle>,
        login: Option<RequestId>,
        request: HttpRequest,
    ) -> HostEffect {
        self.send_proven(Sent { op, handle, login, request, at: self.engine.now().mono, again: false })
    }

    fn send_proven(&mut self, sent: Sent) -> HostEffect {
        let mut request = sent.request.clone();
        let (op, handle, login) = (sent.op, sent.handle, sent.login);
        if let Some(key) = &sent.request.key {
            // The token that goes along, where one does: at a resource, not at a token endpoint.
            let shown = request.headers.iter().find(|(name, _)| &**name == "authorization");
            let access = shown.and_then(|(_, value)| value.expose().strip_prefix("DPoP ")).map(Secret::new);
            let wall = self.engine.now().wall;
            if let Some(input) = self.written(wall, key, access.as_ref(), request.method, &request.url) {
                request.headers.push(("dpop".into(), Secret::new(input)));
                self.proofs.sent.push(sent);
            }
        }
        HostEffect::Http { op, handle, login, request }
    }

    /// What is to be signed as the proof for one request with an access token. `None` where the key is none.
    #[inline(never)]
    pub fn proof(
        &mut self,
        wall: Timestamp,
        key: &str,
        access: &str,
        method: &str,
        url: &str,
    ) -> Option<String> {
        self.written(wall, &Secret::new(key), Some(&Secret::new(access)), method, url)
    }

    fn written(
        &mut self,
        wall: Timestamp,
        key: &Secret,
        access: Option<&Secret>,
        method: &str,
        url: &str,
    ) -> Option<String> {
        self.proofs.count += 1;
        let own = |number: u64| number.to_string();
        let unlike = [&*own(self.seed.0), " ", &*own(wall.0), " ", &*own(self.proofs.count)].concat();
        let origin = oauth::origin_of(url);
        let server = self.proofs.servers.iter().find(|server| &*server.origin == origin);
        let at =
            server.map_or(wall.0, |server| wall.0.saturating_add(server.ahead).saturating_sub(server.behind));
        let nonce = server.and_then(|server| server.nonce.as_deref());
        let proof = Proof { method, url, at: Timestamp(at), unlike: &unlike, access, nonce };
        oauth::signing_input(key, &proof)
    }

    /// An answer to a request with a proof. Is the request to be made once more?
    #[inline(never)]
    pub fn proof_answered(
        &mut self,
        wall: Timestamp,
        url: &str,
        status: u16,
        headers: &[(String, String)],
    ) -> bool {
        let headers = Headers::new(headers);
        self.note_server(wall, url, status, headers, "")
    }

    /// Keeps what an answer says of its server. Was a proof refused that can be mended by it?
    fn note_server(
        &mut self,
        wall: Timestamp,
        url: &str,
        status: u16,
        headers: Headers<'_>,
        body: &str,
    ) -> bool {
        let origin = oauth::origin_of(url);
        let nonce = oauth::nonce_of(headers);
        let date = headers.date_or(wall);
        let (ahead, behind) = (date.since(wall).0, wall.since(date).0);
        // A clock is looked at where a proof was refused: a wrong date on a good answer changes nothing.
        let refused = oauth::refuses_proof(status, headers, body);
        let off = refused.is_some() && ahead.max(behind) > CLOCK_NOISE;
        let servers = &mut self.proofs.servers;
        let known = servers.iter().position(|server| &*server.origin == origin);
        if known.is_none() && (nonce.is_some() || off) {
            if servers.len() >= MOST_SERVERS {
                servers.remove(0);
            }
            servers.push(Server { origin: origin.into(), nonce: None, ahead: 0, behind: 0 });
        }
        let at = known.unwrap_or(servers.len().saturating_sub(1));
        if let Some(server) = servers.get_mut(at).filter(|server| &*server.origin == origin) {
            if let Some(nonce) = nonce {
                server.nonce = Some(nonce.into());
            }
            if off {
                (server.ahead, server.behind) = (ahead, behind);
            }
        }
        match refused {
            Some(Refused::Nonce) => nonce.is_some(),
            Some(Refused::Proof) => off,
            None => false,
        }
    }

    /// An answer to a request of ours, if this is one: its server's nonce is kept. The request once more, where that is wanted.
    #[inline(never)]
    pub(super) fn proof_was_answered(&mut self, input: &PoolInput) -> Option<HostEffect> {
        let (op, answer) = match input {
            PoolInput::Answered { op, status, headers, body } => (*op, Some((*status, headers, body))),
            PoolInput::Unanswered { op, .. } => (*op, None),
            _ => return None,
        };
        let place = self.proofs.sent.iter().position(|sent| sent.op == op)?;
        let sent = self.proofs.sent.swap_remove(place);
        let (status, headers, body) = answer?;
        let now = self.engine.now();
        let headers = Headers::from(headers);
        let mended = self.note_server(now.wall, &sent.request.url, status, headers, body);
        // Nothing was exchanged by a request that was refused like this, so it may be made again: at once, so that it is over while
        // the lease of a refresh holds, and only once.
        let soon = now.mono.0.saturating_sub(sent.at.0) <= self.engine.policy().refresh.timeout.0 / 3;
        let again = mended && soon && !sent.again;
        again.then(|| self.send_proven(Sent { again: true, ..sent }))
    }
}
