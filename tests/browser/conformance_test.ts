// The adapter conformance suite inside a page.
import { listen } from "../../src/adapters/websocket_node.ts";
import { joinPairs } from "../support/joined_pairs.ts";
import { casesInPage } from "./cases.ts";

await casesInPage("tests/browser/conformance_page.ts", {}, async (origin) => {
  const listener = await listen({ port: 0, allowedOrigins: [origin] });
  joinPairs(listener);
  const { port } = listener.address as { port: number };
  const relay = new URLSearchParams({ relay: `ws://127.0.0.1:${port}` });
  return { query: String(relay), close: () => listener.close() };
});
