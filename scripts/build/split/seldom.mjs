// @ts-check
// What is in more.wasm: what a program with keys and the default rules never does. It is loaded before the first step that may
// need it; which steps these are is said in bindings-js/ts/load/more.ts, and a function that is listed here must not be
// reached by any other. Whatever only these functions use goes with them.

/** How the path of a function begins, and why it is here. @type {readonly (readonly [string, string])[]} */
export const seldom = [
  ["credpool::pool::seldom::", "inputs and effects of all that follows"],
  ["credpool::pool::usage::<impl credpool::pool::Pool>::usage_answered", "an answer of a provider that was asked what is left"],
  ["credpool::provider::usage::probe::", "a provider that is asked what is left"],
  ["credpool::pool::usage::<impl credpool::pool::Pool>::usage_by_host", "a program with a usage provider of its own"],
  ["credpool::pool::resets::", "saved resets"],
  ["credpool::engine::errand::", "a question about one credential"],
  ["credpool::engine::fetching::<impl credpool::engine::Engine>::not_to_be_asked", "an account's tokens"],
  ["credpool::engine::by_host::", "a program that ranks accounts itself"],
  ["credpool::engine::history::<impl credpool::engine::Engine>::record_cost", "a cost that is told by hand"],
  ["credpool::login::", "a login"],
  ["credpool::oauth::", "a login, or an account's tokens"],
  ["credpool::pool::login::", "a login"],
  ["credpool::pool::dpop::", "tokens that are bound to a key"],
  ["credpool::engine::logins::", "a login"],
  ["credpool::engine::refreshing::", "an account's tokens"],
  ["credpool::engine::renewing::", "an account's tokens"],
  ["credpool::engine::refresh_end::", "an account's tokens"],
  ["credpool::engine::tokens::", "an account's tokens"],
  ["credpool::refresh::", "an account's tokens"],
  ["credpool::engine::sharing::", "limits that many machines share"],
  ["credpool::limit::share::", "limits that many machines share"],
  ["credpool::engine::by_hand::", "a command that changes a credential or the rules"],
  ["credpool::engine::changing::<impl credpool::engine::Engine>::conflicted", "a conflict"],
  ["credpool::pool::accounts::", "an account that is added"],
  ["credpool::select::otherwise::", "a policy with another strategy, or with another affinity"],
  ["credpool::select::weighted::", "the strategy weighted"],
  ["credpool::select::chance::", "strategies that draw"],
  ["credpool::wire::session::", "a policy that reads sessions off requests"],
  ["credpool::policy::preset::<impl credpool::policy::model::Policy>::merged", "other rules than the default"],
];
