// The messages of the Rust crates' MessagePack example (example-messagepack/src/messages.rs),
// and where their ids and control codes are.
import {
  messagePack,
  option,
  type Schema,
  string,
  struct,
  u32,
  u64,
  unit,
  variants,
} from "@protosocket/protosocket/messagepack";
import type { Codec } from "@protosocket/protosocket";
import { ControlCode, rpcFields, type RpcId, type RpcMessages } from "@protosocket/protosocket/rpc";

export interface Request {
  requestId: RpcId;
  code: number;
  body?: EchoRequest | undefined;
  responseBehavior: "Unary" | "Stream";
}

export interface EchoRequest {
  message: string;
  nanotime: number | bigint;
}

export interface Response {
  requestId: RpcId;
  code: number;
  kind?: EchoResponseKind | undefined;
}

export type EchoResponseKind =
  | { case: "Echo"; value: EchoResponse }
  | { case: "Stream"; value: EchoStream };

export interface EchoResponse {
  message: string;
  nanotime: number | bigint;
}

export interface EchoStream {
  message: string;
  nanotime: number | bigint;
  sequence: number | bigint;
}

const requests: Schema<Request> = struct("Request", {
  requestId: u64,
  code: u32,
  body: option(struct("EchoRequest", { message: string, nanotime: u64 })),
  responseBehavior: variants("ResponseBehavior", { Unary: unit, Stream: unit }),
});

const responses: Schema<Response> = struct("Response", {
  requestId: u64,
  code: u32,
  kind: option(variants("EchoResponseKind", {
    Echo: struct("EchoResponse", { message: string, nanotime: u64 }),
    Stream: struct("EchoStream", { message: string, nanotime: u64, sequence: u64 }),
  })),
});

/** The codec of a client. */
export function clientCodec(): Codec<Response, Request> {
  return messagePack(responses, requests);
}

/** The codec of a server's connection. */
export function serverCodec(): Codec<Request, Response> {
  return messagePack(requests, responses);
}

/** A request without an id: the client assigns it. */
export function request(
  body: EchoRequest,
  responseBehavior: Request["responseBehavior"] = "Unary",
): Request {
  return { requestId: 0, code: ControlCode.normal, body, responseBehavior };
}

/** A response or an item without an id: the server sets it. */
export function response(kind: EchoResponseKind): Response {
  return { requestId: 0, code: ControlCode.normal, kind };
}

export const echoMessages: RpcMessages<Request, Response> = {
  request: rpcFields(
    { id: "requestId", code: "code" },
    () => ({ requestId: 0, code: 0, responseBehavior: "Unary" }),
  ),
  response: rpcFields({ id: "requestId", code: "code" }),
};
