import type { Codec } from "../../../mod.ts";
import { delimited } from "../../codecs/delimited.ts";
import type { ServiceRequest, ServiceResponse } from "./messages.ts";
import { EnvelopeReader, type FindMethod, type MetadataLimits } from "./reader.ts";
import { EnvelopeWriter } from "./writer.ts";

/** The codec of a client's connection. */
export function clientCodec(limits: MetadataLimits): Codec<ServiceResponse, ServiceRequest> {
  const writer = new EnvelopeWriter();
  const reader = new EnvelopeReader(limits);
  return delimited<ServiceResponse, ServiceRequest>({
    name: "protosocket.rpc.v1.Response",
    encode: (message, out) => writer.request(message, out),
    decode: (bytes, start, end) => reader.response(bytes, start, end),
    size: () => writer.width === 1 ? 0 : 128 ** (writer.width - 1),
  });
}

/** The codec of a server's connection, whose methods `find` finds. */
export function serverCodec(
  limits: MetadataLimits,
  find: FindMethod,
): Codec<ServiceRequest, ServiceResponse> {
  const writer = new EnvelopeWriter();
  const reader = new EnvelopeReader(limits, find);
  return delimited<ServiceRequest, ServiceResponse>({
    name: "protosocket.rpc.v1.Request",
    encode: (message, out) => writer.response(message, out),
    decode: (bytes, start, end) => reader.request(bytes, start, end),
    size: () => writer.width === 1 ? 0 : 128 ** (writer.width - 1),
  });
}
