// A service in plain TypeScript, with schemas of zod, its server and a client of it:
//
//   deno run -A examples/services-zod/notes.ts 127.0.0.1:9000
//   bun examples/services-zod/notes.ts 127.0.0.1:9000
//   npx tsx examples/services-zod/notes.ts 127.0.0.1:9000
import process from "node:process";
import {
  createClient,
  defineService,
  implement,
  serveServices,
  serviceClient,
  ServiceError,
} from "@protosocket/protosocket/services";
import { connect, listen } from "@protosocket/protosocket/sockets";
import { z } from "zod";
import { parseAddress } from "../support/sockets.ts";

// What both ends share, in a file of its own if they are two programs.
const note = z.object({ author: z.string().min(1), text: z.string().max(1000) });
const stored = note.extend({ number: z.number().int() });
const Notes = defineService("examples.Notes", {
  add: { request: note, response: stored },
  list: {
    kind: "server_streaming",
    request: z.object({ author: z.string().optional() }),
    response: stored,
    idempotent: true,
  },
});

// The server.
const all: z.infer<typeof stored>[] = [];
const service = implement(Notes, {
  add(note) {
    const stored = { ...note, number: all.length + 1 };
    all.push(stored);
    return stored;
  },
  list: ({ author }) => all.filter((note) => author === undefined || note.author === author),
});
const listener = await listen(parseAddress(process.argv[2] ?? "127.0.0.1:9000"));
await using _server = serveServices(listener, { services: [service] });

// The client.
await using connection = serviceClient(await connect(listener.address as { port: number }));
const notes = createClient(Notes, connection);
for (const author of ["ada", "ben", "ada"]) {
  const { number } = await notes.add({ author, text: `a note of ${author}` });
  console.log(`note ${number}`);
}
for await (const { number, text } of notes.list({ author: "ada" })) {
  console.log(`${number}: ${text}`);
}
try {
  await notes.add({ author: "", text: "nobody wrote this" });
} catch (error) {
  if (!(error instanceof ServiceError)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
