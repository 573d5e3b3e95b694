// Rpcs from a page to its workers.
import { casesInPage } from "./cases.ts";

await casesInPage(
  "tests/browser/workers_page.ts",
  { "/worker.js": "tests/message_port/web_worker.ts" },
  () => Promise.resolve({ close: () => Promise.resolve() }),
);
