// @ts-check
// Looks into an SQLite file, and at what no user should do to it, with the SQLite of the runtime.
/** @typedef {{ exec(sql: string): unknown, prepare(sql: string): { run(...values: unknown[]): unknown, get(...values: unknown[]): any, all(...values: unknown[]): any[] }, close(): void }} Database */

/** @template T @param {string} file @param {(database: Database) => T | Promise<T>} work @returns {Promise<T>} */
export async function inside(file, work) {
  const { openDatabase } = await import(new URL("../../../target/package/node/store/sqlite-driver.js", import.meta.url).href);
  const database = await openDatabase(file);
  try {
    database.exec("PRAGMA busy_timeout = 5000");
    return await work(database);
  } finally {
    database.close();
  }
}
