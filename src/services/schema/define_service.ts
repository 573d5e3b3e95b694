import { concat } from "@std/bytes";
import { EncodeBuffer } from "../../../mod.ts";
import type { Body, MethodDefinition, MethodKind, ServiceDefinition } from "../definition.ts";
import { jsonEncoding, type ValueEncoding } from "./encodings.ts";
import { issuesOf, type StandardSchema } from "./standard_schema.ts";

/** A method in plain TypeScript. */
export interface PlainMethod {
  /**
   * How many requests and responses a call has.
   *
   * @default {"unary"}
   */
  readonly kind?: MethodKind;
  /** Validates what a server receives. */
  // deno-lint-ignore no-explicit-any
  readonly request: StandardSchema<any, any>;
  /** Validates what a client receives, and at the server what a handler answers. */
  // deno-lint-ignore no-explicit-any
  readonly response: StandardSchema<any, any>;
  /**
   * Whether a call may safely be made more than once, so that a pool may retry it.
   *
   * @default {false}
   */
  readonly idempotent?: boolean;
}

/** The methods of a service in plain TypeScript, as definitions. */
export type PlainDefinitions<Methods extends { readonly [name: string]: PlainMethod }> = {
  readonly [Name in keyof Methods]: MethodDefinition<
    Methods[Name] extends { readonly kind: infer Kind extends MethodKind } ? Kind : "unary",
    InputOf<Methods[Name]["request"]>,
    OutputOf<Methods[Name]["request"]>,
    InputOf<Methods[Name]["response"]>,
    OutputOf<Methods[Name]["response"]>
  >;
};

/** What a validator takes. */
export type InputOf<Schema> = Schema extends StandardSchema<infer Input, infer _Output> ? Input
  : never;

/** What a validator makes of it. */
export type OutputOf<Schema> = Schema extends StandardSchema<infer _Input, infer Output> ? Output
  : never;

/** Options of {@linkcode defineService}. */
export interface DefineServiceOptions {
  /**
   * How values are encoded: as JSON, or with {@linkcode messagePackEncoding}.
   *
   * @default {jsonEncoding}
   */
  readonly encoding?: ValueEncoding;
}

/**
 * Defines a service without a `.proto`: its methods with validators of the Standard Schema
 * interface, as of zod, valibot and arktype. What arrives is validated at the end that receives it:
 * a request that is not valid fails with `invalid-argument`. A handler's response that is not valid
 * fails the call with `internal`, and the server's `onError` is told. Validators must not be asynchronous.
 *
 * @example
 * ```ts
 * import { createClient, defineService, implement, inMemory } from "@protosocket/protosocket/services";
 * import { z } from "zod"; // or valibot, arktype …
 *
 * const Words = defineService("example.Words", {
 *   count: { request: z.string(), response: z.number() },
 *   split: { kind: "server_streaming", request: z.string(), response: z.string() },
 * });
 * const words = implement(Words, {
 *   count: (line) => line.split(" ").length,
 *   split: (line) => line.split(" "),
 * });
 * const client = createClient(Words, inMemory([words]));
 * console.log(await client.count("to be or not")); // 4
 * for await (const word of client.split("to be")) console.log(word); // to, be
 * ```
 */
export function defineService<
  const Methods extends { readonly [name: string]: PlainMethod },
>(
  name: string,
  methods: Methods,
  options: DefineServiceOptions = {},
): ServiceDefinition<PlainDefinitions<Methods>> {
  const { encoding = jsonEncoding } = options;
  const definitions: Record<string, MethodDefinition> = {};
  for (
    const [method, { kind = "unary", request, response, idempotent = false }] of entries(methods)
  ) {
    definitions[method] = {
      kind,
      path: `${name}/${method}`,
      idempotent,
      encoding: encoding.encoding,
      request: bodyOf(request, encoding),
      response: bodyOf(response, encoding),
    };
  }
  return { name, methods: definitions as PlainDefinitions<Methods> };
}

function entries(methods: { readonly [name: string]: PlainMethod }): [string, PlainMethod][] {
  return Object.entries(methods);
}

function bodyOf(schema: StandardSchema, encoding: ValueEncoding): Body<unknown, unknown> {
  const { validate } = schema["~standard"];
  const valid = (value: unknown) => {
    const result = validate(value);
    if (result instanceof Promise) throw new TypeError("The validator is asynchronous");
    if (result.issues === undefined) return result.value;
    throw new TypeError(issuesOf(result.issues));
  };
  return {
    encode: (value, out) => encoding.encode(value, out),
    decode: (bytes, start, end) => valid(encoding.decode(bytes, start, end)),
    check(value) {
      try {
        valid(value);
      } catch {
        // Perhaps the encoding makes something valid of it: only that counts.
        const out = new EncodeBuffer();
        encoding.encode(value, out);
        const parts: Uint8Array[] = [];
        do parts.push(out.take()); while (out.length > 0);
        const bytes = concat(parts);
        valid(encoding.decode(bytes, 0, bytes.length));
      }
    },
  };
}
