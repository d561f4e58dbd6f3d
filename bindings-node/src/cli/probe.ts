// credpool probe: one request with one credential, whatever state it is in; what comes of it counts.
import { UsageError } from "./command.js";
import type { Command } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";
import { fromNow } from "./table.js";

export const probeCommand: Command = {
  name: "probe",
  summary: "ask a provider with one credential alone, and believe the answer",
  help: `Usage: credpool probe PROVIDER:NAME URL [OPTIONS]

Sends one GET with the credential in it, whatever state it is in, and notes what comes
of it: an answer ends its rests as the policy says, and enables it where a failure
had disabled it. What was disabled by hand stays disabled.

  credpool probe openai:work https://api.openai.com/v1/models

Options:
  --model MODEL  it is about this model
${STORE_HELP}

Exit code: 0 if it was answered, 1 if not.`,
  words: ["profile"],
  options: { ...STORE_OPTIONS, model: { type: "string" } },
  async run({ out }, values, [id, url, surplus]) {
    if (id === undefined || url === undefined || surplus !== undefined || !/^https?:\/\//.test(url)) throw new UsageError("probe: name the profile as PROVIDER:NAME, and one address");
    return withPool(values, async (pool) => {
      const { response, report } = await pool.probe(id, url, {}, { model: values.model as string | undefined });
      await response.body?.cancel();
      const { reason, scope, until } = report;
      const ok = reason === "ok";
      const enabled = pool.get(id)?.enabled === true;
      if (values.json === true) out.line(JSON.stringify({ id, status: response.status, ...report, enabled }));
      else out.line(`${out.paint(ok ? "green" : "red", ok ? "answered" : reason.replaceAll("_", " "))} ${id}: HTTP ${response.status}${until === undefined ? "" : `, ${scope} rests, back ${fromNow(until)}`}${enabled ? "" : ", disabled"}`);
      return ok ? 0 : 1;
    });
  },
};
