// The echo of bytes over this library.
import { serveRpc } from "@protosocket/protosocket/rpc";
import { MAX_MESSAGE } from "../../limits.ts";
import { serving } from "../../server.ts";
import { listen } from "../ours/by_streams.ts";
import { codec, messages, payload } from "./messages.ts";

const { listener, port } = await listen();
serveRpc(listener, {
  codec,
  messages,
  maxBufferLength: MAX_MESSAGE,
  service: () => ({ data }) => payload(data),
});
await serving(port);
