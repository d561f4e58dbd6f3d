// `credpool/postgres`: the store for many machines.
export { postgresStore } from "./store/postgres.js";
export type { PostgresStoreOptions, PostgresTls } from "./store/postgres.js";
export { PostgresError } from "./store/postgres-driver.js";
