// Limits that hold for many machines together, in Valkey or Redis: `credpool/valkey`.
export { valkeyLimits } from "./valkey/limits.js";
export type { ValkeyLimitsOptions } from "./valkey/limits.js";
export { ValkeyError } from "./valkey/error.js";
export type { ValkeyClient } from "./valkey/client.js";
