// A worker of the web, which serves on its own port.
import type { PortLike } from "@protosocket/protosocket/message-port";
import { serveHere } from "./worker.ts";

serveHere(globalThis as unknown as PortLike);
