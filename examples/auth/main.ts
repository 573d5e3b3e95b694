// A server that knows its clients by tokens on one port, and by certificates on another; and
// clients of both:
//
//   deno run -A examples/auth/main.ts
//   bun examples/auth/main.ts
//   npx tsx examples/auth/main.ts
import {
  createClient,
  defineService,
  implement,
  serveServices,
  serviceClient,
  ServiceError,
} from "@protosocket/protosocket/services";
import { connect, listen } from "@protosocket/protosocket/sockets";
import { z } from "zod";
import { authenticate, userOf } from "./authenticate.ts";
import { authority, certified } from "./certificates.ts";
import { withToken } from "./token.ts";

const Greeter = defineService("examples.Greeter", {
  hello: { request: z.object({}), response: z.string() },
});
const greeter = implement(Greeter, { hello: (_, context) => `hello, ${userOf(context)}` });

// The server. Both ports have the same services.
const ca = await authority();
const tls = await certified(ca, "localhost");
const tokens = new Map([["old", "ada"], ["new", "ada"]]);
const options = {
  services: [greeter],
  interceptors: [authenticate((token) => tokens.get(token))],
};
const byToken = await listen({ port: 0, tls });
await using _byToken = serveServices(byToken, options);
const byCertificate = await listen({ port: 0, tls: { ...tls, clientCaCerts: [ca.cert] } });
await using _byCertificate = serveServices(byCertificate, options);

/** Calls, and tells what came of it. */
async function hello(who: string, client: { hello(request: object): Promise<string> }) {
  try {
    console.log(`${who}: ${await client.hello({})}`);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    console.log(`${who}: ${error.code}`);
  }
}

// Clients with tokens, over one connection.
const { port } = byToken.address as { port: number };
const trusting = { serverName: "localhost", caCerts: [ca.cert] };
await using connection = serviceClient(await connect({ port, tls: trusting }));
await hello("without a token", createClient(Greeter, connection));
const metadata = { authorization: "Bearer old" };
await hello("with a token", createClient(Greeter, connection, { metadata }));

const stock = ["old", "new"];
const renewing = withToken(() => Promise.resolve(stock.shift()!));
const client = createClient(Greeter, connection, { interceptors: [renewing] });
await hello("with a token to renew", client);
tokens.delete("old");
await hello("with a token that was renewed", client);

// A client with a certificate, and one without, whom the other port does not let in.
const address = { port: (byCertificate.address as { port: number }).port };
const own = await certified(ca, "ben");
await using known = serviceClient(await connect({ ...address, tls: { ...trusting, ...own } }));
await hello("with a certificate", createClient(Greeter, known));
try {
  await using unknown = serviceClient(await connect({ ...address, tls: trusting }));
  await hello("without a certificate", createClient(Greeter, unknown));
} catch {
  console.log("without a certificate: unavailable");
}
