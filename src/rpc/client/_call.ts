import type { Deadline } from "../../waits/deadlines.ts";
import type { Waiting } from "../../waits/waiting_line.ts";
import { rejected } from "../_awaited.ts";
import type { Numbered } from "./_call_table.ts";
import { ItemStream } from "../_item_stream.ts";
import type { Outflow } from "./_outflow.ts";
import type { RpcMessage } from "../message.ts";
import type { OnRpcEnd } from "../observer.ts";
import type { Reading } from "../reading.ts";

/** A call in flight. */
export abstract class Call<Request, Response> implements Numbered, Waiting {
  id = 0;
  /** The request, until it is encoded or the call is given up. */
  request: Request | undefined;
  /** Which of the connection's requests it was, counted from 1; 0 if it has not been sent. */
  sentAs = 0;
  /** Its further requests, if it has any. */
  outflow: Outflow<Request> | undefined;
  /** Whether the call was given up before its request was sent. */
  left = false;
  /** Whether the call is over: nothing waits for a response. */
  done = false;
  /** Takes the call off its signal. */
  release: (() => void) | undefined;
  /** When it must be answered, and of how many milliseconds that is the end. */
  deadline: Deadline<Call<Request, Response>> | undefined;
  timeout: number | undefined;
  /** What it ended with, for an observer that ends it as it is told of it. */
  error: unknown;
  /** Reports the end to the observer, if there is one. */
  onEnd: OnRpcEnd | undefined;

  constructor(request: Request) {
    this.request = request;
  }

  /** Fails the call, with an error that may be of any type. */
  abstract fail(error: unknown): void;

  /** Fails it for its caller's own reason, which need not wait for what has arrived. */
  giveUp(error: unknown): void {
    this.fail(error);
  }
}

export class UnaryCall<Request, Response> extends Call<Request, Response> {
  readonly #resolve: (result: unknown) => void;
  readonly #reading: Reading<Response, unknown> | undefined;

  constructor(
    request: Request,
    resolve: (result: unknown) => void,
    reading: Reading<Response, unknown> | undefined,
  ) {
    super(request);
    this.#resolve = resolve;
    this.#reading = reading;
  }

  succeed(response: Response): void {
    const reading = this.#reading;
    if (reading === undefined) return this.#resolve(response);
    let result: unknown;
    try {
      result = reading.read(response);
    } catch (error) {
      // Of this call alone: the message was one, so its connection goes on.
      return this.#resolve(Promise.reject(error));
    }
    this.#resolve(result);
  }

  fail(error: unknown): void {
    const failure = rejected(error);
    const reading = this.#reading;
    this.#resolve(
      reading === undefined ? failure : failure.catch((error) => reading.failed(error)),
    );
  }
}

/** What a streaming call needs of its connection. */
export interface StreamSource<Request, Response> {
  /** The reader has left before the end. */
  leave(call: StreamingCall<Request, Response>): void;
  /** The reader has taken so much that the server may send more. */
  grant(call: StreamingCall<Request, Response>): void;
}

export class StreamingCall<Request, Response> extends Call<Request, Response> {
  readonly stream: ItemStream<Response>;

  constructor(
    request: Request,
    maxBufferedBytes: number,
    source: StreamSource<Request, Response>,
    messages: Pick<RpcMessage<Response>, "keeper">,
  ) {
    super(request);
    this.stream = new ItemStream(maxBufferedBytes, {
      onLeave: () => source.leave(this),
      onTaken: () => source.grant(this),
    }, messages);
  }

  fail(error: unknown): void {
    this.stream.fail(error);
  }

  override giveUp(error: unknown): void {
    this.stream.giveUp(error);
  }
}
