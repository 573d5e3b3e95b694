import type { ProxyInfo, SocketDuplex, UpgradeInfo } from "../../duplex/duplex.ts";

/** The request of an upgrade; what takes work is made when somebody asks for it. */
export class Upgrade implements UpgradeInfo {
  readonly #path: string;
  readonly #headers: () => Headers;
  #made: Headers | undefined;
  #cookies: ReadonlyMap<string, string> | undefined;

  /** `path` is a URL, or the path and the query of one. */
  constructor(path: string, headers: () => Headers) {
    this.#path = path;
    this.#headers = headers;
  }

  get headers(): Headers {
    return this.#made ??= this.#headers();
  }

  get url(): URL {
    const base = `http://${this.headers.get("host") ?? "localhost"}`;
    const path = this.#path;
    if (path.startsWith("/")) {
      // Not against the base as it is: the path may begin with two slashes.
      const whole = (URL.canParse(base) ? new URL(base).origin : "http://localhost") + path;
      if (URL.canParse(whole)) return new URL(whole);
    }
    return new URL(URL.canParse(path) ? path : "http://localhost/");
  }

  get cookies(): ReadonlyMap<string, string> {
    return this.#cookies ??= cookiesOf(this.headers.get("cookie") ?? "");
  }
}

/**
 * Reads a `Cookie` header. Of several cookies with the same name, the first counts, as it is the
 * most specific.
 */
function cookiesOf(header: string): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header.split(";")) {
    const middle = pair.indexOf("=");
    if (middle < 0) continue;
    const name = pair.slice(0, middle).trim();
    const value = pair.slice(middle + 1).trim().replace(/^"(.*)"$/, "$1");
    if (name !== "" && !cookies.has(name)) cookies.set(name, decoded(value));
  }
  return cookies;
}

function decoded(value: string): string {
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Headers as Node has them: name, value, name, value. */
export function rawHeaders(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    // As in a Request: several cookies are one header.
    const value = name.toLowerCase() === "cookie" && headers.has(name)
      ? `${headers.get(name)}; ${raw[i + 1]}`
      : raw[i + 1]!;
    if (value === raw[i + 1]) headers.append(name, value);
    else headers.set(name, value);
  }
  return headers;
}

/** Says on an accepted duplex where it came from. */
export function described(
  duplex: SocketDuplex,
  request: UpgradeInfo,
  proxy?: ProxyInfo,
): SocketDuplex {
  return Object.assign(duplex, proxy ? { request, proxy } : { request });
}
