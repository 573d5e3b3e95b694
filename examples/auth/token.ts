// The client's end: each call carries a token, which is renewed when the server wants another.
import { type ClientInterceptor, ServiceError } from "@protosocket/protosocket/services";

/** Adds a token to each call; a call that is refused for it is made once more with a new one. */
export function withToken(getToken: () => Promise<string>): ClientInterceptor {
  let token: Promise<string> | undefined;
  return (next) => async (call) => {
    const attempt = async () => {
      const used = token ??= getToken();
      call.context.metadata.set("authorization", `Bearer ${await used}`);
      try {
        return await next(call);
      } catch (error) {
        // Whoever comes next gets a new one; if somebody has renewed it meanwhile, that.
        if (isUnauthenticated(error) && token === used) token = undefined;
        throw error;
      }
    };
    try {
      return await attempt();
    } catch (error) {
      // A stream of requests cannot be sent twice.
      const once = /client|bidi/.test(call.context.method.kind);
      if (once || !isUnauthenticated(error)) throw error;
      return await attempt();
    }
  };
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "unauthenticated";
}
