import type { ServiceContext } from "../context.ts";
import type { MethodDefinition } from "../definition.ts";
import type { ServiceRequest, ServiceResponse } from "../envelope/messages.ts";
import { received } from "../_errors.ts";
import type { Answered } from "../interceptor.ts";
import { Metadata } from "../metadata.ts";
import type { ServiceCallOptions } from "./types.ts";

/** A client's view of a call. */
export class ClientContext implements ServiceContext, Answered {
  readonly method: MethodDefinition;
  readonly metadata: Metadata;
  readonly deadline: number | undefined;
  readonly options: ServiceCallOptions;
  readonly givenSignal: AbortSignal | undefined;
  responseMetadata: Metadata = new Metadata();
  trailers: Metadata = new Metadata();
  hasAnswer: boolean | undefined = undefined;
  #values: Map<unknown, unknown> | undefined;
  #never: AbortController | undefined;

  constructor(
    method: MethodDefinition,
    options: ServiceCallOptions,
    metadata: Metadata,
    deadline: number | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.method = method;
    this.options = options;
    this.metadata = metadata;
    this.deadline = deadline;
    this.givenSignal = signal;
  }

  get signal(): AbortSignal {
    return this.givenSignal ?? (this.#never ??= new AbortController()).signal;
  }

  get values(): Map<unknown, unknown> {
    return this.#values ??= new Map();
  }

  /** Keeps what came beside a response. */
  onResponse(response: ServiceResponse): void {
    if (response.metadata !== undefined) {
      this.responseMetadata = received(response.metadata);
      this.options.onMetadata?.(this.responseMetadata);
    }
    if (response.trailers !== undefined) {
      this.trailers = received(response.trailers);
      this.options.onTrailers?.(this.trailers);
    }
  }
}

/** Fills in what a request carries besides its payload. */
export function fillRequest(
  request: ServiceRequest,
  metadata: Metadata | undefined,
  deadline: number | undefined,
): void {
  request.metadata = Metadata.entries(metadata);
  if (deadline !== undefined) request.deadline = deadline;
}
