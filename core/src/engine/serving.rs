//! Which credentials serve a model, and what each one's upstream calls it.
//!
//! A state is kept for what the upstream has: two names of one model share a cooldown, and so do its thinking variants.

use super::member::{Member, ScopeKey};
use super::names::Names;
use super::Engine;
use crate::credential::{canonical_model, upstream_text, Alias, ModelRules};
use crate::facts::usage::UsageFacts;
use crate::id::{Handle, LeaseId, ModelIx, ProviderIx};
use crate::policy::Strategy;
use crate::select::{OutReason, Standing};
use crate::time::{Instant, Span};

/// What holds for all credentials of each provider.
#[derive(Debug, Default)]
pub(super) struct Serving {
    by_provider: Vec<OfProvider>,
    /// Who has a prefix is asked with it only.
    force_prefix: bool,
}

#[derive(Debug, Default)]
struct OfProvider {
    rules: ModelRules,
    /// What its models draw on, where that is known.
    usage: Option<UsageFacts>,
    /// Which kinds of credentials it can be asked about: a bit for each.
    asked: u8,
    /// The host ranks its reports.
    ranked_by_host: bool,
    /// When its reports were looked over last.
    looked: Option<Instant>,
    /// Whatever of it somebody has asked for: a bit for each place in the list.
    watched: u64,
    /// Namespaces that credentials of it have.
    prefixes: Vec<Box<str>>,
    /// Aliases that end in a suffix: these very texts are names of their own.
    suffixed: Vec<Box<str>>,
}

/// Which cooldowns cover which models.
#[derive(Clone, Copy)]
pub(super) struct Cover<'a> {
    pub(super) serving: &'a Serving,
    pub(super) names: &'a Names,
}

impl Cover<'_> {
    /// Does a cooldown of this scope cover a model of a provider? A meter that nobody knows covers everything.
    pub(super) fn covers(self, provider: ProviderIx, scope: &ScopeKey, model: Option<ModelIx>) -> bool {
        match scope {
            ScopeKey::Credential | ScopeKey::Apart => true,
            ScopeKey::Model(of) => Some(*of) == model,
            ScopeKey::Meter(name) => match self.serving.usage(provider).filter(|facts| facts.knows(name)) {
                Some(facts) => {
                    let model = model.map(|model| self.names.text(model.0));
                    facts.draw(facts.draw_of(model)).rests == &**name
                }
                None => true,
            },
        }
    }
}

/// One of the models that a name stands for.
enum Turn {
    /// There are no more.
    End,
    /// This one may not be used.
    Not,
    Model(ModelIx),
}

impl Serving {
    /// What a provider's models draw on, where that is known.
    pub(super) fn usage(&self, provider: ProviderIx) -> Option<UsageFacts> {
        self.of(provider)?.usage
    }

    pub(super) fn set_usage(&mut self, provider: ProviderIx, facts: UsageFacts) {
        if let Some(of) = self.by_provider.get_mut(provider.0 as usize) {
            of.usage = Some(facts);
        }
    }

    pub(super) fn set_asked(&mut self, provider: ProviderIx, kinds: u8) {
        if let Some(of) = self.by_provider.get_mut(provider.0 as usize) {
            of.asked = kinds;
        }
    }

    pub(super) fn set_ranked_by_host(&mut self, provider: ProviderIx, ranked: bool) {
        if let Some(of) = self.by_provider.get_mut(provider.0 as usize) {
            of.ranked_by_host = ranked;
        }
    }

    /// Does the host rank a provider's reports?
    pub(super) fn is_ranked_by_host(&self, provider: ProviderIx) -> bool {
        self.of(provider).is_some_and(|of| of.ranked_by_host)
    }

    /// Which kinds of credentials a provider can be asked about: a bit for each.
    pub(super) fn asked(&self, provider: ProviderIx) -> u8 {
        self.of(provider).map_or(0, |of| of.asked)
    }

    /// Are a provider's reports to be looked over again? An eighth of their life later they are.
    pub(super) fn is_due(&mut self, provider: ProviderIx, now: Instant, ttl: Span) -> bool {
        let Some(of) = self.by_provider.get_mut(provider.0 as usize) else { return false };
        if of.looked.is_some_and(|at| now < at + Span(ttl.0 / 8)) {
            return false;
        }
        of.looked = Some(now);
        true
    }

    /// Somebody asks for models that draw on this. Is that new?
    pub(super) fn watch(&mut self, provider: ProviderIx, draw: usize) -> bool {
        let Some(of) = self.by_provider.get_mut(provider.0 as usize) else { return false };
        let before = of.watched;
        of.watched |= 1 << (draw & 63);
        of.watched != before
    }

    pub(super) fn is_watched(&self, provider: ProviderIx, draw: usize) -> bool {
        self.of(provider).is_some_and(|of| of.watched >> (draw & 63) & 1 == 1)
    }

    fn of(&self, provider: ProviderIx) -> Option<&OfProvider> {
        self.by_provider.get(provider.0 as usize)
    }

    /// The namespace that a model's name begins with, and the rest.
    fn namespace<'a>(&self, provider: ProviderIx, name: &'a str) -> Option<(&'a str, &'a str)> {
        let of = self.of(provider)?;
        name.split_once('/').filter(|(first, _)| of.prefixes.iter().any(|prefix| &**prefix == *first))
    }

    /// The `n`th of the models that a name stands for, as this credential's upstream has them.
    fn turn(&self, member: &Member, model: ModelIx, n: usize, names: &Names) -> Turn {
        let Some(of) = self.of(member.provider) else { return Turn::End };
        let (own, name) = (&member.rules, names.text(model.0));
        if own.is_empty() && of.rules.is_empty() && of.prefixes.is_empty() {
            return if n == 0 { Turn::Model(model) } else { Turn::End };
        }
        let bare = match self.namespace(member.provider, name) {
            Some((prefix, rest)) if own.prefix() == Some(prefix) => rest,
            Some(_) => return Turn::End,
            None if self.force_prefix && own.prefix().is_some() => return Turn::End,
            None => name,
        };
        let rules = if own.has_alias(bare) { own } else { &of.rules };
        let target = match rules.target(bare, n) {
            Some(target) => canonical_model(target),
            None if n > 0 || rules.has_alias(bare) || own.hides(bare) || of.rules.hides(bare) => {
                return Turn::End
            }
            None => canonical_model(bare),
        };
        match names.find(target) {
            Some(upstream) if own.allows(target) && of.rules.allows(target) => Turn::Model(ModelIx(upstream)),
            _ => Turn::Not,
        }
    }

    /// How a credential stands towards a model: ready where one of those that the name stands for is.
    pub(super) fn standing(&self, member: &Member, model: Option<ModelIx>, names: &Names) -> Standing {
        let cover = Cover { serving: self, names };
        let Some(model) = model else { return member.standing(None, cover) };
        let mut best: Option<Standing> = None;
        let mut n = 0;
        loop {
            match self.turn(member, model, n, names) {
                Turn::End => break,
                Turn::Not => {}
                Turn::Model(upstream) => match (member.standing(Some(upstream), cover), best) {
                    (Standing::Ready, _) => return Standing::Ready,
                    (Standing::Out(_, None), Some(_)) => {}
                    (Standing::Out(_, Some(until)), Some(Standing::Out(_, Some(other))))
                        if other <= until => {}
                    (standing, _) => best = Some(standing),
                },
            }
            n += 1;
        }
        match (best, member.standing(None, cover)) {
            (Some(standing), _) => standing,
            // Who may not be used at all says so, whatever it serves.
            (None, Standing::Out(reason, until)) if !reason.may_return() => Standing::Out(reason, until),
            (None, _) => Standing::Out(OutReason::ModelNotListed, None),
        }
    }
}

impl Engine {
    /// The policy's rules for a provider that is new here.
    pub(super) fn serve_provider(&mut self, name: &str, provider: ProviderIx) {
        self.serving.by_provider.push(OfProvider::default());
        self.follow_policy(name, provider);
    }

    /// The policy's rules for a provider, new ones or others than before. Its credentials and models are for the caller.
    pub(super) fn follow_policy(&mut self, name: &str, provider: ProviderIx) {
        let rules = self.policy.providers.get(name).map_or_else(ModelRules::default, |rules| {
            ModelRules::new(&rules.models, &rules.excluded_models, None, &rules.aliases)
        });
        self.serving.force_prefix = self.policy.force_prefix;
        if let Some(of) = self.serving.by_provider.get_mut(provider.0 as usize) {
            of.rules = rules;
            of.suffixed.clear();
        }
        if let Some(rules) = self.policy.providers.get(name) {
            let targets: Vec<Box<str>> = rules.aliases.iter().map(|alias| alias.name.clone()).collect();
            let aliases = rules.aliases.iter().map(|alias| alias.alias.clone()).collect();
            self.learn_aliases(provider, &targets, aliases);
        }
    }

    pub(super) const fn cover(&self) -> Cover<'_> {
        Cover { serving: &self.serving, names: &self.models }
    }

    /// How a credential stands towards a model, or towards calls that name none, by the policy too.
    pub(super) fn standing(&self, member: &Member, model: Option<ModelIx>) -> Standing {
        match self.serving.standing(member, model, &self.models) {
            Standing::Ready | Standing::Out(OutReason::Cooling(_) | OutReason::Limit, _)
                if member.record.weight == 0 && self.policy.plain_strategy() == Strategy::Weighted =>
            {
                Standing::Out(OutReason::NoWeight, None)
            }
            standing => standing,
        }
    }

    /// May its upstream call a model otherwise than callers do?
    pub fn maps(&self, handle: Handle) -> bool {
        self.hot.get(handle.0 as usize).is_some_and(|hot| hot.mapped)
    }

    /// Which of its upstream's models a call gets: those of a pool take turns, and who rests is passed over.
    pub(super) fn choose_upstream(&mut self, handle: Handle, model: ModelIx) -> Option<ModelIx> {
        let (serving, names) = (&self.serving, &self.models);
        let member = self.members[handle.0 as usize].as_mut()?;
        let mut count = 0;
        while !matches!(serving.turn(member, model, count, names), Turn::End) {
            count += 1;
        }
        let mut first = 0;
        if count > 1 {
            let turns = &mut member.turns;
            let at = turns.iter().position(|(of, _)| *of == model).unwrap_or_else(|| {
                turns.push((model, 0));
                turns.len() - 1
            });
            first = turns[at].1 as usize % count;
            turns[at].1 = turns[at].1.wrapping_add(1);
        }
        let mut resting = None;
        for n in 0..count {
            if let Turn::Model(upstream) = serving.turn(member, model, (first + n) % count, names) {
                if member.standing(Some(upstream), Cover { serving, names }) == Standing::Ready {
                    return Some(upstream);
                }
                resting = resting.or(Some(upstream));
            }
        }
        // Given all the same, for its limit or because the policy wants it.
        resting.or(Some(model))
    }

    /// The model that a report without a lease is about.
    pub(super) fn upstream_of(&self, handle: Handle, model: Option<ModelIx>) -> Option<ModelIx> {
        let (member, model) = (self.member(handle)?, model?);
        match self.serving.turn(member, model, 0, &self.models) {
            Turn::Model(upstream) => Some(upstream),
            _ => Some(model),
        }
    }

    /// What the upstream of a lease calls the model that its caller named; `None` where that is the caller's own name.
    pub fn upstream_model(&self, lease: LeaseId, requested: &str) -> Option<String> {
        let (prefix, alias) = self.mapping(lease)?;
        let asked = requested.trim().get(prefix..)?;
        let text = alias.map_or_else(|| asked.to_owned(), |alias| upstream_text(&alias.name, asked));
        Some(text).filter(|text| text != requested)
    }

    /// What the answer to a lease's call is to call its model, where that is not as the upstream calls it: the alias that was
    /// asked for, as it was configured, where it or the policy says so.
    pub fn answer_model(&self, lease: LeaseId) -> Option<&str> {
        let (_, alias) = self.mapping(lease)?;
        alias.filter(|alias| alias.force || self.policy.force_mapping).map(|alias| &*alias.alias)
    }

    /// By what the model of a lease's caller became the upstream's: the length of the namespace in front, and the alias.
    fn mapping(&self, lease: LeaseId) -> Option<(usize, Option<&Alias>)> {
        let open = self.leases.get(lease)?;
        let (model, upstream) = (self.routes.get(open.route)?.model?, open.upstream?);
        let member = self.member(open.handle)?;
        let of = self.serving.of(member.provider)?;
        let name = self.models.text(model.0);
        let bare = self.serving.namespace(member.provider, name).map_or(name, |(_, rest)| rest);
        let rules = if member.rules.has_alias(bare) { &member.rules } else { &of.rules };
        let mut n = 0;
        loop {
            let alias = rules.alias(bare, n);
            if alias.is_none_or(|alias| canonical_model(&alias.name) == self.models.text(upstream.0)) {
                return Some((name.len() - bare.len(), alias));
            }
            n += 1;
        }
    }

    /// The name under which a requested model is known: without its suffix, unless it is an alias as it stands.
    pub(super) fn model_named<'a>(&self, provider: ProviderIx, requested: &'a str) -> &'a str {
        let requested = requested.trim();
        let bare = self.serving.namespace(provider, requested).map_or(requested, |(_, rest)| rest);
        let suffixed = self.serving.of(provider).map_or(&[][..], |of| &of.suffixed);
        if suffixed.iter().any(|alias| alias.eq_ignore_ascii_case(bare)) {
            return requested;
        }
        canonical_model(requested)
    }

    /// Learns the names in a route's model: what is behind a namespace is a model too.
    pub(super) fn learn_names(&mut self, model: ModelIx) {
        let rest =
            self.models.text(model.0).split_once('/').map(|(_, rest)| canonical_model(rest).to_owned());
        if let Some(rest) = rest {
            let _ = self.model_ix(&rest);
        }
        let base = canonical_model(self.models.text(model.0)).to_owned();
        let _ = self.model_ix(&base);
    }

    /// A credential's rules hold from now on: their names are learned, and every model has an index of its own.
    pub(super) fn learn_rules(&mut self, handle: Handle) {
        let Some(member) = self.member(handle) else { return };
        let provider = member.provider;
        let targets: Vec<Box<str>> = member.record.aliases.iter().map(|alias| alias.name.clone()).collect();
        let aliases: Vec<Box<str>> = member.record.aliases.iter().map(|alias| alias.alias.clone()).collect();
        let prefix = member.record.prefix.clone();
        let own_rounds = self.own_rounds.max(member.record.retry);
        let restricted = !member.rules.is_empty();
        let rounds = member.record.retry.map_or(self.policy.retry.rounds, u32::from);
        let mapped = member.rules.maps() || self.serving.of(provider).is_some_and(|of| of.rules.maps());
        self.hot[handle.0 as usize].mapped = mapped;
        self.own_rounds = own_rounds;
        self.rounds[handle.0 as usize] = rounds;
        self.learn_aliases(provider, &targets, aliases);
        let Some(of) = self.serving.by_provider.get_mut(provider.0 as usize) else { return };
        let new_prefix = prefix.filter(|prefix| !of.prefixes.contains(prefix));
        let is_new = new_prefix.is_some();
        of.prefixes.extend(new_prefix);
        if restricted {
            for model in self.routes.models_of(provider).collect::<Vec<_>>() {
                self.learn_names(model);
                self.give_own_shard(provider, model);
            }
        }
        if is_new {
            // Whoever else served a name that begins like this does not any more.
            self.restand_all(provider);
        }
    }

    pub(super) fn learn_aliases(
        &mut self,
        provider: ProviderIx,
        targets: &[Box<str>],
        aliases: Vec<Box<str>>,
    ) {
        for target in targets {
            let _ = self.model_ix(canonical_model(target));
        }
        let Some(of) = self.serving.by_provider.get_mut(provider.0 as usize) else { return };
        for alias in aliases {
            if alias.ends_with(')') && !of.suffixed.contains(&alias) {
                of.suffixed.push(alias);
            }
        }
    }

    fn restand_all(&mut self, provider: ProviderIx) {
        for at in 0..self.members.len() {
            if self.members[at].as_ref().is_some_and(|member| member.provider == provider) {
                self.restand(Handle(at as u32), None);
            }
        }
    }

    /// Do credentials of the provider serve only some models, or under other names?
    pub(super) fn has_restricted(&self, provider: ProviderIx) -> bool {
        let Some(of) = self.serving.of(provider) else { return false };
        let restricted = |member: &Member| member.provider == provider && member.is_restricted();
        !of.rules.is_empty() || self.members.iter().filter_map(Option::as_deref).any(restricted)
    }
}
