import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { invalid } from "./_options.ts";
import type { TlsConnectOptions, TlsListenOptions } from "./_tls_options.ts";

/** How long a handshake may take unless the options say. */
const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;
/** The largest delay that timers take on every runtime. */
export const MAX_DELAY: number = 2 ** 31 - 1;
/** The length of a protocol's name is sent in one byte, and that of all names in two. */
const MAX_PROTOCOL_BYTES = 255;
const MAX_PROTOCOLS_BYTES = 65535;

/** Who we are, for `node:tls`. */
export interface Identity {
  readonly cert?: string;
  readonly key?: string;
}

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

/** Checks the options of a client. Throws a TransportError of code `invalid-option`. */
export function checkTlsConnect(options: unknown, hostname: string): TlsClient {
  const { serverName = hostname, caCerts, unverified = false, cert, key, ...rest } = optionsOf<
    TlsConnectOptions
  >(options === true ? {} : options);
  const { alpnProtocols, handshakeTimeout, ...unknown } = rest;
  refuseUnknown(unknown);
  if (typeof unverified !== "boolean") {
    throw invalid(`tls.unverified must be true or false, not ${describe(unverified)}`);
  }
  if (unverified && caCerts !== undefined) {
    throw invalid("tls.caCerts means nothing with tls.unverified");
  }
  return {
    // What connected has a name that will do, if it is the one that is to be verified.
    serverName: serverName === hostname ? withoutDot(hostname) : checkServerName(serverName),
    ca: caCerts && checkCertificates("tls.caCerts", caCerts),
    unverified,
    ...(cert === undefined && key === undefined ? {} : checkIdentity(cert, key)),
    alpnProtocols: checkProtocols(alpnProtocols),
    handshakeTimeout: checkTimeout(handshakeTimeout),
  };
}

/** Checks the options of a server. Throws a TransportError of code `invalid-option`. */
export function checkTlsListen(options: unknown): TlsServer {
  const { cert, key, clientCaCerts, alpnProtocols, handshakeTimeout, ...rest } = optionsOf<
    TlsListenOptions
  >(options);
  const { onHandshakeError = () => {}, ...unknown } = rest;
  refuseUnknown(unknown);
  if (typeof onHandshakeError !== "function") {
    throw invalid(
      `tls.onHandshakeError must be a function, not ${describe(onHandshakeError)}`,
    );
  }
  return {
    ...checkIdentity(cert, key),
    clientCa: clientCaCerts && checkCertificates("tls.clientCaCerts", clientCaCerts),
    alpnProtocols: checkProtocols(alpnProtocols),
    handshakeTimeout: checkTimeout(handshakeTimeout),
    onHandshakeError,
  };
}

/** Callers without types may give anything. */
function optionsOf<Options>(options: unknown): Partial<Options> {
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return options;
  throw invalid(`tls must be an object, not ${describe(options)}`);
}

/** A misspelled option, or one that `node:tls` knows by another name, must not mean "none". */
function refuseUnknown(unknown: object): void {
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw invalid(`tls has no option ${name}`);
}

function checkServerName(name: unknown): string {
  if (typeof name === "string") {
    if (isIP(name)) return name;
    const labels = withoutDot(name);
    if (labels.length <= 253 && /^[\w-]{1,63}(\.[\w-]{1,63})*$/.test(labels)) return labels;
  }
  throw invalid(
    `tls.serverName must be an address or a host name in ASCII, not ${describe(name)}`,
  );
}

/** The dot that ends a full host name is not part of it in a certificate. */
function withoutDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

function checkIdentity(cert: unknown, key: unknown): Required<Identity> {
  if (typeof cert !== "string" || typeof key !== "string") {
    throw invalid("tls.cert and tls.key must both be given, as PEM");
  }
  const [own, ...between] = checkCertificates("tls.cert", [cert]);
  let matches: boolean;
  try {
    matches = new X509Certificate(own!).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw invalid(`tls.key is not a private key in PEM, not encrypted: ${message(error)}`, error);
  }
  if (!matches) throw invalid("tls.key is not the private key of tls.cert");
  return { cert: [own, ...between].join("\n"), key };
}

/** Takes bundles apart: not every runtime reads on after the first certificate. */
function checkCertificates(option: string, bundles: unknown): string[] {
  if (!Array.isArray(bundles) || bundles.length === 0) {
    throw invalid(`${option} must be an array of at least one certificate in PEM`);
  }
  return bundles.flatMap((bundle) => {
    const found = typeof bundle === "string"
      ? bundle.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g)
      : null;
    if (!found) throw invalid(`${option} has no certificate in PEM where one must be`);
    for (const certificate of found) {
      try {
        new X509Certificate(certificate);
      } catch (error) {
        throw invalid(`${option} has a certificate that is broken: ${message(error)}`, error);
      }
    }
    return found;
  });
}

function checkProtocols(protocols: unknown): string[] | undefined {
  if (protocols === undefined) return undefined;
  if (!Array.isArray(protocols) || protocols.length === 0) {
    throw invalid("tls.alpnProtocols must be an array of at least one protocol");
  }
  let bytes = 0;
  for (const protocol of protocols) {
    const { length } = new TextEncoder().encode(typeof protocol === "string" ? protocol : "");
    if (length === 0 || length > MAX_PROTOCOL_BYTES) {
      throw invalid(
        `A protocol in tls.alpnProtocols must be a string of 1 to ${MAX_PROTOCOL_BYTES} bytes, ` +
          `not ${describe(protocol)}`,
      );
    }
    bytes += 1 + length;
  }
  if (bytes > MAX_PROTOCOLS_BYTES) throw invalid("tls.alpnProtocols is too long for a handshake");
  return [...protocols];
}

function checkTimeout(timeout: unknown = DEFAULT_HANDSHAKE_TIMEOUT): number {
  const inRange = Number.isInteger(timeout) && (timeout as number) >= 1 &&
    (timeout as number) <= MAX_DELAY;
  if (inRange) return timeout as number;
  throw invalid(
    `tls.handshakeTimeout must be an integer from 1 to ${MAX_DELAY}, not ${describe(timeout)}`,
  );
}

function describe(value: unknown): string {
  return typeof value === "string" ? `"${value.slice(0, 100)}"` : String(value);
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
