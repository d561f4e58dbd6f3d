//! Whoever the index gives is whom a plain sort of all ranks would give, for any sequence of reports, times, rests and picks.

use crate::engine::{
    Acquire, AcquireCommand, Command, Completion, Effect, Engine, Input, MarkCommand, Reply, Row, RowId,
    RowKind, Step,
};
use crate::entropy::Seed;
use crate::id::{Handle, OpId, RequestId, RouteId, SecretRef, SessionIx};
use crate::policy::Policy;
use crate::select::Standing;
use crate::time::{Instant, Now, Span, Timestamp};
use crate::usage::report::{Amount, Limit, Ppm, Report, Window};
use proptest::prelude::*;

const WALL: u64 = 1_800_000_000_000;
const COUNT: u32 = 9;

struct World {
    engine: Engine,
    route: RouteId,
    mono: u64,
}

impl World {
    fn new(policy: &str) -> Self {
        let policy = Policy::read(crate::json::read(policy).unwrap()).unwrap();
        let now = Now::from_millis(WALL, 0);
        let mut engine = Engine::new(policy, Seed(1), now);
        let _ = engine.handle(now, Input::Command(Command::Load { request: RequestId(1) }));
        let row = |id: u32| {
            let data = format!(
                r#"{{"uid":"u{id}","provider":"zai","name":"n{id}","kind":"api_key","created":0,"secret_version":1}}"#
            );
            Row {
                kind: RowKind::Credential,
                id: RowId::Number(u64::from(id) + 1),
                version: 1,
                data: Some(data.into()),
                secret: Some(SecretRef(0)),
            }
        };
        let loaded = Completion::Loaded { generation: 1, rows: (0..COUNT).map(row).collect() };
        let _ = engine.handle(now, Input::Completion(OpId(1), loaded));
        let route = engine.route("zai", Some("glm"), true);
        Self { engine, route, mono: 0 }
    }

    fn now(&self) -> Now {
        Now::from_millis(WALL + self.mono, self.mono)
    }

    fn tell(&mut self, command: Command) -> Step {
        self.engine.handle(self.now(), Input::Command(command))
    }

    /// The first by a plain sort of those who are ready; nobody where the tier is not ranked yet.
    fn sorted(&self) -> Option<Handle> {
        let route = self.engine.routes.get(self.route)?;
        let mut all = Vec::new();
        for handle in self.engine.handles() {
            let member = self.engine.member(handle)?;
            if self.engine.standing(member, route.model) == Standing::Ready {
                all.push((self.engine.usage_rank(handle, member, route.model), handle));
            }
        }
        let now = self.mono.cast_signed();
        all.sort_by(|(one, a), (other, b)| one.compare(other, now).0.then(a.cmp(b)));
        all.first().map(|(_, handle)| *handle)
    }

    fn acquire(&mut self) -> Option<Handle> {
        if let Acquire::Ready(lease) =
            self.engine.try_acquire(Instant(self.mono), self.route, SessionIx::NONE)
        {
            let _ = self.engine.abandon(lease);
            return Some(lease.handle());
        }
        let step = self.tell(Command::Acquire(AcquireCommand {
            request: RequestId(9),
            routes: vec![self.route],
            session: SessionIx::NONE,
            known_as: SessionIx::NONE,
            exclude: Vec::new(),
            tried: Vec::new(),
            round: 0,
            wait: Span::ZERO,
            after: None,
            prefer: None,
            now: false,
        }));
        step.effects.iter().find_map(|effect| match effect {
            Effect::Reply { reply: Reply::Leased(leased), .. } => Some(leased.handle),
            _ => None,
        })
    }
}

fn report(used: u32, reset: u64, short: u32, fetched: u64) -> Report {
    let limit = |id: &str, hours: u64, used: u32, reset: u64| {
        let resets_at = (!reset.is_multiple_of(7)).then_some(Timestamp(WALL + reset));
        Limit {
            id: id.into(),
            window: Some(Window::of(Span::from_hours(hours), resets_at)),
            amount: Amount { used_share: Some(Ppm(used)), ..Amount::default() },
            ..Limit::default()
        }
    };
    Report {
        provider: "zai".into(),
        fetched_at: Timestamp(WALL + fetched),
        limits: vec![limit("long", 168, used, reset), limit("short", 5, short, reset / 3)],
        ..Report::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_index_gives_whom_a_plain_sort_would_give(
        steps in prop::collection::vec(
            (0_u8..8, 0_u32..COUNT, 0_u32..=1_000_000, 0_u64..500_000_000, 0_u32..=1_000_000),
            1..80,
        ),
        pending in prop_oneof![Just(0_u32), Just(5_000)],
        renews in any::<bool>(),
    ) {
        let mut world = World::new(&format!(
            r#"{{"strategy":"usage","usage":{{"pending":{pending},"renews":{renews}}},"affinity":{{"kind":"none"}},"jitter":0,"return":{{"probes":0}}}}"#
        ));
        for (what, who, used, reset, short) in steps {
            let handle = Handle(who);
            match what {
                0 | 1 => {
                    let report = report(used, world.mono + reset, short, world.mono);
                    let _ = world.tell(Command::Usage { request: RequestId(2), handle, report: Box::new(report) });
                }
                2 => world.mono += reset / 1000,
                3 => world.mono += reset / 10,
                4 => {
                    let command = MarkCommand {
                        request: RequestId(3),
                        route: world.route,
                        session: SessionIx::NONE,
                        handle: Some(handle),
                        retry_after: Some(Span(reset / 100 + 1)),
                    };
                    let _ = world.tell(Command::MarkUsage(command));
                }
                _ => {
                    // What is due is done first: a rest that ends now is over.
                    let now = world.now();
                    let _ = world.engine.handle(now, Input::Tick);
                    if world.engine.ranked.is_empty() {
                        continue;
                    }
                    let expected = world.sorted();
                    prop_assert_eq!(world.acquire(), expected);
                }
            }
        }
    }
}
