// A worker of the web, which serves on the ports that it is sent.
import { serveChannels } from "./worker.ts";

serveChannels(globalThis);
