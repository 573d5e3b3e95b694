/** What happened in a run, in its order: when, who, what. Written as text only if it is asked for. */
export class Trace {
  readonly #now: () => number;
  readonly #lines: [at: number, who: string, what: readonly unknown[]][] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  say(who: string, ...what: readonly unknown[]): void {
    this.#lines.push([this.#now(), who, what]);
  }

  get length(): number {
    return this.#lines.length;
  }

  /** The first and last lines, `most` in all. */
  text(most: number): string {
    const all = this.#lines;
    if (all.length <= most) return all.map(line).join("\n");
    const half = Math.floor(most / 2);
    const left = `      … ${all.length - 2 * half} lines …`;
    return [...all.slice(0, half).map(line), left, ...all.slice(-half).map(line)].join("\n");
  }
}

function line([at, who, what]: [number, string, readonly unknown[]]): string {
  return `${at.toFixed(1).padStart(10)}  ${who.padEnd(12)} ${what.map(shown).join(" ")}`;
}

/** An error in one line, with what caused it. */
export function shown(value: unknown): string {
  if (value instanceof Error) {
    const { code, sent } = value as { code?: string; sent?: boolean };
    const cause = value.cause === undefined ? "" : ` <- ${shown(value.cause)}`;
    const more = sent === undefined ? "" : ` sent=${sent}`;
    return `${value.name}(${code ?? ""}${more}): ${value.message.split("\n")[0]}${cause}`;
  }
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
