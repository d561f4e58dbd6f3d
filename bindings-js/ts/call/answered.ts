// The end of a call that was answered: the lease ends now, or with the body where something of it is waited for.
import type { Desk } from "../desk.js";
import { whenBodyEnds } from "../fetch/observe.js";
import type { StreamEnds } from "../fetch/observe.js";
import { isJson, success, transportOf } from "../outcome.js";
import type { OutcomeSource } from "../outcome.js";

/** A body of these types is handed on while it comes; its lease ends with it. */
const STREAMED = /^(text\/event-stream|application\/(x-ndjson|jsonl|stream\+json|vnd\.amazon\.eventstream))\b/i;
/** Of these, the one that is no text. */
const BINARY = /amazon\.eventstream/i;

/** Who made the call. */
export interface Caller {
  readonly desk: Desk;
  report(outcome: OutcomeSource): Promise<unknown>;
  /** Has the caller given up? Its own abort says nothing against the credential. */
  aborted(): boolean;
}

/** Ends the lease of a call that was answered. `body`: what was read of the answer already. */
export function answered(caller: Caller, lease: number, answer: Response, body?: string): void {
  const { desk } = caller;
  // Not the answer itself: who waits for a body's end must not keep it.
  const { headers } = answer;
  const wanted = desk.wanted(lease);
  const type = headers.get("content-type") ?? "";
  const streamed = STREAMED.test(type);
  const open = answer.body !== null && !answer.bodyUsed && !answer.body.locked;
  if (!open || !(streamed || (wanted.usage && body === undefined && isJson(answer)))) {
    desk.succeed(lease, success(headers, wanted, body));
    return;
  }
  const ended = (error?: unknown, ends?: StreamEnds) => {
    const transport = error === undefined || caller.aborted() ? undefined : (transportOf(error) ?? "connection");
    if (transport !== undefined && transport !== "aborted") void caller.report({ transport });
    else if (streamed && ends && transport === undefined) void caller.report({ headers, stream: ends });
    else quietly(() => desk.succeed(lease, success(headers, wanted, ends && ends.head === undefined && !streamed ? ends.tail : undefined)));
  };
  whenBodyEnds(answer, ended, !streamed ? "whole" : BINARY.test(type) ? "bytes" : "ends");
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // The engine is gone; whoever uses the pool next is told.
  }
}
