import type { CancelReason, RpcMessages } from "../../rpc/mod.ts";
import {
  requestMessages,
  responseMessages,
  type ServiceRequest,
  type ServiceResponse,
  type WireStatus,
} from "../envelope/messages.ts";

/** Where id and code are, at a server, which says why it cancels. */
export const MESSAGES: RpcMessages<ServiceRequest, ServiceResponse> = {
  request: requestMessages,
  response: {
    ...responseMessages,
    cancelled(id, why) {
      const message = responseMessages.cancelled(id);
      if (why !== undefined) message.status = CANCELS[why];
      if (why === "refused") message.unbegun = true;
      return message;
    },
  },
};

const CANCELS: Record<CancelReason, WireStatus> = {
  refused: { code: 14, message: "The server is going away", details: [] },
  shutdown: { code: 14, message: "The server is shutting down", details: [] },
  failed: { code: 13, message: "The response cannot be sent", details: [] },
};
