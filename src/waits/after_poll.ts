/** Milliseconds: long enough for the event loop to read from its sockets once. */
const ONE_POLL = 2;

/**
 * Calls back once what has already arrived at this machine has been read. Timers run before
 * sockets are polled: after a process was busy or suspended, every time-out is due, although
 * what it waits for lies in the socket. So whoever judges a peer by a timer looks once more
 * after this. Returns a function that cancels it.
 */
export function afterPoll(callback: () => void): () => void {
  let timer = setTimeout(() => timer = setTimeout(callback, ONE_POLL), 0);
  return () => clearTimeout(timer);
}
