import { isObject, shown, wrong } from "../check.ts";
import { type Metadata, type MetadataInit, metadataOf } from "./metadata.ts";

/** The codes of `google.rpc.Code`, by their names in lower case. */
export const STATUS_CODES: {
  readonly "ok": 0;
  readonly "cancelled": 1;
  readonly "unknown": 2;
  readonly "invalid-argument": 3;
  readonly "deadline-exceeded": 4;
  readonly "not-found": 5;
  readonly "already-exists": 6;
  readonly "permission-denied": 7;
  readonly "resource-exhausted": 8;
  readonly "failed-precondition": 9;
  readonly "aborted": 10;
  readonly "out-of-range": 11;
  readonly "unimplemented": 12;
  readonly "internal": 13;
  readonly "unavailable": 14;
  readonly "data-loss": 15;
  readonly "unauthenticated": 16;
} = {
  "ok": 0,
  "cancelled": 1,
  "unknown": 2,
  "invalid-argument": 3,
  "deadline-exceeded": 4,
  "not-found": 5,
  "already-exists": 6,
  "permission-denied": 7,
  "resource-exhausted": 8,
  "failed-precondition": 9,
  "aborted": 10,
  "out-of-range": 11,
  "unimplemented": 12,
  "internal": 13,
  "unavailable": 14,
  "data-loss": 15,
  "unauthenticated": 16,
};

/** What a {@linkcode ServiceError} may say: the names of `google.rpc.Code` except `ok`. */
export type ServiceErrorCode = Exclude<keyof typeof STATUS_CODES, "ok">;

const NAMES = Object.keys(STATUS_CODES) as (keyof typeof STATUS_CODES)[];

/** The name of a code that came from a peer; an unknown one, and 0, is `unknown`. */
export function codeName(code: number): ServiceErrorCode {
  const name = NAMES[code];
  return name === undefined || name === "ok" ? "unknown" : name;
}

/** A `google.protobuf.Any`: a message of any type, as bytes, with its type's name. */
export interface Detail {
  /** Names the type: `type.googleapis.com/package.Message`. */
  readonly typeUrl: string;
  /** The message, encoded. */
  readonly value: Uint8Array;
}

/** What a {@linkcode ServiceError} may say besides its code and message. */
export interface ServiceErrorOptions extends ErrorOptions {
  /** Messages that say more, for programs. */
  readonly details?: readonly Detail[];
  /** Metadata of the failure: the trailers of the call. */
  readonly metadata?: MetadataInit;
  /** See {@linkcode ServiceError.begun}. */
  readonly begun?: boolean | undefined;
}

/**
 * Why a call failed. A handler throws it to say so on purpose: it reaches the caller whole, with
 * its message, details and metadata, but for the `cause`, which stays where it was thrown.
 *
 * @example
 * ```ts
 * import { ServiceError } from "@protosocket/protosocket/services";
 *
 * const error = new ServiceError("not-found", "There is no such symbol");
 * console.log(error.code, error.number); // not-found 5
 * ```
 */
export class ServiceError extends Error {
  /** Always `"ServiceError"`. */
  override readonly name = "ServiceError";
  /** What went wrong, for a program to act on. */
  readonly code: ServiceErrorCode;
  /** Messages that say more, for programs. */
  readonly details: readonly Detail[];
  /** Metadata of the failure, if there is any: the trailers of the call. */
  readonly metadata: Metadata | undefined;
  /**
   * At a client: whether a handler may have seen the request. `false` guarantees that none has,
   * so it is safe to try again. `undefined` where nobody knows.
   */
  readonly begun: boolean | undefined;

  /**
   * Makes an error from a code and a message, which both reach the caller. Throws a `TypeError` for
   * a code, details or metadata that cannot be sent.
   */
  constructor(code: ServiceErrorCode, message: string, options: ServiceErrorOptions = {}) {
    super(message, options);
    if (STATUS_CODES[code] === undefined || (code as string) === "ok") {
      throw wrong(`code must be one that fails, such as "not-found", not ${shown(code)}`);
    }
    this.code = code;
    this.details = options.details === undefined ? [] : detailsOf(options.details);
    this.metadata = metadataOf(options.metadata);
    this.begun = options.begun;
  }

  /** The code as `google.rpc.Code` numbers it. */
  get number(): number {
    return STATUS_CODES[this.code];
  }
}

/** A copy of details, which is as it has been checked. */
export function detailsOf(details: readonly Detail[]): readonly Detail[] {
  if (!Array.isArray(details)) {
    throw wrong(`details must be an array, not ${shown(details)}`);
  }
  return details.map((detail: unknown, i) => {
    const { typeUrl, value } = isObject(detail) ? detail : {};
    if (typeof typeUrl === "string" && value instanceof Uint8Array) return { typeUrl, value };
    throw wrong(`details[${i}] must have a string typeUrl and a Uint8Array value: see anyPack()`);
  });
}
