import { generate } from "selfsigned";

/** A certificate and its private key, both in PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

const DAY = 24 * 60 * 60 * 1000;

/** Makes an authority that vouches for others, and for which another one may vouch. */
export async function authority(
  name = "An authority of the tests",
  by?: Certified,
): Promise<Certified> {
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    ca: by,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert: made.cert, key: made.private };
}

/** Makes a certificate for names and addresses, signed by an authority or by itself. */
export async function certified(
  by: Certified | "itself",
  names: readonly string[],
  { expired = false, keyType = "ec" }: { expired?: boolean; keyType?: "ec" | "rsa" } = {},
): Promise<Certified> {
  const end = Date.now() + (expired ? -DAY : DAY);
  const made = await generate([{ name: "commonName", value: names[0]! }], {
    keyType,
    algorithm: "sha256",
    ca: by === "itself" ? undefined : by,
    notBeforeDate: new Date(end - 30 * DAY),
    notAfterDate: new Date(end),
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true, clientAuth: true },
      { name: "subjectAltName", altNames: names.map(altName) },
    ],
  });
  return { cert: made.cert, key: made.private };
}

function altName(name: string): { type: 2; value: string } | { type: 7; ip: string } {
  return /^[\d.]+$|:/.test(name) ? { type: 7, ip: name } : { type: 2, value: name };
}
