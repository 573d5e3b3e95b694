// One set of handlers on several listeners and transports: all kinds of calls, who calls, and the
// end of a connection by its handler.
import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { Connection, type Duplex, type Listener, serve } from "@protosocket/protosocket";
import { portDuplex } from "@protosocket/protosocket/message-port";
import {
  createClient,
  implement,
  type Peer,
  serviceClient,
  serviceConnector,
} from "@protosocket/protosocket/services";
import { announcingProxy } from "../support/announcing_proxy.ts";
import { certified } from "../support/certificates.ts";
import { ca, connect, listen, ours, trusting } from "../support/tls.ts";
import { soon } from "../support/within.ts";
import { dialWebSocket, listenWebSocket } from "../websocket/support.ts";
import { all, fails, Prices } from "./support.ts";

const HOST = { hostname: "127.0.0.1", port: 0 };
const clientCertificate = await certified(ca, ["client-7", "client-7.example.com"]);

/** What the server has been told of its peers, one for each connection. */
const peers: Peer[] = [];
const connector = serviceConnector({
  services: [
    implement(Prices, {
      getQuote: ({ symbol }, { connection }) => ({
        symbol,
        cents: Number(connection.values.get("n")),
      }),
      setQuote(_, { connection }) {
        connection.close();
        return new Promise(() => {});
      },
      watchQuotes: ({ count }) => Array.from({ length: count }, (_, cents) => ({ cents })),
      putQuotes: async (quotes) => ({ count: (await all(quotes)).length }),
      async *trade(requests) {
        for await (const { symbol } of requests) yield { symbol };
      },
    }),
  ],
  onConnection({ peer, values }) {
    values.set("n", peers.push(peer));
  },
});

const portOf = ({ address }: Listener) => (address as { port: number }).port;

/** How a client's end of each transport is made, by what serves the other. */
const TRANSPORTS: Readonly<Record<string, () => Promise<[Duplex, AsyncDisposable]>>> = {
  async TCP() {
    const listener = await listen(HOST);
    const server = serve(listener, connector);
    return [await connect({ ...HOST, port: portOf(listener) }), server];
  },
  async TLS() {
    const tls = { ...ours, clientCaCerts: [ca.cert], alpnProtocols: ["prices"] };
    const listener = await listen({ ...HOST, tls });
    const server = serve(listener, connector);
    const own = { ...trusting, ...clientCertificate, alpnProtocols: ["prices"] };
    return [await connect({ ...HOST, port: portOf(listener), tls: own }), server];
  },
  async "a proxy"() {
    const listener = await listen({ ...HOST, proxyProtocol: { trust: ["127.0.0.0/8"] } });
    const server = serve(listener, connector);
    const proxy = await announcingProxy(portOf(listener));
    server.finished.then(proxy.close, proxy.close);
    return [await connect({ ...HOST, port: proxy.port }), server];
  },
  async "a WebSocket"() {
    const listener = await listenWebSocket(HOST);
    const server = serve(listener, connector);
    return [await dialWebSocket(portOf(listener)), server];
  },
  async "a message port"() {
    const { port1, port2 } = new MessageChannel();
    const there = portDuplex(port2);
    return [portDuplex(port1), new Connection(there, await connector(there))];
  },
};

for (const [name, open] of Object.entries(TRANSPORTS)) {
  test(`services over ${name}: calls of all kinds, and an end by the handler`, async () => {
    const [duplex, server] = await open();
    await using _server = server;
    await using client = serviceClient(duplex);
    const prices = createClient(Prices, client);
    const { symbol, cents } = await soon(prices.getQuote({ symbol: "X" }), "an answer");
    assertEquals([symbol, cents], ["X", peers.length]);
    assertEquals((await soon(all(prices.watchQuotes({ count: 3 })), "a stream")).length, 3);
    assertEquals((await soon(prices.putQuotes([{}, {}]), "a stream both ways")).count, 2);
    const requests = ["a", "b"].map((symbol) => ({ symbol }));
    const answers = await soon(all(prices.trade(requests)), "both ways");
    assertEquals(answers.map(({ symbol }) => symbol), ["a", "b"]);
    const { address, proxy, alpnProtocol, certificate, request } = peers.at(-1)!;
    assertEquals(address?.transport, name === "a message port" ? undefined : "tcp");
    assertEquals(proxy?.destination?.transport, name === "a proxy" ? "tcp" : undefined);
    assertEquals(alpnProtocol, name === "TLS" ? "prices" : undefined);
    assertEquals(certificate?.subject.CN, name === "TLS" ? "client-7" : undefined);
    if (certificate) {
      assertEquals(
        certificate.subjectAltNames.map(({ value }) => value),
        ["client-7", "client-7.example.com"],
      );
      assertMatch(certificate.fingerprint256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    }
    assertEquals(request?.url.pathname, name === "a WebSocket" ? "/" : undefined);
    await fails(prices.setQuote({}), "unavailable");
    await soon(client.closed, "the end");
  });
}
