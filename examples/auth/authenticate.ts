// The server's end: who calls?
import {
  type ServerContext,
  type ServerInterceptor,
  ServiceError,
} from "@protosocket/protosocket/services";

const USER = Symbol("user");

/** Finds the user of a token; `undefined` if the token is not, or no longer, valid. */
export type FindUser = (token: string) => string | undefined | Promise<string | undefined>;

/**
 * Lets calls pass whose user is known: by the certificate of their connection, which is verified
 * by then, or by a token in their metadata.
 */
export function authenticate(find: FindUser): ServerInterceptor {
  return (next) => async (call) => {
    const { peer, metadata, values } = call.context;
    const token = /^Bearer (.+)$/.exec(metadata.get("authorization") ?? "")?.[1];
    const user = peer.certificate?.subject.CN ?? (token && await find(token));
    if (!user) throw new ServiceError("unauthenticated", "A valid token is needed");
    values.set(USER, user);
    return await next(call);
  };
}

/** Who calls, for handlers behind {@linkcode authenticate}. */
export function userOf({ values }: ServerContext): string {
  return String(values.get(USER));
}
