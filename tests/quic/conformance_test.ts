// The adapter conformance suite on bare streams of QUIC connections, on Deno:
//
//   deno test -A --unstable-net tests/quic/conformance_test.ts
import { test } from "node:test";
import type { Duplex } from "../../mod.ts";
import type { Adapter } from "../conformance/adapter.ts";
import { backpressureCases } from "../conformance/backpressure.ts";
import { bytesCases } from "../conformance/bytes.ts";
import { halfCloseCases } from "../conformance/half_close.ts";
import { authority, certified } from "../support/certificates.ts";
import { unstableNet } from "../support/runtime.ts";

interface Quic {
  QuicEndpoint: new (at: { hostname: string; port: number }) => {
    readonly addr: { readonly port: number };
    listen(options: object): { accept(): Promise<QuicConnection> };
    close(): void;
  };
  connectQuic(options: object): Promise<QuicConnection>;
}

interface QuicConnection {
  readonly incomingBidirectionalStreams: ReadableStream<Duplex>;
  createBidirectionalStream(): Promise<Duplex>;
  close(): void;
}

if (unstableNet) await register();
else test("quic stream: all cases", { skip: "needs Deno with --unstable-net" }, () => {});

async function register(): Promise<void> {
  const { Deno } = globalThis as unknown as { Deno: Quic };
  const ca = await authority();
  const alpnProtocols = ["protosocket"];
  const own = await certified(ca, ["localhost"]);
  const adapter: Adapter = {
    name: "quic stream",
    gaps: { turns: "Deno's QUIC takes writes without a turn of the event loop" },
    async open() {
      const endpoint = new Deno.QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
      const { port } = endpoint.addr;
      const listener = endpoint.listen({ ...own, alpnProtocols });
      const [there, here] = await Promise.all([
        listener.accept(),
        Deno.connectQuic({ hostname: "localhost", port, alpnProtocols, caCerts: [ca.cert] }),
      ]);
      const client = await here.createBidirectionalStream();
      // The other end hears of a stream by its first byte.
      const writer = client.writable.getWriter();
      await writer.write(new Uint8Array([0]));
      writer.releaseLock();
      const { value: server } = await there.incomingBidirectionalStreams.getReader().read();
      const reader = (server!.readable as ReadableStream<Uint8Array>).getReader({ mode: "byob" });
      await reader.read(new Uint8Array(1));
      reader.releaseLock();
      return {
        client,
        server: server!,
        close: () => {
          here.close();
          endpoint.close();
          return Promise.resolve();
        },
      };
    },
  };
  bytesCases(adapter);
  halfCloseCases(adapter);
  backpressureCases(adapter);
  const skip = "a QUIC stream resets each direction on its own; Connection resets both";
  test("quic stream: all cases of aborts", { skip }, () => {});
}
