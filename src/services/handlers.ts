import { checkFunction, isObject, shown, wrong } from "../check.ts";
import type { ServerContext } from "./context.ts";
import type { MethodDefinition, ServiceDefinition } from "./definition.ts";
import { checkDefinition } from "./schema/checks.ts";

/**
 * A function that answers a method: what {@linkcode Handler} comes to. It is an interface, and has
 * the method's name, so that an error of the compiler says which handler is wrong.
 */
export interface MethodHandler<Name extends string, Request, Answer> {
  /** Answers a call. */
  (request: Request, context: ServerContext): Answer;
}

/** What answers a method of that definition, whose name is for errors of the compiler. */
export type Handler<Method extends MethodDefinition, Name extends string = string> = Method extends
  MethodDefinition<infer Kind, infer _Given, infer Request, infer Response, infer _Received>
  ? Kind extends "unary" ? MethodHandler<Name, Request, Response | PromiseLike<Response>>
  : Kind extends "server_streaming"
    ? MethodHandler<Name, Request, AsyncIterable<Response> | Iterable<Response>>
  : Kind extends "client_streaming"
    ? MethodHandler<Name, AsyncIterableIterator<Request>, Response | PromiseLike<Response>>
  : MethodHandler<
    Name,
    AsyncIterableIterator<Request>,
    AsyncIterable<Response> | Iterable<Response>
  >
  : never;

/** The handlers of a service by the names of its methods. One that is left out: `unimplemented`. */
export type Handlers<Service extends ServiceDefinition> = {
  readonly [Name in keyof Service["methods"]]?: Handler<Service["methods"][Name], Name & string>;
};

/** A service with its handlers, as {@linkcode implement} returns it. */
export interface Implementation {
  /** The service. */
  readonly service: ServiceDefinition;
  /** Its handlers. */
  readonly handlers: Readonly<Record<string, unknown>>;
}

/**
 * Joins a service and its handlers. Any number of servers may serve them. Throws a `TypeError` for
 * a handler that is no function, or of a method that the service does not have.
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
 * console.log(await createClient(Greeter, inMemory([greeter])).hello("world")); // hello, world
 * ```
 */
export function implement<Service extends ServiceDefinition>(
  service: Service,
  handlers: Handlers<Service>,
): Implementation {
  checkDefinition(service);
  if (!isObject(handlers)) {
    throw wrong(
      `handlers of ${service.name} must be an object of functions, not ${shown(handlers)}`,
    );
  }
  // An instance of a class has state besides, such as what its handlers need.
  const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(handlers));
  for (const [name, handler] of Object.entries(handlers)) {
    if (service.methods[name] === undefined) {
      if (!isPlain) continue;
      throw wrong(`${service.name} has no method ${name}`);
    }
    if (handler !== undefined) checkFunction(`The handler of ${service.name}/${name}`, handler);
  }
  return { service, handlers };
}
