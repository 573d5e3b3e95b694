// Carries bytes between two streams: what is in them is not looked at.
import type { Duplex, Listener, SocketDuplex } from "@protosocket/protosocket";

/**
 * Joins each connection of the listener to one of its own that `dial` opens, until the
 * listener is closed. One that fails harms no other.
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
 * Carries bytes both ways until both have ended. Each write waits for the one to whom it
 * goes, and nothing is read meanwhile: whoever is slow slows down the other end. If one
 * end breaks, both do, at once.
 */
export async function join(one: Duplex, other: Duplex): Promise<void> {
  const [a, b] = [hold(one), hold(other)];
  try {
    // A loss is heard of while a write waits, too.
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

/** `pipeTo` would wait for a write under way before it hears of a loss. */
async function carry({ reader }: Held, { writer }: Held): Promise<void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    await writer.write(value);
  }
  await writer.close();
}
