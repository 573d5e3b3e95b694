import { portDuplex } from "../../src/adapters/message_port.ts";
import { conformance } from "./suite.ts";

conformance({
  name: "message port",
  gaps: {},
  open() {
    const { port1, port2 } = new MessageChannel();
    const [client, server] = [portDuplex(port1), portDuplex(port2)];
    return Promise.resolve({ client, server, close: () => Promise.resolve() });
  },
});

let channels = 0;

conformance({
  name: "broadcast channel",
  gaps: {},
  open() {
    const name = `protosocket-${channels++}`;
    const [one, other] = [new BroadcastChannel(name), new BroadcastChannel(name)];
    const [client, server] = [portDuplex(one), portDuplex(other)];
    return Promise.resolve({
      client,
      server,
      close() {
        one.close();
        other.close();
        return Promise.resolve();
      },
    });
  },
});
