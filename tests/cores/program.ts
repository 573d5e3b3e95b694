// A program on two cores that closes its server at SIGTERM, as a test runs it.
import process from "node:process";
import { serveOnEachCore } from "@protosocket/protosocket/cores";

const server = await serveOnEachCore(new URL("./worker.ts", import.meta.url), {
  port: 0,
  cores: 2,
  data: {},
});
process.on("SIGTERM", () => server.close());
console.log(`listening ${server.address.transport === "tcp" ? server.address.port : ""}`);
await server.finished;
console.log("closed in order");
