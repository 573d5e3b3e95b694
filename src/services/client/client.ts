import {
  checkBoolean,
  checkCallback,
  checkOptions,
  checkSignal,
  delay,
  isObject,
  MAX_DELAY,
  shown,
  wrong,
} from "../../check.ts";
import type { PoolCallOptions, RpcStream } from "../../rpc/mod.ts";
import { type Reading, readUnary } from "../../rpc/reading.ts";
import { serviceError } from "../_errors.ts";
import type { MethodDefinition, ServiceDefinition } from "../definition.ts";
import { ServiceRequest, type ServiceResponse, type WireMethod } from "../envelope/messages.ts";
import { chain, checkInterceptors, type InterceptedCall } from "../interceptor.ts";
import { checkDefinition } from "../schema/checks.ts";
import { Metadata, type MetadataInit, metadataOf } from "../metadata.ts";
import { hedged } from "./_hedged.ts";
import { ClientContext } from "./_context.ts";
import { callDeadlines, limited, limitOf } from "./_limit.ts";
import { failed, readAtOnce } from "./_reading.ts";
import { LateStream, requestsOf, TypedStream } from "./_streams.ts";
import type { Client, ServiceCallOptions, ServiceClientOptions } from "./types.ts";

/** What calls go through: a client of {@linkcode serviceClient}, a pool of them, or `inMemory`. */
export interface ServiceTransport {
  /** Makes a call with one response. */
  unary(
    request: ServiceRequest,
    options?: PoolCallOptions<ServiceRequest>,
  ): Promise<ServiceResponse>;
  /** Makes a call with a stream of responses. */
  streaming(
    request: ServiceRequest,
    options?: PoolCallOptions<ServiceRequest>,
  ): RpcStream<ServiceResponse>;
}

const encoder = new TextEncoder();
const NONE: ServiceCallOptions = {};

/**
 * Makes a typed client of a service, whose methods are called by their names: with a service
 * `Prices`, `await prices.getQuote(request)` for one response, and for a stream of them
 * `for await (const quote of prices.watchQuotes(request))`. Any number of
 * clients, also of other services, may share the transport. Their calls reject with a
 * {@linkcode ServiceError}, or with the reason of `signal`. Throws a `TypeError` for what is no
 * service, transport or interceptor, and a `RangeError` for an option out of range.
 *
 * @example
 * ```ts
 * import { createClient, defineService, implement, inMemory } from "@protosocket/protosocket/services";
 * import { z } from "zod"; // or valibot, arktype …
 *
 * const Greeter = defineService("example.Greeter", {
 *   hello: { request: z.string(), response: z.string() },
 * });
 * const greeter = implement(Greeter, { hello: (name) => `hello, ${name}` });
 * const client = createClient(Greeter, inMemory([greeter])); // or a client or pool of connections
 * console.log(await client.hello("world", { timeout: 1000 })); // hello, world
 * ```
 */
export function createClient<Service extends ServiceDefinition>(
  service: Service,
  transport: ServiceTransport,
  options: ServiceClientOptions = {},
): Client<Service> {
  checkDefinition(service);
  checkTransport(transport);
  checkOptions("options", options);
  const { timeout, hedgeAfter, interceptors = [] } = options;
  checkInterceptors(interceptors);
  const defaults: Defaults = {
    timeout: timeout === undefined ? undefined : delay("timeout", timeout, 1),
    hedgeAfter: hedgeAfter === undefined ? undefined : delay("hedgeAfter", hedgeAfter, 1),
    metadata: metadataOf(options.metadata),
  };
  const deadlines = callDeadlines();
  const client: Record<string, unknown> = {};
  for (const [name, definition] of Object.entries(service.methods)) {
    const method = new CallableMethod(definition, transport, defaults);
    const next = chain(interceptors, (call) => method.pass(call));
    const isStream = definition.kind === "server_streaming" || definition.kind === "bidi_streaming";
    client[name] = interceptors.length > 0
      ? isStream
        ? (request: unknown, options?: ServiceCallOptions) => {
          const call = method.intercepted(request, options);
          const limit = limitOf(call.context, deadlines);
          return new LateStream(next(call), method.path, limit);
        }
        // Async, so that options that are wrong become a rejection.
        : async (request: unknown, options?: ServiceCallOptions) => {
          const call = method.intercepted(request, options);
          const limit = limitOf(call.context, deadlines);
          return await limited(next(call), limit);
        }
      : isStream
      ? (request: unknown, options?: ServiceCallOptions) => method.stream(request, options)
      : (request: unknown, options?: ServiceCallOptions) => method.unary(request, options);
  }
  return client as Client<Service>;
}

function checkTransport(transport: unknown): void {
  const { unary, streaming, then, readable, handlers, connections } = isObject(transport)
    ? transport
    : {};
  if (typeof unary === "function" && typeof streaming === "function") return;
  const what = then !== undefined
    ? "a promise: await it"
    : readable !== undefined
    ? "a duplex: pass that to serviceClient()"
    : handlers !== undefined
    ? "what implement() returns: inMemory() takes an array of that"
    : connections !== undefined
    ? "a server: connect() to its address"
    : shown(transport);
  throw wrong(
    `transport must be what serviceClient() or inMemory() returns, or a pool, not ${what}`,
  );
}

interface Defaults {
  readonly timeout: number | undefined;
  readonly hedgeAfter: number | undefined;
  readonly metadata: Metadata | undefined;
}

/** A method of one client. */
class CallableMethod implements WireMethod, Reading<ServiceResponse, unknown> {
  readonly path: string;
  readonly pathBytes: Uint8Array;
  readonly encoding: number;
  readonly request: MethodDefinition["request"];
  readonly response: MethodDefinition["response"];
  readonly #definition: MethodDefinition;
  readonly #transport: ServiceTransport;
  readonly #defaults: Defaults;
  readonly #takesStream: boolean;
  /** The options of the last call that had none but a time-out, which the next has as well. */
  #plain: { readonly timeout: number | undefined; readonly idempotent: boolean };

  constructor(definition: MethodDefinition, transport: ServiceTransport, defaults: Defaults) {
    this.path = definition.path;
    this.pathBytes = encoder.encode(definition.path);
    this.encoding = definition.encoding;
    this.request = definition.request;
    this.response = definition.response;
    this.#definition = definition;
    this.#transport = transport;
    this.#defaults = defaults;
    this.#takesStream = definition.kind === "client_streaming" ||
      definition.kind === "bidi_streaming";
    this.#plain = { timeout: defaults.timeout, idempotent: definition.idempotent };
  }

  /** Makes a call with one response. */
  unary(value: unknown, options: ServiceCallOptions = NONE): Promise<unknown> {
    checkOptions("options", options);
    if (!this.#isPlain(options)) return this.#unary(this.#context(options), value);
    // What it has besides is made for those who see it, and nobody does.
    const { timeout = this.#defaults.timeout } = options;
    const request = this.#newRequest(value);
    if (timeout !== undefined) request.deadline = deadlineIn(timeout);
    if (timeout !== this.#plain.timeout) this.#plain = { ...this.#plain, timeout };
    try {
      return readUnary(this.#transport, request, this.#plain, this);
    } catch (error) {
      return Promise.reject(serviceError(error));
    }
  }

  /** Makes a call with a stream of responses. */
  stream(value: unknown, options: ServiceCallOptions = NONE): RpcStream<unknown> {
    checkOptions("options", options);
    return this.#stream(this.#context(options), value);
  }

  /** A call for interceptors. */
  intercepted(
    request: unknown,
    options: ServiceCallOptions = NONE,
  ): InterceptedCall<ClientContext> {
    checkOptions("options", options);
    return { context: this.#context(options), request };
  }

  /** Makes a call that comes from interceptors. */
  pass({ context, request }: InterceptedCall): Promise<unknown> {
    const { kind } = this.#definition;
    return kind === "server_streaming" || kind === "bidi_streaming"
      ? Promise.resolve(this.#stream(context as ClientContext, request))
      : this.#unary(context as ClientContext, request);
  }

  /** Reads the response of a call without options, or with a time-out only. */
  read(response: ServiceResponse): unknown {
    return readAtOnce(this, response);
  }

  /** Throws what such a call fails with. */
  failed(error: unknown): never {
    return failed(error);
  }

  #unary(context: ClientContext, value: unknown): Promise<unknown> {
    try {
      const options = this.#optionsOf(context, value);
      const { hedgeAfter = this.#defaults.hedgeAfter } = context.options;
      if (hedgeAfter !== undefined && options.idempotent === true && !this.#takesStream) {
        return this.#hedged(context, value, options, delay("hedgeAfter", hedgeAfter, 1));
      }
      return readUnary(this.#transport, this.#requestOf(context, value), options, context);
    } catch (error) {
      // A mistake that is thrown at once fails the call as any other error does.
      return Promise.reject(serviceError(error));
    }
  }

  #hedged(
    context: ClientContext,
    value: unknown,
    options: PoolCallOptions<ServiceRequest>,
    hedgeAfter: number,
  ): Promise<unknown> {
    const apart = new Set();
    // Async, for such mistakes.
    const call = async (signal: AbortSignal) =>
      await this.#transport.unary(this.#requestOf(context, value), {
        ...options,
        timeout: timeoutOf(context),
        signal,
        apart,
      });
    return hedged(call, hedgeAfter, options.signal).then(
      (response) => context.read(response),
      failed,
    );
  }

  #stream(context: ClientContext, value: unknown): RpcStream<unknown> {
    const stream = this.#transport.streaming(
      this.#requestOf(context, value),
      this.#optionsOf(context, value),
    );
    return new TypedStream(stream, this, (response) => context.onResponse(response));
  }

  #newRequest(value: unknown): ServiceRequest {
    const request = new ServiceRequest();
    request.method = this;
    if (this.#takesStream) {
      request.stream = true;
    } else {
      request.body = this.request;
      request.value = value;
    }
    return request;
  }

  #requestOf(context: ClientContext, value: unknown): ServiceRequest {
    const request = this.#newRequest(value);
    context.fill(request);
    return request;
  }

  #optionsOf(context: ClientContext, value: unknown): PoolCallOptions<ServiceRequest> {
    const { key, idempotent = this.#definition.idempotent } = context.options;
    const { givenSignal: signal } = context;
    const timeout = timeoutOf(context);
    const requests = this.#takesStream
      ? requestsOf(this, value as AsyncIterable<unknown> | Iterable<unknown>)
      : undefined;
    return { signal, timeout, key, idempotent, requests };
  }

  /** Whether a call has nothing but a time-out, if that. */
  #isPlain(options: ServiceCallOptions): boolean {
    const { metadata, hedgeAfter } = this.#defaults;
    return !this.#takesStream && metadata === undefined && hedgeAfter === undefined &&
      isTimeoutOnly(options);
  }

  /** Of options that are an object. */
  #context(options: ServiceCallOptions): ClientContext {
    checkCallOptions(options);
    const { timeout = this.#defaults.timeout, context } = options;
    let deadline = timeout === undefined ? undefined : deadlineIn(timeout);
    if (context?.deadline !== undefined) {
      deadline = Math.min(context.deadline, deadline ?? Infinity);
    }
    const signal = context?.signal === undefined || options.signal === undefined
      ? options.signal ?? context?.signal
      : AbortSignal.any([options.signal, context.signal]);
    const metadata = this.#metadata(options.metadata);
    return new ClientContext(this.#definition, options, metadata, deadline, signal);
  }

  /** The metadata of a call that has these of its own. */
  #metadata(init: MetadataInit | undefined): Metadata | undefined {
    const { metadata: defaults } = this.#defaults;
    if (init === undefined) return defaults && new Metadata(defaults);
    const metadata = new Metadata(defaults);
    const given = metadataOf(init)!;
    for (const [key] of given) metadata.delete(key);
    for (const [key, value] of given) metadata.append(key, value);
    return metadata;
  }
}

/** Checks what is not checked where it is used, or not before something comes of it. */
function checkCallOptions(options: ServiceCallOptions): void {
  if (options === NONE) return;
  const { signal, context, idempotent, onMetadata, onTrailers } = options;
  checkOptions("context", context);
  checkCallback("onMetadata", onMetadata);
  checkCallback("onTrailers", onTrailers);
  checkSignal(signal);
  checkBoolean("idempotent", idempotent);
}

function isTimeoutOnly(options: ServiceCallOptions): boolean {
  // An instance of a class may have getters, which no loop would find.
  if (Object.getPrototypeOf(options) !== Object.prototype) return false;
  for (const key in options) if (key !== "timeout") return false;
  return true;
}

function deadlineIn(timeout: number): number {
  return performance.now() + delay("timeout", timeout, 1);
}

/** What is left of a call's time, if that is limited. One that has passed fires at once. */
function timeoutOf({ deadline }: ClientContext): number | undefined {
  if (deadline === undefined) return undefined;
  return Math.min(Math.max(1, Math.ceil(deadline - performance.now())), MAX_DELAY);
}
