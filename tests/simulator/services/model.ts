// What may become of a typed call, and why: everything else is a fault of the code.
import { ServiceError } from "@protosocket/protosocket/services";
import { shown } from "../trace.ts";
import type { ServicesPlan } from "./plan.ts";
import type { TypedRecord } from "./record.ts";
import { type Item, Planned } from "./service.ts";

/** Milliseconds after its time is up that a call may settle: two timers look at the poll between. */
const SLACK = 10;

/** Checks a call that has settled; returns what is wrong with it, if anything is. */
export function wrong(services: ServicesPlan, call: TypedRecord): string | undefined {
  const { plan, begun, error } = call;
  if (call.hasTooMuch && begun > 0) return "was begun with too much metadata";
  // A call that is hedged is made twice, and a pool may try each of them again.
  if (begun > (plan.idempotent && plan.kind === "unary" ? 6 : 1)) return `was begun ${begun} times`;
  // What has arrived may still be read.
  const reading = plan.pace * (call.read + 1);
  const slack = reading + services.freezes.reduce((sum, { ms }) => sum + ms, SLACK);
  if (call.settled! - call.made > (plan.timeout ?? Infinity) + slack) {
    return "took longer than it may";
  }
  if (error === undefined) return wrongSuccess(call);
  return explained(services, call, error) ? undefined : `failed without a reason: ${shown(error)}`;
}

function wrongSuccess(call: TypedRecord): string | undefined {
  const { plan, read } = call;
  if (call.left) return undefined;
  if (call.hasTooMuch) return "succeeded with too much metadata";
  if (plan.ending !== "answer" && plan.ending !== "deaf") {
    return `succeeded, although its handler is to ${plan.ending}`;
  }
  const taken = Math.min(plan.requests, plan.readsRequests);
  const fails = plan.requestsFailAt >= 0 && plan.requestsFailAt < taken;
  if ((plan.kind === "client" || plan.kind === "bidi") && fails) return "got over its source's end";
  if (plan.kind === "unary" || plan.kind === "client") {
    const expected = plan.kind === "unary" ? 0 : taken;
    const { call: token, seq } = call.answer as Item;
    if (token !== call.token || seq !== expected) return `has the answer ${seq} of call ${token}`;
    if (call.beside.join() !== `${token},${token}`) return `came with ${call.beside.join()}`;
    return undefined;
  }
  const expected = plan.kind === "server" ? plan.items : taken;
  return call.complete && read === expected
    ? undefined
    : `ended as complete after ${read} of ${expected} items`;
}

function explained(services: ServicesPlan, call: TypedRecord, error: unknown): boolean {
  const { plan } = call;
  const took = call.settled! - call.began;
  if (call.reason !== undefined && error === call.reason) {
    return call.settled! >= call.began + plan.cancelAfter!;
  }
  if (error instanceof Planned) return plan.requestsFailAt >= 0;
  const disturbed = services.cuts.length > 0 || services.restart !== undefined;
  // Nobody listens while the server is restarted.
  if (!(error instanceof ServiceError)) return disturbed && Object(error).code === "refused";
  switch (error.code) {
    case "deadline-exceeded":
      return plan.timeout !== undefined && took >= plan.timeout - 1;
    case "aborted":
      return plan.ending === "fail" && error.message === `planned ${call.token}` &&
        error.details.length === 1;
    case "internal":
      return plan.ending === "throw";
    case "resource-exhausted":
      return call.hasTooMuch;
    case "unavailable":
      return disturbed;
    default:
      return false;
  }
}
