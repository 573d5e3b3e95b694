// A service whose requests say what its handlers do, over real sockets, and notes of what they
// have seen.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import {
  implement,
  type Implementation,
  type Metadata,
  type ServerContext,
  ServiceError,
  type ServiceErrorCode,
  STATUS_CODES,
} from "@protosocket/protosocket/services";
import { type ServiceOf, serviceOf } from "@protosocket/protosocket/services-protobuf-es";
import {
  Conformance as ConformanceDesc,
  DetailSchema,
  type PairSchema,
  type ReportSchema,
  type Script,
} from "../support/proto/gen/conformance_pb.ts";
import { deferred, soon } from "../support/within.ts";

export const Conformance: ServiceOf<typeof ConformanceDesc> = serviceOf(ConformanceDesc);

type Report = MessageInitShape<typeof ReportSchema>;
type Pairs = MessageInitShape<typeof PairSchema>[];

/** What handlers have seen, for tests to wait for. */
export class Notes {
  readonly #notes: string[] = [];
  #more = deferred();

  add(note: string): void {
    this.#notes.push(note);
    this.#more.resolve();
    this.#more = deferred();
  }

  get all(): readonly string[] {
    return this.#notes;
  }

  /** Waits until one of these has been noted. */
  async until(...notes: string[]): Promise<void> {
    while (!notes.some((note) => this.#notes.includes(note))) {
      await soon(this.#more.promise, `"${notes}" after ${JSON.stringify(this.#notes)}`);
    }
  }
}

/** The service, which notes "begun", "requests: n", "signal: code" and "left" after a method's name. */
export function conformance(notes: Notes): Implementation {
  return implement(Conformance, {
    async unary(script, context) {
      begin("unary", context, notes);
      await play(script, context);
      return report(context, script, 1);
    },

    async *serverStream(script, context) {
      begin("serverStream", context, notes);
      try {
        answer(script, context);
        for (let number = 0; number < script.count; number++) {
          yield { ...report(context, script, 1), number };
        }
        await play({ ...script, metadata: [], trailers: [] }, context);
      } finally {
        notes.add("serverStream: left");
      }
    },

    async clientStream(scripts, context) {
      begin("clientStream", context, notes);
      let [requests, first] = [0, undefined as Script | undefined];
      try {
        for await (const script of scripts) {
          requests++;
          if (!first) await play(script, context);
          first ??= script;
          if (requests === first.count) break;
        }
      } finally {
        notes.add(`clientStream: requests: ${requests}`);
      }
      return report(context, first, requests);
    },

    async *bidi(scripts, context) {
      begin("bidi", context, notes);
      let [requests, number] = [0, 0];
      try {
        for await (const script of scripts) {
          requests++;
          answer(script, context);
          for (let left = script.count; left > 0; left--) {
            yield { ...report(context, script, requests), number: number++ };
          }
          await play({ ...script, metadata: [], trailers: [] }, context);
        }
      } finally {
        notes.add(`bidi: requests: ${requests}`);
      }
    },
  });
}

function begin(name: string, { signal }: ServerContext, notes: Notes): void {
  notes.add(`${name}: begun`);
  const onAbort = () => {
    const { reason } = signal;
    notes.add(`${name}: signal: ${reason instanceof ServiceError ? reason.code : reason}`);
  };
  // On a busy machine its time may be over when it begins.
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort);
}

/** Sets what goes beside the answer. */
function answer({ metadata, trailers }: Script, context: ServerContext): void {
  for (const { key, value } of metadata) context.responseMetadata.append(key, value);
  for (const { key, value } of trailers) context.trailers.append(key, value);
}

async function play(script: Script, context: ServerContext): Promise<void> {
  answer(script, context);
  if (script.hang) await aborted(context.signal);
  if (script.crash) throw new Error("a secret");
  if (script.failure !== 0) throw failure(script);
}

/** Rejects when the signal fires. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

function failure({ failure, message, detail }: Script): ServiceError {
  const names = Object.keys(STATUS_CODES) as ServiceErrorCode[];
  const details = detail ? [anyPack(DetailSchema, create(DetailSchema, detail))] : [];
  return new ServiceError(names[failure]!, message, { details });
}

function report(context: ServerContext, script: Script | undefined, requests: number): Report {
  const timeLeft = context.deadline === undefined ? 0 : context.deadline - performance.now();
  return {
    requests,
    data: script?.data ?? new Uint8Array(),
    metadata: pairs(context.metadata),
    timeLeft,
  };
}

/** Metadata as pairs of keys and bytes, in their order. */
export function pairs(metadata: Metadata): Pairs {
  const encoder = new TextEncoder();
  return [...metadata].map(([key, value]) => ({
    key,
    value: typeof value === "string" ? encoder.encode(value) : value,
  }));
}
