// Takes the place of `node:test` in a worker or a page: cases are kept, and run when asked for.

interface Case {
  readonly name: string;
  readonly skip?: string | undefined;
  readonly run: () => Promise<void>;
}

const cases: Case[] = [];

/** Keeps a case. */
export function test(
  name: string,
  { skip }: { skip?: string | undefined },
  run: () => Promise<void>,
): void {
  cases.push({ name, skip, run });
}

/** Answers `/` with the names, and `/run?case=INDEX` with how the case went. */
export async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/") return Response.json(cases.map(({ name, skip }) => ({ name, skip })));
  try {
    await cases[Number(searchParams.get("case"))]!.run();
    return new Response("ok");
  } catch (error) {
    return new Response((error as Error).stack ?? String(error), { status: 500 });
  }
}

/** Gives whoever drives a page a function `ask`, which brings a path to {@linkcode answer}. */
export function answerIn(page: typeof globalThis): void {
  const ask = async (path: string) => {
    const response = await answer(new Request(new URL(path, location.href)));
    return { ok: response.ok, text: await response.text() };
  };
  Object.assign(page, { ask });
}
