import { MAX_DELAY } from "../../check.ts";
import type { CancellableRpc, Cancelled } from "../../rpc/cancelling.ts";
import type { RpcAnswer, RpcError } from "../../rpc/mod.ts";
import type { Deadline } from "../../waits/deadlines.ts";
import type { Peer, ServerContext, ServiceConnection } from "../context.ts";
import type { MethodDefinition } from "../definition.ts";
import {
  NO_BYTES,
  payloadOf,
  type ServiceRequest,
  ServiceResponse,
  type WireStatus,
} from "../envelope/messages.ts";
import { received, serviceError, statusOf, tooLate, unreadable } from "../_errors.ts";
import type { Answered } from "../interceptor.ts";
import { Metadata } from "../metadata.ts";
import { ServiceError } from "../status.ts";
import { type Responses, responsesOf, type StreamedCall, TypedRequests } from "./_streams.ts";
import type { Dated, ServedCalls } from "./_served_calls.ts";
import type { ServedMethod } from "./method_table.ts";

/** A call at a server: what its handler knows of it, and how it is answered. */
export class ServedCall implements ServerContext, StreamedCall, Answered, Cancelled, Dated {
  readonly #method: ServedMethod;
  readonly #request: ServiceRequest;
  readonly #rpc: CancellableRpc<ServiceRequest>;
  readonly #calls: ServedCalls;
  readonly connection: ServiceConnection;
  readonly deadline: number | undefined;
  hasAnswer: boolean | undefined = undefined;
  // Created on first use: most handlers never read them.
  #metadata: Metadata | undefined;
  #responseMetadata: Metadata | undefined;
  #trailers: Metadata | undefined;
  #values: Map<unknown, unknown> | undefined;
  #controller: AbortController | undefined;
  /** Set once somebody is to be told that {@linkcode deadline} has passed. */
  #set: Deadline<Dated> | undefined;
  #late: (() => void) | undefined;
  #requests: TypedRequests | undefined;
  /** The response that has been checked last: interceptors pass most of them on as they are. */
  #checked: unknown;
  /** Whether its metadata has been sent, which goes with the first message. */
  #begun = false;
  #over = false;

  constructor(
    method: ServedMethod,
    request: ServiceRequest,
    rpc: CancellableRpc<ServiceRequest>,
    calls: ServedCalls,
  ) {
    this.#method = method;
    this.#request = request;
    this.#rpc = rpc;
    this.#calls = calls;
    this.connection = calls.connection;
    this.deadline = request.deadline === 0 ? undefined : request.deadline;
  }

  get method(): MethodDefinition {
    return this.#method.definition;
  }

  get path(): string {
    return this.#method.path;
  }

  get peer(): Peer {
    return this.connection.peer;
  }

  get metadata(): Metadata {
    return this.#metadata ??= received(this.#request.metadata);
  }

  get responseMetadata(): Metadata {
    return this.#responseMetadata ??= new Metadata();
  }

  get trailers(): Metadata {
    return this.#trailers ??= new Metadata();
  }

  get values(): Map<unknown, unknown> {
    return this.#values ??= new Map();
  }

  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const controller = this.#controller = new AbortController();
    const { reason } = this.#rpc;
    if (reason !== undefined) this.onCancelled(reason);
    else if (this.isLate()) controller.abort(tooLate(this.path));
    else this.#listen();
    return controller.signal;
  }

  /** Calls the handler. */
  answer(): RpcAnswer<ServiceResponse> {
    const method = this.#method;
    const request = this.#request;
    try {
      const value = method.takesStream
        ? this.#requests = new TypedRequests(this.#rpc, method)
        : this.#decode(method, request);
      // So that a long call does not keep the chunk in memory that its request was in.
      request.bytes = NO_BYTES;
      const answer = method.intercepted === undefined
        ? method.handler!(value, this)
        : method.intercepted({ request: value, context: this });
      return isPromise(answer) ? this.#later(answer) : this.#settle(answer);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** The answer to a call that has failed. */
  failure(error: unknown): ServiceResponse {
    this.#end();
    const response = new ServiceResponse();
    response.call = this;
    this.#addMetadata(response);
    const own = response.trailers = Metadata.entries(this.#trailers);
    try {
      if (error instanceof ServiceError) {
        const more = Metadata.entries(error.metadata);
        response.status = statusOf(error);
        response.trailers = more && own ? [...own, ...more] : more ?? own;
        return response;
      }
    } catch (cause) {
      // Whatever was thrown, even one whose properties throw, must not end the process.
      error = cause;
    }
    // Who was cancelled is expected to throw.
    if (!this.#controller?.signal.aborted || !this.#isExpected(error)) {
      this.#calls.onError(error, this);
    }
    response.status = { code: 13, message: `The handler of ${this.path} failed`, details: [] };
    return response;
  }

  /** Throws, and tells of it, if the other end would not take that response. */
  check(value: unknown): void {
    const { check } = this.#method.response;
    if (check === undefined || (this.#checked !== undefined && this.#checked === value)) return;
    try {
      check(value);
    } catch (cause) {
      const error = unreadable(`The response of ${this.path}`, cause, "internal");
      this.#calls.onError(error, this);
      throw error;
    }
    this.#checked = value;
  }

  /** A response could not be encoded, or was too long. */
  onUnsent(error: unknown): void {
    this.#calls.onError(error, this);
  }

  /** An item of a stream, or the one response. */
  item(value: unknown): ServiceResponse {
    this.check(value);
    const response = new ServiceResponse();
    response.call = this;
    response.body = this.#method.response;
    response.value = value;
    if (!this.#begun) this.#addMetadata(response);
    return response;
  }

  /** What comes before the end of a stream that has trailers. */
  trailing(): ServiceResponse | undefined {
    this.#end();
    const trailers = Metadata.entries(this.#trailers);
    const metadata = this.#begun ? undefined : Metadata.entries(this.#responseMetadata);
    if (trailers === undefined && metadata === undefined) return undefined;
    const response = new ServiceResponse();
    response.call = this;
    response.status = OK;
    response.trailers = trailers;
    response.metadata = metadata;
    return response;
  }

  /** Nobody waits for the answer any more. */
  leave(): void {
    this.#end();
  }

  /** Calls back once when the deadline passes. */
  onLate(late: () => void): void {
    this.#late = late;
    this.#listen();
  }

  /** Whether the deadline has passed. */
  isLate(): boolean {
    return this.deadline !== undefined && performance.now() >= this.deadline;
  }

  /** The answer to a call whose deadline has passed. */
  lateFailure(): ServiceResponse {
    const error = tooLate(this.path);
    this.#requests?.fail(error);
    this.#controller?.abort(error);
    return this.failure(error);
  }

  /** The handler is not waited for, but counts for as long as it runs. */
  goesOn(running: Promise<unknown>): void {
    this.#rpc.running = running;
  }

  /** The handler threw when that could not change the answer any more. */
  onThrownAfter(error: unknown): void {
    if (!this.#isExpected(error)) this.#calls.onError(error, this);
  }

  #decode(method: ServedMethod, request: ServiceRequest): unknown {
    try {
      return payloadOf(method.request, request);
    } catch (cause) {
      throw unreadable(`The request of ${this.path}`, cause, "invalid-argument");
    }
  }

  #settle(answer: unknown): ServiceResponse | Responses {
    if (this.#method.givesStream) return responsesOf(answer, this);
    const response = this.item(answer);
    this.#end();
    if (this.#trailers !== undefined) response.trailers = Metadata.entries(this.#trailers);
    return response;
  }

  #failed(error: unknown): ServiceResponse | IterableIterator<ServiceResponse> {
    return this.#asAnswer(this.failure(error));
  }

  #asAnswer(failure: ServiceResponse): ServiceResponse | IterableIterator<ServiceResponse> {
    return this.#method.givesStream ? once(failure) : failure;
  }

  #later(answer: PromiseLike<unknown>): Promise<Answer> {
    if (this.deadline === undefined) return this.#await(answer);
    const answered = this.#await(answer);
    return new Promise((resolve) => {
      this.onLate(() => {
        this.goesOn(answered);
        resolve(this.#asAnswer(this.lateFailure()));
      });
      answered.then(resolve);
    });
  }

  async #await(answer: PromiseLike<unknown>): Promise<Answer> {
    try {
      const value = await answer;
      if (!this.#over) return this.#settle(value);
      // Nobody reads a stream that comes too late, so nobody else would leave it.
      if (this.#method.givesStream) await responsesOf(value, this).return!();
    } catch (error) {
      if (!this.#over) return this.#failed(error);
      this.onThrownAfter(error);
    }
    return NOTHING;
  }

  #addMetadata(response: ServiceResponse): void {
    this.#begun = true;
    if (this.#responseMetadata !== undefined) {
      response.metadata = Metadata.entries(this.#responseMetadata);
    }
  }

  /** The call has been answered: nothing is watched for any more. */
  #end(): void {
    this.#over = true;
    this.#rpc.watcher = undefined;
    if (this.#set !== undefined) this.#calls.deadlines.clear(this.#set);
  }

  /** The client does not want the answer any more, or cannot get it. */
  onCancelled(reason: RpcError): void {
    this.#end();
    this.#controller?.abort(serviceError(reason));
  }

  /** Its deadline passes, while somebody waits for that. */
  onDeadline(): void {
    const error = tooLate(this.path);
    this.#requests?.fail(error);
    this.#controller?.abort(error);
    this.#late?.();
  }

  /** Waits for the call to be cancelled, and for its deadline. */
  #listen(): void {
    if (this.#over) return;
    this.#rpc.watcher = this;
    if (this.deadline === undefined || this.#set !== undefined) return;
    const now = performance.now();
    const due = Math.ceil(this.deadline);
    // A longer one outlives any call that it is for.
    if (due - now <= MAX_DELAY) this.#set = this.#calls.deadlines.at(due, this, now);
  }

  /** Whether it says no more than that the call has ended, or was thrown on purpose. */
  #isExpected(error: unknown): boolean {
    if (error instanceof ServiceError) return true;
    try {
      const { name, type, cause } = (error ?? {}) as Readonly<Record<string, unknown>>;
      // Some reject with the signal's event.
      if (name === "AbortError" || type === "abort") return true;
      const signal = this.#controller?.signal;
      return signal?.aborted === true && (error === signal.reason || cause === signal.reason);
    } catch {
      // Its properties throw.
      return false;
    }
  }
}

type Answer = ServiceResponse | Responses | IterableIterator<ServiceResponse>;

/** A stream of one message: a failure. */
export function once(response: ServiceResponse): IterableIterator<ServiceResponse> {
  return [response][Symbol.iterator]();
}

const OK: WireStatus = { code: 0, message: "", details: [] };
/** What is never sent: the call has been answered already. */
const NOTHING = new ServiceResponse();

function isPromise(answer: unknown): answer is PromiseLike<unknown> {
  return typeof answer === "object" && answer !== null &&
    typeof (answer as PromiseLike<unknown>).then === "function";
}
