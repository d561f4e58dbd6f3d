//! A step: when, one verb, and what to expect.

use super::{
    AcquireStep, AnswerSpec, AutoRefreshStep, CallStep, ClockStep, CostStep, CrashStep, CredentialSpec,
    ErrandStep, ExplainStep, FetchUsageStep, FreezeStep, HeadersStep, LabelStep, MarkStep, NameStep, Nothing,
    OverrideStep, PauseStep, ProviderStep, RefreshStep, ReportStep, ResetStep, RotateStep, ScenarioError,
    StateStep, StoreDownStep, UntieStep, UsageStep, VisitStep,
};
use crate::json::{from_json, Value};

/// One step: when, one verb, and what to expect.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Step {
    /// When, in milliseconds since `start`. A smaller value than the step before has runs at the clock.
    pub at: u64,
    /// Which pool.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub pool: usize,
    /// So many times.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub repeat: Option<u32>,
    /// With so many milliseconds between them.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub every: u64,
    /// What the result must have.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub expect: Option<Value>,
    /// A credential for a call.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub acquire: Option<AcquireStep>,
    /// A whole call, as `fetch` makes it.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub call: Option<CallStep>,
    /// What came of an `acquire` or a `refresh` that waits.
    #[cfg_attr(feature = "schema", schemars(default, rename = "await"))]
    pub await_: Option<LabelStep>,
    /// An `acquire` or a `refresh` that waits gives up.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub cancel: Option<LabelStep>,
    /// A call ended.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub report: Option<ReportStep>,
    /// A session's call failed, and its next is to be somebody else's.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub rotate: Option<RotateStep>,
    /// What an answer means.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub classify: Option<AnswerSpec>,
    /// How a credential stands.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub state: Option<StateStep>,
    /// A new credential.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub add: Option<CredentialSpec>,
    /// A credential changes: its name, and what is new.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub update: Option<CredentialSpec>,
    /// A credential goes.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub remove: Option<NameStep>,
    /// A credential may be used again.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub enable: Option<NameStep>,
    /// A credential may not be used.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub disable: Option<NameStep>,
    /// Rests end, by hand.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub reset: Option<ResetStep>,
    /// A credential gets no new work.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub drain: Option<NameStep>,
    /// A credential is not used for a time.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub pause: Option<PauseStep>,
    /// A credential that was paused or drained is used again.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub resume: Option<NameStep>,
    /// Other rules: a preset's name, or a document.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub policy: Value,
    /// A key that is not stored.
    #[cfg_attr(feature = "schema", schemars(default, rename = "override"))]
    pub override_: Option<OverrideStep>,
    /// Which leg of the cascade would give a provider's credential.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub origin: Option<ProviderStep>,
    /// Who would be picked, and why the others would not.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub explain: Option<ExplainStep>,
    /// A session is free.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub untie: Option<UntieStep>,
    /// What happened since the last such step.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub events: Option<Nothing>,
    /// Tokens are renewed.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub refresh: Option<RefreshStep>,
    /// The provider is asked whether tokens are good.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub introspect: Option<NameStep>,
    /// Tokens are renewed by themselves, or no longer.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub auto_refresh: Option<AutoRefreshStep>,
    /// Requests that were sent since the last such step.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub requests: Option<Nothing>,
    /// A usage report came.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub usage: Option<UsageStep>,
    /// The headers of an answer say what is left.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub ingest_headers: Option<HeadersStep>,
    /// Providers are asked what is left.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub fetch_usage: Option<FetchUsageStep>,
    /// A usage limit is reached.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub mark_usage_limit: Option<MarkStep>,
    /// What a call cost.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub record_cost: Option<CostStep>,
    /// What the store remembers of usage and of costs.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub histories: Option<Nothing>,
    /// Is a credential good?
    #[cfg_attr(feature = "schema", schemars(default))]
    pub check_credential: Option<ErrandStep>,
    /// Which saved resets has an account?
    #[cfg_attr(feature = "schema", schemars(default))]
    pub reset_credits: Option<ErrandStep>,
    /// One of them is used.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub redeem_reset: Option<ErrandStep>,
    /// The process dies and comes back.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub crash: Option<CrashStep>,
    /// A whole call, answered by the world's provider.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub visit: Option<VisitStep>,
    /// The process stands still.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub freeze: Option<FreezeStep>,
    /// Whoever stands before the store goes and comes back.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub store_down: Option<StoreDownStep>,
    /// How the accounts of a world stand.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub check: Option<Nothing>,
    /// The wall clock jumps.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub clock: Option<ClockStep>,
}

from_json! {
    strict Step {
        at,
        pool = 0,
        repeat = None,
        every = 0,
        expect = None,
        acquire = None,
        call = None,
        await_ as "await" = None,
        cancel = None,
        report = None,
        rotate = None,
        classify = None,
        state = None,
        add = None,
        update = None,
        remove = None,
        enable = None,
        disable = None,
        reset = None,
        drain = None,
        pause = None,
        resume = None,
        policy = Value::Null,
        override_ as "override" = None,
        origin = None,
        explain = None,
        untie = None,
        events = None,
        refresh = None,
        introspect = None,
        auto_refresh = None,
        requests = None,
        usage = None,
        mark_usage_limit = None,
        record_cost = None,
        histories = None,
        check_credential = None,
        reset_credits = None,
        redeem_reset = None,
        ingest_headers = None,
        fetch_usage = None,
        crash = None,
        visit = None,
        freeze = None,
        store_down = None,
        check = None,
        clock = None,
    }
}

/// A step's verb with its arguments.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields of Step are documented")]
pub enum Verb<'a> {
    Acquire(&'a AcquireStep),
    Call(&'a CallStep),
    Await(&'a LabelStep),
    Cancel(&'a LabelStep),
    Report(&'a ReportStep),
    Rotate(&'a RotateStep),
    Classify(&'a AnswerSpec),
    State(&'a StateStep),
    Add(&'a CredentialSpec),
    Update(&'a CredentialSpec),
    Remove(&'a NameStep),
    Enable(&'a NameStep),
    Disable(&'a NameStep),
    Reset(&'a ResetStep),
    Drain(&'a NameStep),
    Pause(&'a PauseStep),
    Resume(&'a NameStep),
    Policy(&'a Value),
    Override(&'a OverrideStep),
    Origin(&'a ProviderStep),
    Explain(&'a ExplainStep),
    Untie(&'a UntieStep),
    Events,
    Refresh(&'a RefreshStep),
    Introspect(&'a NameStep),
    AutoRefresh(&'a AutoRefreshStep),
    Requests,
    Usage(&'a UsageStep),
    MarkUsageLimit(&'a MarkStep),
    RecordCost(&'a CostStep),
    Histories,
    CheckCredential(&'a ErrandStep),
    ResetCredits(&'a ErrandStep),
    RedeemReset(&'a ErrandStep),
    IngestHeaders(&'a HeadersStep),
    FetchUsage(&'a FetchUsageStep),
    Crash(&'a CrashStep),
    Visit(&'a VisitStep),
    Freeze(FreezeStep),
    StoreDown(StoreDownStep),
    Check,
    Clock(&'a ClockStep),
}

impl Step {
    /// Is its verb one that only a world knows?
    pub(super) const fn needs_world(&self) -> bool {
        let of_clock = match &self.clock {
            Some(clock) => clock.pool.is_some(),
            None => false,
        };
        let of_crash = match &self.crash {
            Some(crash) => crash.span > 0,
            None => false,
        };
        self.visit.is_some()
            || self.freeze.is_some()
            || self.store_down.is_some()
            || self.check.is_some()
            || of_clock
            || of_crash
    }

    /// The step's one verb and its name.
    pub fn verb(&self) -> Result<(&'static str, Verb<'_>), ScenarioError> {
        let given = [
            self.acquire.as_ref().map(|step| ("acquire", Verb::Acquire(step))),
            self.call.as_ref().map(|step| ("call", Verb::Call(step))),
            self.await_.as_ref().map(|step| ("await", Verb::Await(step))),
            self.cancel.as_ref().map(|step| ("cancel", Verb::Cancel(step))),
            self.report.as_ref().map(|step| ("report", Verb::Report(step))),
            self.rotate.as_ref().map(|step| ("rotate", Verb::Rotate(step))),
            self.classify.as_ref().map(|step| ("classify", Verb::Classify(step))),
            self.state.as_ref().map(|step| ("state", Verb::State(step))),
            self.add.as_ref().map(|step| ("add", Verb::Add(step))),
            self.update.as_ref().map(|step| ("update", Verb::Update(step))),
            self.remove.as_ref().map(|step| ("remove", Verb::Remove(step))),
            self.enable.as_ref().map(|step| ("enable", Verb::Enable(step))),
            self.disable.as_ref().map(|step| ("disable", Verb::Disable(step))),
            self.reset.as_ref().map(|step| ("reset", Verb::Reset(step))),
            self.drain.as_ref().map(|step| ("drain", Verb::Drain(step))),
            self.pause.as_ref().map(|step| ("pause", Verb::Pause(step))),
            self.resume.as_ref().map(|step| ("resume", Verb::Resume(step))),
            Some(&self.policy).filter(|policy| !policy.is_null()).map(|step| ("policy", Verb::Policy(step))),
            self.override_.as_ref().map(|step| ("override", Verb::Override(step))),
            self.origin.as_ref().map(|step| ("origin", Verb::Origin(step))),
            self.explain.as_ref().map(|step| ("explain", Verb::Explain(step))),
            self.untie.as_ref().map(|step| ("untie", Verb::Untie(step))),
            self.events.as_ref().map(|_| ("events", Verb::Events)),
            self.refresh.as_ref().map(|step| ("refresh", Verb::Refresh(step))),
            self.introspect.as_ref().map(|step| ("introspect", Verb::Introspect(step))),
            self.auto_refresh.as_ref().map(|step| ("auto_refresh", Verb::AutoRefresh(step))),
            self.requests.as_ref().map(|_| ("requests", Verb::Requests)),
            self.usage.as_ref().map(|step| ("usage", Verb::Usage(step))),
            self.mark_usage_limit.as_ref().map(|step| ("mark_usage_limit", Verb::MarkUsageLimit(step))),
            self.record_cost.as_ref().map(|step| ("record_cost", Verb::RecordCost(step))),
            self.histories.as_ref().map(|_| ("histories", Verb::Histories)),
            self.check_credential.as_ref().map(|step| ("check_credential", Verb::CheckCredential(step))),
            self.reset_credits.as_ref().map(|step| ("reset_credits", Verb::ResetCredits(step))),
            self.redeem_reset.as_ref().map(|step| ("redeem_reset", Verb::RedeemReset(step))),
            self.ingest_headers.as_ref().map(|step| ("ingest_headers", Verb::IngestHeaders(step))),
            self.fetch_usage.as_ref().map(|step| ("fetch_usage", Verb::FetchUsage(step))),
            self.crash.as_ref().map(|step| ("crash", Verb::Crash(step))),
            self.visit.as_ref().map(|step| ("visit", Verb::Visit(step))),
            self.freeze.map(|step| ("freeze", Verb::Freeze(step))),
            self.store_down.map(|step| ("store_down", Verb::StoreDown(step))),
            self.check.map(|_| ("check", Verb::Check)),
            self.clock.as_ref().map(|step| ("clock", Verb::Clock(step))),
        ];
        let mut verbs = given.into_iter().flatten();
        match (verbs.next(), verbs.next()) {
            (Some(verb), None) => Ok(verb),
            (None, _) => Err(ScenarioError::new(".", "has no verb")),
            (Some((one, _)), Some((other, _))) => Err(ScenarioError::new(
                other,
                format!("a step has one verb, and this one has `{one}` already"),
            )),
        }
    }
}
