// A server is shut down with tens of thousands of calls in flight and to come.
import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { json } from "@protosocket/protosocket/json";
import { RpcClient, RpcError } from "@protosocket/protosocket/rpc";
import { sockets } from "../../examples/support/sockets.ts";
import { messages, type Request, type Response } from "../kill/messages.ts";
import { readJournal } from "../kill/load.ts";
import { Program } from "../support/program.ts";
import { within } from "../support/within.ts";

const CALLS = 50_000;
const CONNECTIONS = 8;

// Windows has no SIGTERM to send: there it ends a program at once.
const skip = process.platform === "win32" && "Windows has no SIGTERM";

test(
  "SIGTERM amid 50,000 calls: each one that a server accepted is answered",
  { skip },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "drain-"));
    const journal = join(folder, "journal");
    await using server = new Program("tests/kill/server.ts", ["0", journal, "20"]);
    const { port } = await server.listening();
    const { connect } = await sockets();
    const clients = await Promise.all(
      Array.from(
        { length: CONNECTIONS },
        async () =>
          new RpcClient(await connect({ port }), { codec: json<Response, Request>(), messages }),
      ),
    );

    const answered: number[] = [];
    const failed = new Map<string, number>();
    let inFlight = 0;
    const calls = Array.from({ length: CALLS }, async (_, body) => {
      try {
        const answer = await clients[body % CONNECTIONS]!.unary({ id: 0, code: 0, body });
        assertEquals(answer.body, body);
        answered.push(body);
      } catch (error) {
        assertInstanceOf(error, RpcError);
        failed.set(error.code, (failed.get(error.code) ?? 0) + 1);
      }
      if (answered.length === CALLS / 10 && inFlight === 0) {
        inFlight = clients.reduce((sum, client) => sum + client.inFlight, 0);
        server.kill("SIGTERM");
      }
    });
    await within(30_000, Promise.all(calls), "the end of every call");
    assertEquals(await server.ended, 0, server.said);
    await Promise.all(clients.map((client) => client.close()));

    const asked = readJournal(journal);
    rmSync(folder, { recursive: true });
    console.log(
      `figures: a server drained: ${CALLS} calls, ${inFlight} in flight or to come at SIGTERM, ` +
        `${asked.length} accepted, ${answered.length} answered, ` +
        `refused ${JSON.stringify(Object.fromEntries(failed))}`,
    );
    assertEquals(asked.sort(), answered.sort(), "a call that was accepted is lost");
    assertMatch(server.said, new RegExp(`accepted ${asked.length} answered ${asked.length}\n`));
    assert(answered.length < CALLS, "SIGTERM came when all was over");
  },
);
