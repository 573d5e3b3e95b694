import { checkBoolean, delay, shown, wrong } from "../../check.ts";
import { isIP } from "node:net";
import { checkCertificates, checkIdentity, type Identity } from "./_pem.ts";
import type { TlsConnectOptions, TlsListenOptions } from "../base/_tls_options.ts";

/** The default of `handshakeTimeout`, in milliseconds. */
const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;
/** A protocol's name has a length of one byte, and all names together one of two bytes. */
const MAX_PROTOCOL_BYTES = 255;
const MAX_PROTOCOLS_BYTES = 65535;

/** {@linkcode TlsConnectOptions}, checked. */
export interface TlsClient extends Identity {
  readonly serverName: string;
  /** One certificate each. */
  readonly ca?: string[];
  readonly unverified: boolean;
  readonly alpnProtocols?: string[];
  readonly handshakeTimeout: number;
}

/** {@linkcode TlsListenOptions}, checked. */
export interface TlsServer extends Identity {
  /** One certificate each. */
  readonly clientCa?: string[];
  readonly alpnProtocols?: string[];
  readonly handshakeTimeout: number;
  readonly onHandshakeError: NonNullable<TlsListenOptions["onHandshakeError"]>;
}

const COMMON = ["cert", "key", "alpnProtocols", "handshakeTimeout"];
const CONNECT_OPTIONS = ["serverName", "caCerts", "unverified", ...COMMON];
const LISTEN_OPTIONS = ["clientCaCerts", "onHandshakeError", ...COMMON];

/** Checks the options of a client. Throws a `RangeError` or a `TypeError`. */
export function checkTlsConnect(tls: unknown, hostname: string): TlsClient {
  const options = tls === true ? {} : optionsOf<TlsConnectOptions>(tls, CONNECT_OPTIONS);
  const { serverName = hostname, caCerts, unverified = false, cert, key } = options;
  checkBoolean("tls.unverified", unverified);
  if (unverified && caCerts !== undefined) {
    throw wrong("tls.caCerts means nothing with tls.unverified");
  }
  const identity = cert === undefined && key === undefined ? {} : checkIdentity(cert, key);
  return {
    ...identity,
    // An invalid hostname fails to connect anyway, so TLS need not check it.
    serverName: serverName === hostname ? withoutDot(hostname) : checkServerName(serverName),
    ca: optionalCertificates("tls.caCerts", caCerts),
    unverified,
    alpnProtocols: checkProtocols(options.alpnProtocols),
    handshakeTimeout: checkTimeout(options.handshakeTimeout),
  };
}

/** Checks the options of a server. Throws a `RangeError` or a `TypeError`. */
export function checkTlsListen(tls: unknown): TlsServer {
  const options = optionsOf<TlsListenOptions>(tls, LISTEN_OPTIONS);
  const { onHandshakeError = () => {} } = options;
  if (typeof onHandshakeError !== "function") {
    throw wrong(`tls.onHandshakeError must be a function, not ${shown(onHandshakeError)}`);
  }
  return {
    ...checkIdentity(options.cert, options.key),
    clientCa: optionalCertificates("tls.clientCaCerts", options.clientCaCerts),
    alpnProtocols: checkProtocols(options.alpnProtocols),
    handshakeTimeout: checkTimeout(options.handshakeTimeout),
    onHandshakeError,
  };
}

/** A misspelled option, or one that `node:tls` knows by another name, must not mean "none". */
function optionsOf<Options>(tls: unknown, known: readonly string[]): Partial<Options> {
  if (typeof tls !== "object" || tls === null || Array.isArray(tls)) {
    throw wrong(`tls must be an object with options, not ${shown(tls)}`);
  }
  const unknown = Object.keys(tls).find((name) => !known.includes(name));
  if (unknown === undefined) return tls;
  throw wrong(`tls has no option ${unknown}; there are: ${known.join(", ")}`);
}

function checkServerName(name: unknown): string {
  if (typeof name === "string") {
    if (isIP(name)) return name;
    const labels = withoutDot(name);
    if (labels.length <= 253 && /^[\w-]{1,63}(\.[\w-]{1,63})*$/.test(labels)) return labels;
  }
  throw wrong(
    `tls.serverName must be an address or a host name in ASCII, not ${shown(name)}`,
  );
}

/** A host name's trailing dot is not part of the name in a certificate. */
function withoutDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

function optionalCertificates(option: string, bundles: unknown): string[] | undefined {
  return bundles === undefined ? undefined : checkCertificates(option, bundles);
}

function checkProtocols(protocols: unknown): string[] | undefined {
  if (protocols === undefined) return undefined;
  if (!Array.isArray(protocols) || protocols.length === 0) {
    throw wrong("tls.alpnProtocols must be an array of at least one protocol");
  }
  let bytes = 0;
  for (const protocol of protocols) {
    const { length } = new TextEncoder().encode(typeof protocol === "string" ? protocol : "");
    if (length === 0 || length > MAX_PROTOCOL_BYTES) {
      throw wrong(
        `A protocol in tls.alpnProtocols must be a string of 1 to ${MAX_PROTOCOL_BYTES} bytes, ` +
          `not ${shown(protocol)}`,
      );
    }
    bytes += 1 + length;
  }
  if (bytes > MAX_PROTOCOLS_BYTES) throw wrong("tls.alpnProtocols is too long for a handshake");
  return [...protocols];
}

function checkTimeout(timeout: unknown = DEFAULT_HANDSHAKE_TIMEOUT): number {
  return delay("tls.handshakeTimeout", timeout, 1);
}
