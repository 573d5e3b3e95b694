import { setImmediate } from "node:timers";
import { DuplexBase } from "../../duplex/duplex_base.ts";

/** The base of what runs where there is `setImmediate`, which is a turn of the event loop. */
export abstract class SocketBase extends DuplexBase {
  protected override later(callback: () => void): void {
    setImmediate(callback);
  }
}
