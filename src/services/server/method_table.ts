import { wrong } from "../../check.ts";
import type { MethodDefinition, MethodKind } from "../definition.ts";
import type { WireMethod } from "../envelope/messages.ts";
import { mapped } from "../envelope/mapped.ts";
import type { Implementation } from "../handlers.ts";
import type { ServerContext } from "../context.ts";
import { chain, type Next, type ServerInterceptor } from "../interceptor.ts";

const encoder = new TextEncoder();

/** A handler of any method. */
export type AnyHandler = (request: unknown, context: ServerContext) => unknown;

/** The context of a call, as the server has made it. */
interface CheckingContext extends ServerContext {
  /** Throws if the other end would not take that response. */
  check(value: unknown): void;
}

/** A method that a server has. */
export class ServedMethod implements WireMethod {
  readonly definition: MethodDefinition;
  readonly path: string;
  readonly pathBytes: Uint8Array;
  readonly encoding: number;
  readonly request: MethodDefinition["request"];
  readonly response: MethodDefinition["response"];
  readonly kind: MethodKind;
  /** Whether its requests are a stream, and its responses. */
  readonly takesStream: boolean;
  readonly givesStream: boolean;
  readonly handler: AnyHandler | undefined;
  /** What leads to the handler, if there are interceptors. */
  readonly intercepted: Next<ServerContext> | undefined;

  constructor(
    definition: MethodDefinition,
    handler: AnyHandler | undefined,
    interceptors: readonly ServerInterceptor[],
  ) {
    const { kind, path } = definition;
    this.definition = definition;
    this.path = path;
    this.pathBytes = encoder.encode(path);
    this.encoding = definition.encoding;
    this.request = definition.request;
    this.response = definition.response;
    this.kind = kind;
    this.takesStream = kind === "client_streaming" || kind === "bidi_streaming";
    this.givesStream = kind === "server_streaming" || kind === "bidi_streaming";
    this.handler = handler;
    if (handler !== undefined && interceptors.length > 0) {
      this.intercepted = chain<ServerContext>(
        interceptors,
        async ({ request, context }) => {
          const answer = await handler(request, context);
          const call = context as Partial<CheckingContext>;
          if (call.check === undefined || this.response.check === undefined) return answer;
          const check = (value: unknown) => call.check!(value);
          // Here, so that interceptors see the failure.
          if (this.givesStream) return checked(answer, check);
          check(answer);
          return answer;
        },
      );
    }
  }
}

/** The same items, each checked when it is read. What is no iterable stays as it is. */
function checked(items: unknown, check: (item: unknown) => void): unknown {
  return mapped(items, (item) => (check(item), item)) ?? items;
}

/** The methods of a server, which are found by their names as they are on the wire. */
export class MethodTable {
  readonly #byHash = new Map<number, ServedMethod[]>();
  readonly #names = new Set<string>();
  /** The one that was called last: often it is called again. */
  #last: ServedMethod | undefined;

  /** Throws a `TypeError` if two of the services have the same name. */
  constructor(
    implementations: readonly Implementation[],
    interceptors: readonly ServerInterceptor[],
  ) {
    const names = this.#names;
    for (const { service, handlers } of implementations) {
      if (names.has(service.name)) {
        throw wrong(`The service ${service.name} is implemented twice`);
      }
      names.add(service.name);
      for (const [name, definition] of Object.entries(service.methods)) {
        const found = (handlers as Record<string, AnyHandler | undefined>)[name];
        // A method may be called `toString`, which every object has.
        const handler = found === Object.prototype[name as never] ? undefined : found;
        this.#add(new ServedMethod(definition, handler?.bind(handlers), interceptors));
      }
    }
  }

  /** Finds a method by its path in UTF-8. */
  find(bytes: Uint8Array, start: number, end: number): ServedMethod | undefined {
    const last = this.#last;
    if (last !== undefined && isSame(last.pathBytes, bytes, start, end)) return last;
    const methods = this.#byHash.get(hash(bytes, start, end));
    if (methods === undefined) return undefined;
    for (const method of methods) {
      if (isSame(method.pathBytes, bytes, start, end)) return this.#last = method;
    }
    return undefined;
  }

  /** Says what is not there for a path that no method has, or whose method has no handler. */
  missing(path: string, method: ServedMethod | undefined): string {
    if (method !== undefined) return `The method ${path} has no handler here`;
    const service = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    return this.#names.has(service)
      ? `There is no method ${path.slice(0, 200)}`
      : `There is no service ${service.slice(0, 200)} here`;
  }

  #add(method: ServedMethod): void {
    const { pathBytes } = method;
    const key = hash(pathBytes, 0, pathBytes.length);
    const others = this.#byHash.get(key);
    if (others === undefined) this.#byHash.set(key, [method]);
    else others.push(method);
  }
}

function hash(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = Math.imul(hash, 31) + bytes[i]! | 0;
  return hash;
}

function isSame(path: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (path.length !== end - start) return false;
  // From the end, where names differ.
  for (let i = path.length - 1; i >= 0; i--) if (path[i] !== bytes[start + i]) return false;
  return true;
}
