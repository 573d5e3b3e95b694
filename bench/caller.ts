// What each row has a client for.

/** A call is over; it failed if there is an error. */
export type Done = (error?: unknown) => void;

/** One connection of a row. */
export interface Caller {
  /** Sends a text and a number to be echoed, and checks the echo. */
  echo(text: string, number: number, done: Done): void;
  /** Asks for a stream of so many items of so many bytes; reads and checks all. */
  stream?(items: number, bytes: number, done: Done): void;
  /** Sends so many requests of so many bytes in one call; reads and checks all answers. */
  chat?(items: number, bytes: number, done: Done): void;
  /** Asks for a stream that has no end, and never reads. */
  unread?(): void;
  /** Hears all that is published from now on; a first message, of number 0, comes at once. */
  subscribe?(heard: (number: number, length: number) => void): void;
  /** Has the server send a text and a number to all who have subscribed. */
  publish?(text: string, number: number): void;
  close(): void | Promise<unknown>;
}
