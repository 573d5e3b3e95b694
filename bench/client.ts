// What the clients of all rows have in common: they do the work that the runner sends.
import process from "node:process";
import type { Caller } from "./caller.ts";
import { Audience } from "./fan_out.ts";
import { onLine } from "./lines.ts";
import { closedLoop, openLoop } from "./loops.ts";
import type { Work } from "./work.ts";

/** How many connections are opened at a time: a backlog is not endless. */
const AT_A_TIME = 100;

/** Runs a client of the bench: its server's port is its last argument. */
export async function client(connect: (port: number) => Promise<Caller>): Promise<void> {
  const port = Number(process.argv.at(-1));
  const idle: Caller[] = [];
  await onLine(async (line) => {
    try {
      const work: Work = JSON.parse(line);
      await hold(idle, work.idle ?? 0, () => connect(port));
      const callers = await open(work.connections, () => connect(port));
      const unread = await open(work.unread ?? 0, () => connect(port));
      for (const caller of unread) caller.unread!();
      if (work.kind === "echo") await greet(callers);
      const audience = work.kind === "fan-out" ? await Audience.of(callers, work) : undefined;
      console.log("begin");
      const loop = work.rate ? openLoop : closedLoop;
      const result = await (audience ? audience.publish(work) : loop(callers, work));
      console.log(`result ${JSON.stringify(result)}`);
      await close([...callers, ...unread]);
      console.log("closed");
    } catch (error) {
      console.log(`failed ${String((error as Error)?.message ?? error).split("\n")[0]}`);
    }
  });
}

async function open(count: number, connect: () => Promise<Caller>): Promise<Caller[]> {
  const callers: Caller[] = [];
  while (callers.length < count) {
    const length = Math.min(AT_A_TIME, count - callers.length);
    callers.push(...await Promise.all(Array.from({ length }, connect)));
  }
  return callers;
}

async function close(callers: readonly Caller[]): Promise<void> {
  for (let at = 0; at < callers.length; at += AT_A_TIME) {
    await Promise.all(callers.slice(at, at + AT_A_TIME).map((caller) => caller.close()));
  }
}

/** Makes the first call on each connection, which makes what the others use. */
async function greet(callers: readonly Caller[]): Promise<void> {
  for (let at = 0; at < callers.length; at += AT_A_TIME) {
    await Promise.all(
      callers.slice(at, at + AT_A_TIME).map((caller) =>
        new Promise<void>((resolve, reject) =>
          caller.echo("hello", 1, (error) => error === undefined ? resolve() : reject(error))
        )
      ),
    );
  }
}

/** Opens or closes connections until there are so many; each makes one call. */
async function hold(idle: Caller[], count: number, connect: () => Promise<Caller>): Promise<void> {
  await close(idle.splice(count));
  const more = await open(count - idle.length, connect);
  await greet(more);
  idle.push(...more);
}
