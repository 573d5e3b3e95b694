import type { EncodeBuffer } from "../../mod.ts";
import { shown, wrong } from "../check.ts";
import { readText, writeText } from "../codecs/text.ts";
import { putLength } from "../codecs/varint.ts";
import type { ServerContext } from "./context.ts";
import {
  type Body,
  Encoding,
  type MethodDefinition,
  type MethodKind,
  type ServiceDefinition,
} from "./definition.ts";
import { implement, type Implementation } from "./handlers.ts";
import { ServiceError } from "./status.ts";

/** How a service is, as `grpc.health.v1` names it, in lower case. */
export type ServingStatus = "unknown" | "serving" | "not-serving" | "service-unknown";

/** What a client asks: the full name of a service; empty for the server as a whole. */
export interface HealthCheckRequest {
  /** The full name of a service; empty for the server as a whole. */
  readonly service?: string;
}

/** What a server says of a service. */
export interface HealthCheckResponse {
  /** How it is. */
  readonly status: ServingStatus;
}

const STATUSES: readonly ServingStatus[] = ["unknown", "serving", "not-serving", "service-unknown"];

/** A message whose only field is a short text. */
const REQUEST: Body<HealthCheckRequest, Required<HealthCheckRequest>> = {
  encode({ service = "" }, out) {
    if (service === "") return;
    const at = out.reserve(2);
    out.bytes[at] = 0x0a;
    out.offset = at + 2;
    const before = out.length;
    writeText(service, out);
    putLength(out, before, 1);
  },
  decode(bytes, start, end) {
    if (start === end) return { service: "" };
    const from = start + 1 + (bytes[start + 1]! < 128 ? 1 : 2);
    if (bytes[start] !== 0x0a || from > end) throw new TypeError("no HealthCheckRequest");
    return { service: readText(bytes, from, end) };
  },
};

/** A message whose only field is a small number. */
const RESPONSE: Body<HealthCheckResponse, HealthCheckResponse> = {
  encode({ status }, out: EncodeBuffer) {
    const at = out.reserve(2);
    out.bytes[at] = 0x08;
    out.bytes[at + 1] = STATUSES.indexOf(status);
    out.offset = at + 2;
  },
  decode(bytes, start, end) {
    return { status: end - start === 2 ? STATUSES[bytes[start + 1]!] ?? "unknown" : "unknown" };
  },
};

/** The type of {@linkcode Health}. */
export type HealthService = ServiceDefinition<{
  /** Asks how a service is. */
  readonly check: MethodDefinition<
    "unary",
    HealthCheckRequest,
    Required<HealthCheckRequest>,
    HealthCheckResponse,
    HealthCheckResponse
  >;
  /** Says how a service is, and again whenever that changes. */
  readonly watch: MethodDefinition<
    "server_streaming",
    HealthCheckRequest,
    Required<HealthCheckRequest>,
    HealthCheckResponse,
    HealthCheckResponse
  >;
}>;

const SERVICE = "grpc.health.v1.Health";

/** The service `grpc.health.v1.Health`, for {@linkcode createClient}. */
export const Health: HealthService = {
  name: SERVICE,
  methods: {
    check: /* @__PURE__ */ method("unary", "Check"),
    watch: /* @__PURE__ */ method("server_streaming", "Watch"),
  },
};

function method<Kind extends MethodKind>(kind: Kind, name: string) {
  return {
    kind,
    path: `${SERVICE}/${name}`,
    idempotent: true,
    encoding: Encoding.protobuf,
    request: REQUEST,
    response: RESPONSE,
  };
}

/** The service {@linkcode Health} of a server, as {@linkcode health} makes it. */
export interface HealthImplementation extends Implementation {
  /**
   * Says how a service is; an empty name is the server as a whole. Throws a `TypeError` for a
   * status that there is not.
   */
  set(service: string, status: ServingStatus): void;
}

/**
 * Makes the service `grpc.health.v1.Health`: pass it to `serveServices` with the others. The server
 * as a whole is `serving` until {@linkcode HealthImplementation.set} says otherwise; of a service
 * that was not set, `check` says `not-found`.
 *
 * @example
 * ```ts
 * import { createClient, Health, health, inMemory } from "@protosocket/protosocket/services";
 *
 * const own = health();
 * const client = createClient(Health, inMemory([own]));
 * console.log((await client.check({})).status); // serving
 * own.set("", "not-serving"); // as the server begins to drain
 * console.log((await client.check({})).status); // not-serving
 * ```
 */
export function health(): HealthImplementation {
  const statuses = new Map<string, ServingStatus>([["", "serving"]]);
  const watchers = new Set<() => void>();

  async function* watch(
    { service }: Required<HealthCheckRequest>,
    { signal }: ServerContext,
  ): AsyncGenerator<HealthCheckResponse> {
    let wake = () => {};
    let said: ServingStatus | undefined;
    const onChange = () => wake();
    watchers.add(onChange);
    signal.addEventListener("abort", onChange);
    try {
      while (!signal.aborted) {
        const status = statuses.get(service) ?? "service-unknown";
        if (status !== said) yield { status: said = status };
        else await new Promise<void>((resolve) => wake = resolve);
      }
    } finally {
      watchers.delete(onChange);
      signal.removeEventListener("abort", onChange);
    }
  }

  return {
    ...implement(Health, {
      check({ service }) {
        const status = statuses.get(service);
        if (status === undefined) throw new ServiceError("not-found", "The service is not known");
        return { status };
      },
      watch,
    }),
    set(service, status) {
      if (typeof service !== "string") {
        throw wrong(`service must be its name, a string, not ${shown(service)}`);
      }
      if (!STATUSES.includes(status)) {
        throw wrong(
          `status must be one of ${STATUSES.map(shown).join(", ")}, not ${shown(status)}`,
        );
      }
      statuses.set(service, status);
      for (const onChange of watchers) onChange();
    },
  };
}
