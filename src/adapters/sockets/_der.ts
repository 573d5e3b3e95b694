import type { SubjectAltName } from "../../duplex/peer.ts";
import { ipText } from "../../ip_networks.ts";

/** What a runtime's own text of a certificate does not tell without doubt. */
export interface CertificateFields {
  readonly validFrom: Date;
  readonly validTo: Date;
  readonly subjectAltNames: SubjectAltName[];
}

/** One value of DER: its tag, and its contents. */
interface Value {
  readonly tag: number;
  readonly body: Uint8Array;
}

const SEQUENCE = 0x30;
const UTC_TIME = 0x17;
const OCTET_STRING = 0x04;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
/** The object identifier 2.5.29.17, subjectAltName. */
const SUBJECT_ALT_NAME = "85,29,17";
const NAME_TYPES: Readonly<Record<number, SubjectAltName["type"]>> = {
  0x81: "email",
  0x82: "dns",
  0x86: "uri",
  0x87: "ip",
};

/**
 * Reads a certificate that TLS has verified, so that it is well-formed. Names are read from its
 * bytes, as the texts that runtimes make of several names can be forged by one name with commas.
 */
export function fieldsOf(raw: Uint8Array): CertificateFields {
  const [certificate] = valuesOf(raw);
  const [signed] = valuesOf(certificate!.body);
  const fields = valuesOf(signed!.body);
  if (fields[0]!.tag === VERSION) fields.shift();
  // The serial number, the algorithm and the issuer come before it.
  const [from, to] = valuesOf(fields[3]!.body);
  const extensions = fields.find(({ tag }) => tag === EXTENSIONS);
  return {
    validFrom: timeOf(from!),
    validTo: timeOf(to!),
    subjectAltNames: extensions ? namesOf(extensions.body) : [],
  };
}

function namesOf(extensions: Uint8Array): SubjectAltName[] {
  const [list] = valuesOf(extensions);
  for (const { tag, body } of valuesOf(list!.body)) {
    if (tag !== SEQUENCE) continue;
    const parts = valuesOf(body);
    if (parts[0]!.body.join() !== SUBJECT_ALT_NAME) continue;
    const content = parts.find(({ tag }) => tag === OCTET_STRING);
    const [names] = valuesOf(content!.body);
    return valuesOf(names!.body).flatMap(({ tag, body }) => {
      const type = NAME_TYPES[tag];
      if (type === undefined) return [];
      if (type === "ip" && body.length !== 4 && body.length !== 16) return [];
      const value = type === "ip" ? ipText(body) : new TextDecoder("latin1").decode(body);
      return [{ type, value }];
    });
  }
  return [];
}

/** The two forms of a time: with two digits of the year, and with four. */
function timeOf({ tag, body }: Value): Date {
  const text = new TextDecoder().decode(body);
  const short = tag === UTC_TIME;
  const year = short
    ? (Number(text.slice(0, 2)) < 50 ? "20" : "19") + text.slice(0, 2)
    : text.slice(0, 4);
  const [month, day, hour, minute, second] = text.slice(short ? 2 : 4).match(/\d\d/g)!;
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** The values in some bytes, one after the other. */
function valuesOf(bytes: Uint8Array): Value[] {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    let length = bytes[at + 1]!;
    at += 2;
    if (length > 127) {
      const end = at + length - 128;
      for (length = 0; at < end; at++) length = length * 256 + bytes[at]!;
    }
    values.push({ tag, body: bytes.subarray(at, at + length) });
    at += length;
  }
  return values;
}
