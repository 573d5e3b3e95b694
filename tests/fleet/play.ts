// What befalls a fleet, one thing after the other, under the load of two pools.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout } from "node:timers/promises";
import { RUNTIMES } from "../../tools/runtimes.ts";
import { authority, certified } from "../support/certificates.ts";
import { Load, type Step } from "./load.ts";
import { FleetServer, freePorts, startHaproxy } from "./parts.ts";

/** What happened when, and what the calls met meanwhile. */
export interface Event {
  readonly name: string;
  readonly second: number;
  /** By pool: how many calls failed, by reason. */
  readonly failed: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Failures that need not have been. */
  readonly wrong: readonly string[];
}

/** A whole run. */
export interface Played {
  readonly events: readonly Event[];
  readonly steps: readonly Step[];
  readonly totals: readonly Record<"offered" | "answered" | "retried" | "ejected", number>[];
}

/** Plays everything once; each thing lasts `pause` milliseconds at least. */
export async function play(pause: number, tell: (line: string) => void): Promise<Played> {
  const folder = mkdtempSync(`${tmpdir()}/fleet-`);
  const ca = await authority();
  const { cert, key } = await certified(ca, ["127.0.0.1"]);
  const files = [`${folder}/cert.pem`, `${folder}/key.pem`];
  writeFileSync(files[0]!, cert);
  writeFileSync(files[1]!, key, { mode: 0o600 });
  const [front, ...ports] = await freePorts(9);
  const servers = [...RUNTIMES, "node" as const].map((runtime, i) =>
    new FleetServer(`${runtime} ${i + 1}`, runtime, [ports[2 * i]!, ports[2 * i + 1]!], files)
  );
  const [a, b, c, late] = servers as [FleetServer, FleetServer, FleetServer, FleetServer];
  let found = [a, b, c];
  let endHaproxy: (() => Promise<void>) | undefined;
  try {
    await Promise.all(found.map((server) => server.start()));
    endHaproxy = await startHaproxy(front!, servers);
    const loads = [
      new Load("direct", () => found.map(({ port }) => port), undefined, 4),
      new Load("through HAProxy", () => [front!], ca.cert, 8),
    ];
    const events: Event[] = [];
    const began = performance.now();
    for (const load of loads) load.start();
    /** Lets something happen, waits, and looks at what the calls met. */
    const phase = async (name: string, mayFail: string[], what: () => Promise<unknown>) => {
      const second = (performance.now() - began) / 1000;
      await what();
      await setTimeout(pause);
      const failed = Object.fromEntries(loads.map((load) => [load.name, load.failures()]));
      const wrong = Object.entries(failed).flatMap(([pool, reasons]) =>
        Object.entries(reasons).flatMap(([reason, count]) =>
          mayFail.includes(reason) ? [] : [`${pool}: ${count} ${reason}`]
        )
      );
      events.push({ name, second, failed, wrong });
      tell(`${second.toFixed(0).padStart(3)} s  ${name}: ${JSON.stringify(failed)}`);
    };
    await phase("all is well", [], () => Promise.resolve());
    await phase("rolling restart", [], async () => {
      for (const server of found) {
        await server.end("SIGTERM");
        await server.start();
        await setTimeout(pause / 2);
      }
    });
    await phase("one is killed", [], () => a.end("SIGKILL"));
    await phase("and is back", [], () => a.start());
    // Calls that it had taken wait for their time-out, as nobody can know.
    await phase("one hangs", ["deadline-exceeded"], () => Promise.resolve(b.hang(true)));
    await phase("and goes on", ["deadline-exceeded"], () => Promise.resolve(b.hang(false)));
    await phase("one is slow", [], () => c.slow(400));
    await phase("and is fast again", [], () => c.slow(0));
    await phase("one comes new", [], async () => {
      await late.start();
      found = [...found, late];
    });
    await Promise.all(loads.map((load) => load.stop()));
    const totals = loads.map(({ offered, answered, retried, ejected }) => ({
      offered,
      answered,
      retried,
      ejected,
    }));
    return { events, steps: loads.flatMap(({ steps }) => steps), totals };
  } finally {
    await endHaproxy?.();
    await Promise.all(servers.map((server) => server.end("SIGKILL")));
    rmSync(folder, { recursive: true });
  }
}
