// Provokes each code of a ConnectionError once; the error names the peer and the sizes.
import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { test } from "node:test";
import {
  Connection,
  type ConnectionConfig,
  ConnectionError,
  type ConnectionErrorCode,
  serve,
} from "@protosocket/protosocket";
import { End } from "../support/end.ts";
import { always, framesCodec } from "../support/framing.ts";
import { memoryListener } from "../support/memory_listener.ts";
import { deferred, outcome, soon } from "../support/within.ts";
import { ADDRESS, errorOf, pairFrom } from "./support.ts";

type Config = Partial<ConnectionConfig<number[]>>;

function open(config: Config = {}) {
  const [here, there] = pairFrom();
  const connection = new Connection<number[]>(here, {
    codec: framesCodec(),
    reactor: () => ({ onInboundMessage: () => {} }),
    ...config,
  });
  return { connection, end: new End(there) };
}

/** The error of a connection that gets these bytes, and the end behind them if `ends`. */
async function afterBytes(bytes: number[], config: Config = {}, ends = false): Promise<unknown> {
  const { connection, end } = open(config);
  outcome(end.writer.write(Uint8Array.from(bytes)));
  if (ends) outcome(end.writer.close());
  return await endOf(connection);
}

async function endOf(connection: Connection<number[]>): Promise<unknown> {
  const reason = await soon(connection.closed, "the end");
  return reason.kind === "error" ? reason.error : reason;
}

const throws = () => {
  throw new Error("oh");
};

const MADE: Record<ConnectionErrorCode, [says: RegExp, make: () => Promise<unknown>]> = {
  closed: [/^Cannot send: /, () => {
    const { connection } = open();
    connection.close();
    return errorOf(connection.sender.send([1]), "a send after the end");
  }],
  aborted: [/was aborted/, () => {
    const { connection } = open();
    connection.abort();
    return endOf(connection);
  }],
  "invalid-message": [/nothing begins with 255/, () => afterBytes([255])],
  "message-too-large": [
    /at least 61 bytes .* maxBufferLength, 50 bytes/,
    () => afterBytes([60], { maxBufferLength: 50 }),
  ],
  truncated: [/2 of at least 6 bytes had arrived/, () => afterBytes([5, 1], {}, true)],
  decoder: [/used 7 of the 1 bytes/, () => {
    const decoder = always<number[]>({ kind: "message", message: [], bytesUsed: 7 });
    return afterBytes([1], { codec: { ...framesCodec(), decoder } });
  }],
  encoder: [/^Cannot send a message: /, () => {
    const { connection } = open();
    connection.sender.trySend(new Array(100).fill(8));
    return endOf(connection);
  }],
  reactor: [/reactor threw/, () => {
    return afterBytes([1, 1], { reactor: () => ({ onInboundMessage: throws }) });
  }],
  "drain-timeout": [/drainTimeout, 10 ms/, () => {
    const reactor = () => ({
      onInboundMessage: () => {},
      onInboundEnd: () => new Promise<void>(() => {}),
    });
    return afterBytes([1, 1], { drainTimeout: 10, reactor }, true);
  }],
  "idle-timeout": [/idleTimeout, 10 ms/, () => afterBytes([1, 1], { idleTimeout: 10 })],
  "message-timeout": [/messageTimeout, 10 ms/, () => afterBytes([2, 1], { messageTimeout: 10 })],
  "write-timeout": [/writeTimeout, 10 ms/, () => {
    const { connection } = open({ writeTimeout: 10 });
    // More than a pair has room for.
    for (let i = 0; i < 4000; i++) outcome(connection.sender.send(new Array(50).fill(7)));
    return endOf(connection);
  }],
  "too-many-connections": [/192.0.2.7 has 1 open, as many as maxConnectionsPerAddress/, refused],
};

/** What a server that lets in one of an address says of the second. */
async function refused(): Promise<unknown> {
  const listener = memoryListener(ADDRESS.hostname);
  const heard = deferred<unknown>();
  await using _server = serve<number[]>(listener, () => ({
    codec: framesCodec(),
    reactor: () => ({ onInboundMessage: () => {} }),
  }), { maxConnectionsPerAddress: 1, onConnectError: heard.resolve });
  const ends = [new End(listener.dial(ADDRESS.port)), new End(listener.dial(ADDRESS.port))];
  const error = await soon(heard.promise, "a refusal");
  for (const end of ends) end.drop();
  return error;
}

for (const [code, [says, make]] of Object.entries(MADE)) {
  test(`ConnectionError ${code}: names the peer and the problem`, async () => {
    const error = await make();
    assertInstanceOf(error, ConnectionError);
    assertEquals([error.code, error.remoteAddress], [code, ADDRESS]);
    assertMatch(error.message, says);
  });
}
