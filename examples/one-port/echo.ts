// What all programs of this folder serve: an echo, that knows who asks.
import { type Listener, serve, type Server, type SocketDuplex } from "@protosocket/protosocket";
import { lines } from "@protosocket/protosocket/lines";

/** The page that the same port has. */
export const PAGE = "A page. WebSockets are at /rpc?name=…\n";

/** Answers each line with the name that the WebSocket was opened with. */
export function serveEcho(sockets: Listener): Server {
  return serve<string>(sockets, ({ request }: SocketDuplex) => {
    // Cookies and headers are there too: refuse by throwing.
    const name = request?.url.searchParams.get("name");
    if (!name) throw new Error("Nobody without a name");
    return {
      codec: lines(),
      reactor: (sender) => ({
        onInboundMessage: (line) => sender.send(`${name} says ${line}`),
      }),
    };
  }, { onConnectError: () => {/* a log of your own */} });
}
