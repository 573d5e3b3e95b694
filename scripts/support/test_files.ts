// Which test files there are, and which of them take their time.
import { readdirSync } from "node:fs";
import { root } from "../../tools/runtimes.ts";

/**
 * What `npm test` leaves to `npm run test:all`: tests that kill servers, break connections or
 * crowd them, or draw what they do by the thousand, and others that take long. They run one at a
 * time, as they need the machine for themselves.
 */
const SLOW: readonly RegExp[] = [
  /^tests\/(cores|drain|fuzz|kill|quic|simulator|soak)\//,
  /^tests\/rpc\/(faults\/|pool\/example_test)/,
  /\/hostile_(?!test)/,
  // Compilers, bundlers, processes and handshakes, or megabytes in every form.
  /^tests\/(codecs\/limits|conformance\/(tls|websocket_proxy)|edge\/example)_test/,
  /^tests\/rpc\/pool\/calls\/(spread|weights)_test/,
  /^tests\/(security\/permissions|services\/misuse\/type_errors)_test/,
  /^tests\/(codecs\/protobuf\/protobuf_es_fields|examples\/(one_port|proto_tls))_test/,
  /^tests\/rpc\/(flow\/stream_flow|server\/stream)_test/,
];

/** What no other file may come before in a process: they measure its memory, timers and time. */
const ALONE = /^tests\/waits\//;

/** What replaces the clock of its process, and so shares one with its like only. */
const OWN_CLOCK = /^tests\/rpc\/pool\//;

/** Loaded before a test file, it takes the synchronous face from every duplex. */
export const ONLY_STREAMS = "tests/support/only_streams.ts";

/**
 * What is worth a second run over the streams: what makes connections, and what breaks or
 * attacks them. The conformance suite has its cases for both faces, and floods cost minutes.
 */
const OVER_STREAMS: readonly RegExp[] = [
  /^tests\/(connection|rpc|server)\//,
  // Not what only compares bytes.
  /^tests\/interop\/(?!forms|messagepack)/,
  /^tests\/security\/hostile_(bounds|held|lengths|slow|text)_/,
];

/** The test files below a folder of the repository, without those below `except`. */
export function testFiles(folder: string, except?: string): string[] {
  const names = readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" });
  return names
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith("_test.ts") && !(except && file.startsWith(`${except}/`)))
    .sort();
}

export function isSlow(file: string): boolean {
  return SLOW.some((pattern) => pattern.test(file));
}

export function isAlone(file: string): boolean {
  return isSlow(file) || ALONE.test(file);
}

export function hasOwnClock(file: string): boolean {
  return OWN_CLOCK.test(file);
}

export function isOverStreams(file: string): boolean {
  return OVER_STREAMS.some((pattern) => pattern.test(file));
}
