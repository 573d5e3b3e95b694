import type { Reading } from "../../rpc/reading.ts";
import { caught } from "../../user_callback.ts";
import type { ServiceContext } from "../context.ts";
import type { MethodDefinition } from "../definition.ts";
import type { ServiceRequest, ServiceResponse } from "../envelope/messages.ts";
import { received } from "../_errors.ts";
import type { Answered } from "../interceptor.ts";
import { Metadata } from "../metadata.ts";
import { failed, readAtOnce } from "./_reading.ts";
import type { ServiceCallOptions } from "./types.ts";

/** A client's view of a call, which also reads its response, if there is one. */
export class ClientContext implements ServiceContext, Answered, Reading<ServiceResponse, unknown> {
  readonly method: MethodDefinition;
  readonly deadline: number | undefined;
  readonly options: ServiceCallOptions;
  readonly givenSignal: AbortSignal | undefined;
  hasAnswer: boolean | undefined = undefined;
  // Created on first use: most calls have none of them.
  #metadata: Metadata | undefined;
  #responseMetadata: Metadata | undefined;
  #trailers: Metadata | undefined;
  #values: Map<unknown, unknown> | undefined;
  #controller: AbortController | undefined;
  #over: { readonly reason: unknown } | undefined;

  constructor(
    method: MethodDefinition,
    options: ServiceCallOptions,
    metadata: Metadata | undefined,
    deadline: number | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.method = method;
    this.options = options;
    this.#metadata = metadata;
    this.deadline = deadline;
    this.givenSignal = signal;
  }

  get metadata(): Metadata {
    return this.#metadata ??= new Metadata();
  }

  get responseMetadata(): Metadata {
    return this.#responseMetadata ??= new Metadata();
  }

  get trailers(): Metadata {
    return this.#trailers ??= new Metadata();
  }

  get signal(): AbortSignal {
    if (this.givenSignal !== undefined && this.deadline === undefined) return this.givenSignal;
    this.#controller ??= new AbortController();
    if (this.#over !== undefined) this.#controller.abort(this.#over.reason);
    return this.#controller.signal;
  }

  get values(): Map<unknown, unknown> {
    return this.#values ??= new Map();
  }

  /** The call's time is over, or it has been cancelled, while interceptors have it. */
  end(reason: unknown): void {
    this.#over = { reason };
    this.#controller?.abort(reason);
  }

  /** Keeps what came beside a response. */
  onResponse(response: ServiceResponse): void {
    if (response.metadata !== undefined) {
      this.#responseMetadata = received(response.metadata);
      caught(this.options.onMetadata?.(this.#responseMetadata));
    }
    if (response.trailers !== undefined) {
      this.#trailers = received(response.trailers);
      caught(this.options.onTrailers?.(this.#trailers));
    }
  }

  read(response: ServiceResponse): unknown {
    this.onResponse(response);
    return readAtOnce(this.method, response);
  }

  failed(error: unknown): never {
    return failed(error);
  }

  /** Fills in what the request carries besides its payload. */
  fill(request: ServiceRequest): void {
    request.metadata = Metadata.entries(this.#metadata);
    if (this.deadline !== undefined) request.deadline = this.deadline;
  }
}
