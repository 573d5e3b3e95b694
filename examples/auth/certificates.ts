// Certificates for the example; yours come from an authority of your own.
import { generate } from "selfsigned";

export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** An authority that signs the others. */
export async function authority(): Promise<Certified> {
  const made = await generate([{ name: "commonName", value: "The example's authority" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [{ name: "basicConstraints", cA: true, critical: true }],
  });
  return { cert: made.cert, key: made.private };
}

/** A certificate by an authority, of a server or of a client. */
export async function certified(by: Certified, name: string): Promise<Certified> {
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    ca: by,
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: name }] },
    ],
  });
  return { cert: made.cert, key: made.private };
}
