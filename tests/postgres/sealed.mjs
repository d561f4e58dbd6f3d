// @ts-check
// A sealed store in PostgreSQL: the conformance suite.
import { after, before, test } from "node:test";
import { rawKey, sealed } from "credpool";
import { postgresStore } from "credpool/postgres";
import { storeConformance } from "credpool/store-conformance";
import { startCluster } from "./support/cluster.mjs";

/** @type {Awaited<ReturnType<typeof startCluster>>} */
let cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster.remove());
let schemas = 0;

const cases = storeConformance((retention) => {
  const options = { ...cluster.options, schema: `sealed_${(schemas += 1)}`, ...retention };
  const make = () => sealed(postgresStore(options), rawKey("7".repeat(64)));
  return {
    store: make(),
    again: make,
    bounded: true,
    corrupt: async ({ kind, id }) => void (await cluster.psql(`UPDATE ${options.schema}.entry SET data = 'damaged', secret = '{' WHERE kind = '${kind}' AND owner = ${id}`)),
    cleanUp: async () => void (await cluster.psql(`DROP SCHEMA IF EXISTS ${options.schema} CASCADE`)),
  };
}, ["again", "watch", "bounded", "corrupt"]);
// 100,000 secrets are sealed and opened in the tests of sealed(): here they would only show how long that takes.
for (const { name, run } of cases.filter(({ name }) => !name.startsWith("100,000"))) test(`postgres, sealed: ${name}`, run);
