import { sockets } from "../../examples/support/sockets.ts";
import { authority, certified } from "../support/certificates.ts";
import { runtime } from "../support/runtime.ts";
import { NET_GAPS } from "./net_gaps.ts";
import type { SocketGaps } from "./sockets.ts";
import { socketConformance } from "./suite.ts";

const { connect, listen } = await sockets();
const ca = await authority();
const { cert, key } = await certified(ca, ["localhost", "127.0.0.1", "::1"]);

const reset = {
  node: "Node tells a reset that comes with other bytes as an end",
  deno: "Deno tells a reset of what is below TLS as an end",
  bun: undefined,
}[runtime];
const tcp: SocketGaps = {
  ...NET_GAPS,
  crossing: undefined,
  early: "a connection that is reset in its handshake is never accepted",
  reset,
  unnoticed: runtime === "deno" ? "Deno's node:tls fails empty writes, which would ask" : undefined,
};

socketConformance({
  name: "tls",
  connect: (options) => connect({ ...options, tls: { caCerts: [ca.cert] } }),
  listen: (options) => listen({ ...options, tls: { cert, key } }),
  gaps: { tcp, unix: { missing: "TLS is for TCP" } },
});
