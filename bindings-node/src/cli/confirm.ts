// A question that is answered with yes or no.
import { UsageError } from "./command.js";
import type { Context } from "./command.js";

/** Asks; where nobody sits there, `otherwise` is said and nothing done. Whatever is not a yes is a no. */
export async function confirmed({ ask }: Context, question: string, otherwise: string): Promise<boolean> {
  if (!ask) throw new UsageError(otherwise);
  const answer = await ask(`${question} [y/N] `, new AbortController().signal);
  return /^\s*(?:y|yes)\s*$/i.test(answer ?? "");
}
