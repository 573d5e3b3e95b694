// Messages of the schema that the Rust crates' examples share, in protobuf's JSON form,
// with their bytes worked out by hand: the length, then each field's tag and value.

/** One message, and how it looks on the wire. */
export interface Vector {
  readonly type: "Request" | "Response";
  readonly what: string;
  readonly hex: string;
  // deno-lint-ignore no-explicit-any
  readonly json: any;
}

export const VECTORS: readonly Vector[] = [
  { type: "Request", what: "nothing", hex: "00", json: {} },
  {
    type: "Request",
    what: "a unary request",
    // 1: 1, 3: { 1: "hello", 2: 42 }
    hex: "0d  08 01  1a 09  0a 05 68 65 6c 6c 6f  10 2a",
    json: { requestId: "1", body: { message: "hello", nanotime: "42" } },
  },
  {
    type: "Request",
    what: "a stream request with an empty body",
    // 1: 300, 3: {}, 4: 1
    hex: "07  08 ac 02  1a 00  20 01",
    json: { requestId: "300", body: {}, responseBehavior: "RESPONSE_BEHAVIOR_STREAM" },
  },
  {
    type: "Request",
    what: "a Cancel",
    // 1: 7, 2: 1
    hex: "04  08 07  10 01",
    json: { requestId: "7", code: 1 },
  },
  {
    type: "Response",
    what: "the End of the largest id",
    // 1: 2^64 - 1, 2: 2
    hex: "0d  08 ff ff ff ff ff ff ff ff ff 01  10 02",
    json: { requestId: "18446744073709551615", code: 2 },
  },
  {
    type: "Response",
    what: "the largest code",
    // 1: 2^53 + 1, 2: 2^32 - 1
    hex: "0f  08 81 80 80 80 80 80 80 10  10 ff ff ff ff 0f",
    json: { requestId: "9007199254740993", code: 4294967295 },
  },
  {
    type: "Response",
    what: "an echo beyond ASCII, with a time beyond 2^53",
    // 1: 1, 3: { 1: "é", 2: 2^53 }
    hex: "11  08 01  1a 0d  0a 02 c3 a9  10 80 80 80 80 80 80 80 10",
    json: { requestId: "1", echo: { message: "é", nanotime: "9007199254740992" } },
  },
  {
    type: "Response",
    what: "the first item of a stream",
    // 1: 5, 4: { 1: "a", 2: 7 }
    hex: "09  08 05  22 05  0a 01 61  10 07",
    json: { requestId: "5", stream: { message: "a", nanotime: "7" } },
  },
  {
    type: "Response",
    what: "a later item of a stream",
    // 1: 5, 4: { 1: "a", 2: 7, 3: 300 }
    hex: "0c  08 05  22 08  0a 01 61  10 07  18 ac 02",
    json: { requestId: "5", stream: { message: "a", nanotime: "7", sequence: "300" } },
  },
];
