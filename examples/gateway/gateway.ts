// Forwards bytes between two duplexes without decoding them.
import type { Duplex, Listener, SocketDuplex } from "@protosocket/protosocket";

/**
 * Joins each connection of the listener to a new one that `dial` opens, until the listener
 * is closed. A connection that fails does not affect others.
 */
export async function gateway(listener: Listener, dial: () => Promise<Duplex>): Promise<void> {
  for await (const client of listener) {
    open(client, dial).catch((error) => console.error(`a connection failed: ${error.message}`));
  }
}

async function open(client: SocketDuplex, dial: () => Promise<Duplex>): Promise<void> {
  let server: Duplex;
  try {
    server = await dial();
  } catch (error) {
    await client.writable.abort(error);
    throw error;
  }
  await join(client, server);
}

/**
 * Forwards bytes in both directions until both have ended. While a write waits, nothing is
 * read from the other end: that is the backpressure. If one end breaks, the other is aborted
 * at once.
 */
export async function join(one: Duplex, other: Duplex): Promise<void> {
  const [a, b] = [hold(one), hold(other)];
  try {
    // Notices a broken connection even while a write waits.
    await Promise.all([carry(a, b), carry(b, a), a.reader.closed, b.reader.closed]);
  } catch (error) {
    await Promise.allSettled([a.writer.abort(error), b.writer.abort(error)]);
    throw error;
  }
}

type Held = ReturnType<typeof hold>;

function hold({ readable, writable }: Duplex) {
  const held = { reader: readable.getReader(), writer: writable.getWriter() };
  held.writer.closed.catch(() => {});
  held.writer.ready.catch(() => {});
  return held;
}

/** Not `pipeTo`, which would wait for the write in progress before it notices a loss. */
async function carry({ reader }: Held, { writer }: Held): Promise<void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    await writer.write(value);
  }
  await writer.close();
}
