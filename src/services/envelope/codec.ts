import type { Codec } from "../../../mod.ts";
import { delimited } from "../../codecs/delimited.ts";
import type { ServiceRequest, ServiceResponse } from "./messages.ts";
import { type FindMethod, type MetadataLimits, RequestReader, ResponseReader } from "./reader.ts";
import { RequestWriter, ResponseWriter } from "./writer.ts";

/** The codec of a client's connection. */
export function clientCodec(limits: MetadataLimits): Codec<ServiceResponse, ServiceRequest> {
  const writer = new RequestWriter();
  const reader = new ResponseReader(limits);
  return delimited<ServiceResponse, ServiceRequest>({
    name: "protosocket.rpc.v1.Response",
    encode: (message, out) => writer.write(message, out),
    decode: (bytes, start, end) => reader.read(bytes, start, end),
    size: () => writer.width === 1 ? 0 : 128 ** (writer.width - 1),
  });
}

/** The codec of a server's connection, whose methods `find` finds. */
export function serverCodec(
  limits: MetadataLimits,
  find: FindMethod,
): Codec<ServiceRequest, ServiceResponse> {
  const writer = new ResponseWriter();
  const reader = new RequestReader(limits, find);
  return delimited<ServiceRequest, ServiceResponse>({
    name: "protosocket.rpc.v1.Request",
    encode: (message, out) => writer.write(message, out),
    decode: (bytes, start, end) => reader.read(bytes, start, end),
    size: () => writer.width === 1 ? 0 : 128 ** (writer.width - 1),
  });
}
