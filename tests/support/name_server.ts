import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";

const TYPES = { A: 1, AAAA: 28, SRV: 33 } as const;
const NO_SUCH_NAME = 3;

/** A record that a {@linkcode NameServer} has. */
export type NameRecord =
  | { readonly type: "A"; readonly ttl: number; readonly address: readonly number[] }
  | { readonly type: "AAAA"; readonly ttl: number; readonly address: readonly number[] }
  | {
    readonly type: "SRV";
    readonly ttl: number;
    readonly priority: number;
    readonly weight: number;
    readonly port: number;
    readonly target: string;
  };

/** A name server over UDP that knows a few names; it does not answer to the name `silent.test`. */
export class NameServer implements AsyncDisposable {
  readonly names: Map<string, readonly NameRecord[]>;
  readonly #socket = createSocket("udp4");
  /** How often it was asked. */
  asked = 0;

  constructor(names: Readonly<Record<string, readonly NameRecord[]>>) {
    this.names = new Map(Object.entries(names));
    this.#socket.on("message", (question, { address, port }) => {
      const answer = this.#answer(question);
      if (answer) this.#socket.send(answer, port, address);
    });
  }

  /** Listens; returns its address, as name servers are given. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#socket.bind(0, "127.0.0.1", resolve));
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  #answer(question: Uint8Array): Uint8Array | undefined {
    this.asked++;
    const asked = Buffer.from(question);
    let at = 12;
    const labels: string[] = [];
    for (let length; (length = asked[at++]!) > 0; at += length) {
      labels.push(asked.toString("latin1", at, at + length));
    }
    const name = labels.join(".").toLowerCase();
    if (name === "silent.test") return undefined;
    const type = asked.readUInt16BE(at);
    const known = this.names.get(name);
    const records = (known ?? []).filter((record) => TYPES[record.type] === type);
    const head = Buffer.alloc(12);
    asked.copy(head, 0, 0, 2);
    // An answer, with recursion, from who has authority.
    head.writeUInt16BE(0x8580 | (known ? 0 : NO_SUCH_NAME), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    return Buffer.concat([head, asked.subarray(12, at + 4), ...records.map(encoded)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }
}

function encoded(record: NameRecord): Uint8Array {
  const data = record.type === "SRV"
    ? Buffer.concat([
      numbers(record.priority, record.weight, record.port),
      ...record.target.split(".").filter(Boolean).map((label) =>
        Buffer.from([label.length, ...Buffer.from(label, "latin1")])
      ),
      Buffer.of(0),
    ])
    : Buffer.from(record.address);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(TYPES[record.type], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(record.ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, 2 * i);
  return bytes;
}
