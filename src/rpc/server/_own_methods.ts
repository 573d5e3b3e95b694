import type { Reactor } from "../../../mod.ts";

/** A reactor that has all methods; a class, say. */
type Whole<Inbound, Outbound> =
  & Required<Pick<Reactor<Inbound, Outbound>, "pullOutbound" | "onEncodeError">>
  & Required<Pick<Reactor<Inbound, Outbound>, "onInboundEnd" | "onDrain" | "onClosing">>
  & Required<Pick<Reactor<Inbound, Outbound>, "onClose">>
  & Pick<Reactor<Inbound, Outbound>, "onInboundMessage">
  & { readonly pending: number; readonly inFlight: number };

/**
 * A reactor whose methods are its own, bound to it, so that it can be spread into another that
 * does something of its own first: `{ ...reactor, onInboundMessage }`. Of a class only the fields
 * would come along, and its methods would not find their object.
 */
export function ownMethods<Inbound, Outbound>(
  reactor: Whole<Inbound, Outbound>,
): Reactor<Inbound, Outbound> {
  return {
    onInboundMessage: (message, bytes) => reactor.onInboundMessage(message, bytes),
    pullOutbound: (budget) => reactor.pullOutbound(budget),
    pending: () => reactor.pending,
    inFlight: () => reactor.inFlight,
    onEncodeError: (error, message) => reactor.onEncodeError(error, message),
    onInboundEnd: () => reactor.onInboundEnd(),
    onDrain: (signal) => reactor.onDrain(signal),
    onClosing: () => reactor.onClosing(),
    onClose: (reason) => reactor.onClose(reason),
  };
}
