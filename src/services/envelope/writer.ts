import type { EncodeBuffer } from "../../../mod.ts";
import type { RpcId } from "../../rpc/mod.ts";
import { writeText } from "../../codecs/text.ts";
import { putLength, putVarint, varintWidth } from "../../codecs/varint.ts";
import { putVarint64 } from "../../codecs/varint64.ts";
import type { Body } from "../definition.ts";
import type { Entries, ServiceRequest, ServiceResponse, WireStatus } from "./messages.ts";

/** Two tags, an id and a code. */
const MAX_HEAD = 24;

/** What both kinds of message have in common. A client has no need of the code for responses. */
class EnvelopeWriter {
  /** How many bytes the length of the last payload took: the next one is likely to be alike. */
  width = 1;

  protected payload(
    tag: number,
    body: Body<unknown, unknown>,
    value: unknown,
    out: EncodeBuffer,
  ): void {
    const { width } = this;
    const before = begin(tag, width, out);
    body.encode(value, out);
    const size = out.length - before;
    this.width = size < 128 ? 1 : varintWidth(size);
    putLength(out, before, width);
  }
}

/** Appends the requests of one connection, without their framing. */
export class RequestWriter extends EnvelopeWriter {
  write(message: ServiceRequest, out: EncodeBuffer): void {
    writeHead(message.id, message.code, out);
    const { method, body, deadline, metadata } = message;
    // What continues an RPC has no method in it.
    if (method !== undefined && message.code === 0) {
      const { pathBytes, encoding } = method;
      const at = out.reserve(pathBytes.length + 8);
      const { bytes } = out;
      bytes[at] = 0x1a;
      let next = putVarint(bytes, at + 1, pathBytes.length);
      bytes.set(pathBytes, next);
      next += pathBytes.length;
      if (message.stream) {
        bytes[next] = 0x38;
        bytes[next + 1] = 1;
        next += 2;
      }
      if (encoding !== 0) {
        bytes[next] = 0x40;
        bytes[next + 1] = encoding;
        next += 2;
      }
      out.offset = next;
    }
    if (deadline !== 0) writeTimeout(deadline, out);
    if (metadata !== undefined) writeEntries(0x32, metadata, out);
    if (body !== undefined) this.payload(0x22, body, message.value, out);
  }
}

/** Appends the responses of one connection, without their framing. */
export class ResponseWriter extends EnvelopeWriter {
  write(message: ServiceResponse, out: EncodeBuffer): void {
    writeHead(message.id, message.code, out);
    const { body, status, metadata, trailers } = message;
    if (status !== undefined) writeStatus(status, out);
    if (metadata !== undefined) writeEntries(0x2a, metadata, out);
    if (trailers !== undefined) writeEntries(0x42, trailers, out);
    if (message.unbegun) {
      const at = out.reserve(2);
      out.bytes[at] = 0x38;
      out.bytes[at + 1] = 1;
      out.offset = at + 2;
    }
    if (body !== undefined) this.payload(0x1a, body, message.value, out);
  }
}

function writeHead(id: RpcId, code: number, out: EncodeBuffer): void {
  let at = out.reserve(MAX_HEAD);
  const { bytes } = out;
  bytes[at++] = 0x08;
  at = typeof id === "number" ? putVarint(bytes, at, id) : putVarint64(bytes, at, id);
  if (code !== 0) {
    bytes[at++] = 0x10;
    bytes[at++] = code;
  }
  out.offset = at;
}

/** Writes a tag and leaves room for a length; returns how much comes before what it is of. */
function begin(tag: number, width: number, out: EncodeBuffer): number {
  const at = out.reserve(1 + width);
  out.bytes[at] = tag;
  out.offset = at + 1 + width;
  return out.length;
}

function writeTimeout(deadline: number, out: EncodeBuffer): void {
  // It must not be 0, which would be no deadline at all.
  const micros = Math.round((deadline - performance.now()) * 1000);
  // Nor more than can be written: a context that a program makes may have an infinite deadline.
  const left = Math.min(Math.max(1, micros), Number.MAX_SAFE_INTEGER);
  const at = out.reserve(12);
  out.bytes[at] = 0x28;
  out.offset = putVarint(out.bytes, at + 1, left);
}

function writeEntries(tag: number, entries: Entries, out: EncodeBuffer): void {
  for (const [key, value] of entries) {
    const before = begin(tag, 1, out);
    writeString(0x0a, key, out);
    if (typeof value === "string") writeString(0x12, value, out);
    else writeBytes(0x12, value, out);
    putLength(out, before, 1);
  }
}

function writeStatus({ code, message, details }: WireStatus, out: EncodeBuffer): void {
  const before = begin(0x22, 1, out);
  if (code !== 0) {
    const at = out.reserve(6);
    out.bytes[at] = 0x08;
    out.offset = putVarint(out.bytes, at + 1, code);
  }
  if (message !== "") writeString(0x12, message, out);
  for (const { typeUrl, value } of details) {
    const any = begin(0x1a, 1, out);
    writeString(0x0a, typeUrl, out);
    writeBytes(0x12, value, out);
    putLength(out, any, 1);
  }
  putLength(out, before, 1);
}

function writeString(tag: number, text: string, out: EncodeBuffer): void {
  const guessed = varintWidth(text.length);
  const before = begin(tag, guessed, out);
  writeText(text, out);
  putLength(out, before, guessed);
}

function writeBytes(tag: number, bytes: Uint8Array, out: EncodeBuffer): void {
  const before = begin(tag, varintWidth(bytes.length), out);
  out.write(bytes);
  putLength(out, before, varintWidth(bytes.length));
}
