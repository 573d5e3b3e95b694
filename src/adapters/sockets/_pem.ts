import { wrong } from "../../check.ts";
import { createPrivateKey, X509Certificate } from "node:crypto";

/** A certificate with its intermediates, and its private key, in PEM. */
export interface Identity {
  readonly cert?: string;
  readonly key?: string;
}

/** Checks a certificate and its key. Throws a `TypeError`. */
export function checkIdentity(cert: unknown, key: unknown): Required<Identity> {
  if (typeof cert !== "string" || typeof key !== "string") {
    throw wrong("tls.cert and tls.key must both be given, as PEM");
  }
  const [own, ...between] = checkCertificates("tls.cert", [cert]);
  // Not every runtime skips text around the PEM block.
  const [privateKey = ""] =
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?-----END [A-Z ]*PRIVATE KEY-----/.exec(key) ?? [];
  let matches: boolean;
  try {
    matches = new X509Certificate(own!).checkPrivateKey(createPrivateKey(privateKey));
  } catch (error) {
    throw wrong(`tls.key is not a private key in PEM, not encrypted: ${message(error)}`, error);
  }
  if (!matches) throw wrong("tls.key is not the private key of tls.cert");
  return { cert: [own, ...between].join("\n"), key: privateKey };
}

/**
 * Checks certificates, and splits bundles: not every runtime reads beyond the first
 * certificate. Throws a `TypeError`.
 */
export function checkCertificates(option: string, bundles: unknown): string[] {
  if (!Array.isArray(bundles) || bundles.length === 0) {
    throw wrong(`${option} must be an array of at least one certificate in PEM`);
  }
  return bundles.flatMap((bundle) => {
    const found = typeof bundle === "string"
      ? bundle.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g)
      : null;
    if (!found) throw wrong(`${option} has no certificate in PEM where one must be`);
    for (const certificate of found) {
      try {
        new X509Certificate(certificate);
      } catch (error) {
        throw wrong(`${option} has a certificate that is broken: ${message(error)}`, error);
      }
    }
    return found;
  });
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
