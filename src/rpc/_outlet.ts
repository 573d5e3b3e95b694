import type { SendBudget } from "../../mod.ts";
import type { RpcId, RpcMessage } from "./message.ts";

/** Why a message was not sent: what its encoder, or the code for its id, threw, or its size. */
export interface Unencodable {
  readonly error: unknown;
}

/**
 * Where the messages of an end's RPCs leave for the encoder. Their ids are written only now, as the
 * same object may have been passed to several calls, or be the answer to several requests.
 */
export class Outlet<Message> {
  readonly #messages: RpcMessage<Message>;
  /** Set while a message is sent that cannot be encoded. */
  #unencodable: Unencodable | undefined;

  constructor(messages: RpcMessage<Message>) {
    this.#messages = messages;
  }

  /** The connection tells that the message that is being sent cannot be encoded. */
  onEncodeError(error: unknown): void {
    this.#unencodable = { error };
  }

  /**
   * Sends a message with that id, and with that code if it has not its own; returns its size in
   * bytes, or why it was not sent.
   */
  send(
    message: Message,
    id: RpcId,
    budget: SendBudget<Message>,
    code?: number,
  ): number | Unencodable {
    this.#unencodable = undefined;
    try {
      this.#messages.setId(message, id);
      if (code !== undefined) this.#messages.setCode!(message, code);
      const bytes = budget.send(message);
      return this.#unencodable ?? bytes;
    } catch (error) {
      return { error };
    }
  }
}
