import { checkBoolean, checkOptions, isObject, shown, wrong } from "../../check.ts";
import { caught } from "../../user_callback.ts";
import { BadValidator } from "../_errors.ts";
import type { Body, MethodDefinition, MethodKind, ServiceDefinition } from "../definition.ts";
import { encoded } from "../envelope/encoded.ts";
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
 * fails the call with `internal`, and the server's `onError` is told. Validators must not be
 * asynchronous: a call with one fails with `internal`. Throws a `TypeError` for what defines no
 * service.
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
  checkOptions("options", options);
  const { encoding = jsonEncoding } = options;
  if (typeof name !== "string" || name === "") {
    throw wrong(`name must be that of the service, a string, not ${shown(name)}`);
  }
  if (!isObject(methods)) {
    throw wrong(`methods of ${name} must be an object of methods, not ${shown(methods)}`);
  }
  if (!isObject(encoding) || typeof encoding.encode !== "function") {
    throw wrong(`encoding of ${name} must be a ValueEncoding, not ${shown(encoding)}`);
  }
  const definitions: Record<string, MethodDefinition> = {};
  for (const [method, definition] of Object.entries<PlainMethod>(methods)) {
    const path = `${name}/${method}`;
    if (method === "") throw wrong(`A method of ${name} has no name`);
    if (!isObject(definition)) {
      throw wrong(`${path} must be an object with request and response, not ${shown(definition)}`);
    }
    const { kind = "unary", request, response, idempotent = false } = definition;
    if (!KINDS.includes(kind)) {
      throw wrong(`kind of ${path} must be one of ${KINDS.join(", ")}, not ${shown(kind)}`);
    }
    checkBoolean(`idempotent of ${path}`, idempotent);
    definitions[method] = {
      kind,
      path,
      idempotent,
      encoding: encoding.encoding,
      request: bodyOf(request, encoding, `request of ${path}`),
      response: bodyOf(response, encoding, `response of ${path}`),
    };
  }
  return { name, methods: definitions as PlainDefinitions<Methods> };
}

const KINDS: readonly MethodKind[] = [
  "unary",
  "server_streaming",
  "client_streaming",
  "bidi_streaming",
];

function bodyOf(
  schema: StandardSchema,
  encoding: ValueEncoding,
  name: string,
): Body<unknown, unknown> {
  // Some validators are functions.
  const validate = (schema as Partial<StandardSchema> | undefined | null)?.["~standard"]?.validate;
  if (typeof validate !== "function") {
    throw wrong(`${name} must be a validator, as of zod or valibot, not ${shown(schema)}`);
  }
  const valid = (value: unknown) => {
    const result = validate(value);
    if (result instanceof Promise) {
      // Nobody waits for it.
      caught(result);
      throw new BadValidator(`The validator of the ${name} is asynchronous, which it must not be`);
    }
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
        const bytes = encoded(encoding, value);
        valid(encoding.decode(bytes, 0, bytes.length));
      }
    },
    direct: { give: (value) => value, take: valid },
  };
}
