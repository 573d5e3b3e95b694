// The service of the gRPC rows, as protoc-gen-es would describe it, with the messages of
// examples/proto.
import { create, createFileRegistry, type DescService } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  type MethodDescriptorProto,
  MethodDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { file_echo } from "../../../examples/proto/gen/echo_pb.ts";

function method(
  name: string,
  serverStreaming: boolean,
  clientStreaming = false,
): MethodDescriptorProto {
  const inputType = ".protosocket.examples.Request";
  const outputType = ".protosocket.examples.Response";
  const streaming = { serverStreaming, clientStreaming };
  return create(MethodDescriptorProtoSchema, { name, inputType, outputType, ...streaming });
}

const file = create(FileDescriptorProtoSchema, {
  name: "service.proto",
  package: "protosocket.examples",
  syntax: "proto3",
  dependency: [file_echo.proto.name],
  service: [{
    name: "Echo",
    method: [method("Unary", false), method("Items", true), method("Chat", true, true)],
  }],
});

export const Echo: DescService = createFileRegistry(
  file,
  (name) => name === file_echo.proto.name ? file_echo.proto : undefined,
).getService("protosocket.examples.Echo")!;
