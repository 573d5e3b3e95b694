import { wrong } from "../../check.ts";

/** Which pages may connect. Browsers send the page's origin; other programs need not. */
export interface OriginOptions {
  /**
   * The origins whose pages may connect, such as `https://example.com`. Requests without an
   * `Origin` header do not come from a page and are always accepted.
   *
   * @default {undefined} pages of the host that is connected to, by its `Host` header
   */
  readonly allowedOrigins?: readonly string[];
}

/** Checks that all are origins in the form that browsers send. Throws a `TypeError`. */
export function checkOrigins({ allowedOrigins = [] }: OriginOptions): void {
  if (!Array.isArray(allowedOrigins)) {
    throw wrong(`allowedOrigins must be an array, not ${allowedOrigins}`);
  }
  for (const origin of allowedOrigins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw wrong(`An origin is like https://example.com, not ${origin}`);
    }
  }
}

/** Whether a request may be upgraded, by its `Origin` and `Host` headers. */
export function originAllowed(
  origin: string | null | undefined,
  host: string | null | undefined,
  { allowedOrigins }: OriginOptions,
): boolean {
  if (origin === null || origin === undefined) return true;
  if (allowedOrigins) return allowedOrigins.includes(origin);
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}
