// A Cloudflare Worker:
//
//   /ask?text=…      answers with an RPC over TCP to the server at RPC_HOST and RPC_PORT
//   /count           serves RPCs over a WebSocket, with a count for each connection
//   /counters/NAME   serves them from a Durable Object, which all clients of NAME share
//
// `npx wrangler dev --config examples/cloudflare/wrangler.jsonc` runs it; `npm run edge`
// tests it.
import { Connection } from "@protosocket/protosocket";
import { upgradeWebSocket } from "@protosocket/protosocket/cloudflare";
import { json } from "@protosocket/protosocket/json";
import { refused, rpcReactor } from "@protosocket/protosocket/rpc";
import { plain } from "../support/plain_messages.ts";
import { ask, type Context } from "./ask.ts";
import { messages, type Request, type Response } from "./messages.ts";

export { Counter } from "./counter.ts";

/** The bindings in wrangler.jsonc. */
interface Env {
  readonly RPC_HOST: string;
  readonly RPC_PORT: string;
  readonly COUNTERS: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: globalThis.Request): Promise<globalThis.Response> };
  };
}

function count(request: globalThis.Request): globalThis.Response {
  const upgrade = upgradeWebSocket(request);
  if (upgrade.kind === "accepted") {
    let [total, awake] = [0, 0];
    new Connection(upgrade.duplex, {
      codec: json<Request, Response>(),
      firstMessageTimeout: 60_000,
      messageTimeout: 60_000,
      reactor: rpcReactor(messages, ({ body }: Request) => {
        if (!body) return refused;
        return plain({ total: total += body.by, awake: ++awake });
      }),
    });
  }
  return upgrade.response;
}

export default {
  fetch(
    request: globalThis.Request,
    env: Env,
    context: Context,
  ): globalThis.Response | Promise<globalThis.Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/ask") {
      const server = { hostname: env.RPC_HOST, port: Number(env.RPC_PORT) };
      return ask(server, searchParams.get("text") ?? "", context);
    }
    if (pathname === "/count") return count(request);
    const [, name] = /^\/counters\/(\w+)$/.exec(pathname) ?? [];
    if (name) return env.COUNTERS.get(env.COUNTERS.idFromName(name)).fetch(request);
    return new globalThis.Response("Not found\n", { status: 404 });
  },
};
