// A worker of `node:worker_threads`.
import { parentPort } from "node:worker_threads";
import { serveHere } from "./worker.ts";

serveHere(parentPort!);
