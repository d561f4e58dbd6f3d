// The public API, the same in every entry.
export type { ExecuteContext, ExecuteOptions, Executor, StreamExecutor } from "./call/execute.js";
export type { DefaultProfile } from "./default-profiles.js";
export { CredpoolError } from "./errors.js";
export type { CheckOptions, CompletionHealth, CompletionProbe, CredentialHealth, ProbedCredential } from "./health.js";
export type { AccountResets, ListResetsOptions, Redeemed, RedeemCode, RedeemOptions, ResetCredit } from "./resets.js";
export type { ErrorCode, OutCandidate } from "./errors.js";
export type { EventKind, Listener, PoolEvent } from "./events.js";
export { formatExplanation } from "./explanation.js";
export type { Attempt, AttemptOptions } from "./call/attempts.js";
export type { FetchOptions } from "./fetch/fetch.js";
export type { Host } from "./host.js";
export type { Lease } from "./lease.js";
export { ready } from "./load/engine.js";
export type { HeaderSource, OutcomeParts, OutcomeSource } from "./outcome.js";
export type {
  CallbackFactory, CallbackReceiver, CallbackResult, LoginFlow, LoginOptions, LoginPrompt, OAuthClient, OAuthDefinition,
} from "./login/types.js";
export { CredentialPool } from "./pool.js";
export type { ExportedProfile, Preference, Profile, Profiles, Resolution, ResolveOptions } from "./profiles.js";
export type { Providers } from "./providers.js";
export type { TransportError } from "./protocol.js";
export type { SecretResolver } from "./references.js";
export type { Refusal } from "./refusal.js";
export type { Share, SharedLimits, ShareRequest } from "./shared-limits.js";
export { simulate } from "./simulate.js";
export type { ScenarioReport, ScenarioStep } from "./simulate.js";
export { chromeStorageStore } from "./store/chrome.js";
export type { ChromeStorageOptions, StorageArea } from "./store/chrome.js";
export { indexedDbStore } from "./store/indexeddb.js";
export { memoryStore } from "./store/memory.js";
export type { MemoryStoreOptions } from "./store/memory.js";
export { SealError } from "./store/sealed/error.js";
export type { SealErrorCode } from "./store/sealed/error.js";
export { keychain, newSealingKey, passphrase, rawKey } from "./store/sealed/keys.js";
export type { Argon2id, KeyNotes, PassphraseOptions, SealingKey, WrappingKey } from "./store/sealed/keys.js";
export { sealed } from "./store/sealed/sealed.js";
export type { SealedStore } from "./store/sealed/sealed.js";
export { Watchers } from "./store/watchers.js";
export { Notices } from "./store/notices.js";
export { RETENTION } from "./store/store.js";
export type {
  CommitResult, CredentialStore, LogEntry, LogFilter, Mutation, Retention, Row, RowId, RowName, StoreLease, StoreNotice, StoreState,
} from "./store/store.js";
export type {
  AcquireOptions, Candidate, CooldownInfo, CredentialChanges, CredentialInfo, CredentialRef, CredentialState, CredentialStatus, Explanation, Fallback, Identity, Kind, Limits, ModelAlias, NewCredential,
  NewProviderCredential, Origin, Overrides, Peeked, Placement, PoolOptions, ProviderDefinition, ProviderInfo, Report, RouteOptions,
  Introspection, Refreshed, RefreshedAccount, RefreshedTokens, Refresher, RefreshOptions, Renewal, RenewedAccount,
} from "./types.js";
export type { TransportFactory, TransportTarget } from "./transport.js";
export type {
  AccountUsage, FetchUsageOptions, MarkedUsage, MarkUsageOptions, UsageAmount, UsageCredits, UsageLimit, UsageReport, UsageReportInput, UsageScope, UsageStatus, UsageUnit, UsageWindow,
} from "./usage.js";
export type { RecordCostOptions, UsageCostEntry, UsageHistoryEntry, UsageHistoryOptions } from "./history.js";
export type { UsageAccount, UsageProvider } from "./usage-host.js";
export { version } from "./version.js";
