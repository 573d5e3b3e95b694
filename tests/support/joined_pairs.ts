import type { Listener } from "../../mod.ts";
import { relay } from "./relay.ts";

/** Joins each connection to the one after it, so that both ends of a pair may dial. */
export async function joinPairs(listener: Listener): Promise<void> {
  const accepted = listener[Symbol.asyncIterator]();
  for (;;) {
    const [first, second] = [await accepted.next(), await accepted.next()];
    if (first.done || second.done) return;
    relay(first.value, second.value, {});
  }
}
