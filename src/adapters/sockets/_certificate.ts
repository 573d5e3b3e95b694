import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { DistinguishedName, PeerCertificate } from "../../duplex/peer.ts";
import { fieldsOf } from "./_der.ts";

/** Longer chains than this are not looked at. */
const MAX_CHAIN = 16;

/** The certificate of a client that has been verified; `undefined` if it has none, or a strange one. */
export function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  try {
    return read(socket);
  } catch {
    // Thrown from a callback of the runtime, it would end the process.
    return undefined;
  }
}

function read(socket: TLSSocket): PeerCertificate | undefined {
  // Not the empty object that stands for none.
  const certificate = socket.getPeerCertificate(true) as Partial<DetailedPeerCertificate> | null;
  if (!certificate?.raw || !socket.authorized) return undefined;
  const raw = plain(certificate.raw);
  const chain = [raw];
  // A root is its own issuer.
  let last = certificate;
  while (last.issuerCertificate?.raw && chain.length < MAX_CHAIN) {
    const next = last.issuerCertificate;
    if (next === last || next.fingerprint256 === last.fingerprint256) break;
    chain.push(plain(next.raw));
    last = next;
  }
  return {
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    ...fieldsOf(raw),
    fingerprint256: certificate.fingerprint256!,
    serialNumber: certificate.serialNumber!,
    raw,
    chain,
  };
}

function nameOf(name: object | undefined): DistinguishedName {
  return { ...name } as DistinguishedName;
}

/** Bytes of their own, not of a pool. */
function plain(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
