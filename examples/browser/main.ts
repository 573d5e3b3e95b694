// The program of the page.
import { ServiceError } from "@protosocket/protosocket/services";
import { Chart, duration } from "./chart.ts";
import { Latencies } from "./latencies.ts";
import { keepConnected, type PricesClient, sentence } from "./session.ts";

/** Milliseconds from one point of the chart to the next. */
const INTERVAL = 250;
/** How many characters of a stream are shown. */
const SHOWN_PRICES = 400;
/** What the calls ask for whose latency is measured: every server has it. */
const MEASURED = { symbol: "ACME" };

function element<T extends Element = HTMLElement>(id: string): T {
  return document.getElementById(id) as unknown as T;
}

function show(id: string, text: string): void {
  element(id).textContent = text;
}

function typed(id: string): string {
  return element<HTMLInputElement>(id).value;
}

/** What the forms call; they are disabled while there is no connection. */
let prices: PricesClient | undefined;

function setClient(now: PricesClient | undefined, status: string, why = ""): void {
  prices = now;
  document.body.dataset.connected = String(now !== undefined);
  show("status", status);
  show("loss", why);
  for (const id of ["ask", "listen"]) element<HTMLFieldSetElement>(id).disabled = !now;
}

// Latency: a fixed number of calls is always in flight.

const latencies = new Latencies();
const chart = new Chart(element("chart"), INTERVAL);
let inFlight = 1;
element("load").addEventListener("change", ({ target }) => {
  inFlight = Number((target as HTMLInputElement).value);
});

async function drive(on: PricesClient, goingAway: AbortSignal): Promise<void> {
  const open = new Set<Promise<unknown>>();
  while (!goingAway.aborted) {
    while (open.size < inFlight) {
      const started = performance.now();
      const call: Promise<unknown> = on.getQuote(MEASURED).then(
        () => latencies.add(performance.now() - started),
        // The session reports how the connection ended.
        () => {},
      ).finally(() => open.delete(call));
      open.add(call);
    }
    await Promise.race(open);
  }
}

setInterval(() => {
  const moment = latencies.take();
  chart.push(moment);
  show("rate", moment ? Math.round(moment.rate).toLocaleString("en-US") : "–");
  show("p50", moment ? duration(moment.p50) : "–");
  show("p99", moment ? duration(moment.p99) : "–");
  show("total", latencies.total.toLocaleString("en-US"));
}, INTERVAL);

// A unary call.

element("one").addEventListener("submit", async (event) => {
  event.preventDefault();
  const started = performance.now();
  try {
    const { symbol, price } = await prices!.getQuote({ symbol: typed("symbol") }, {
      timeout: 5000,
    });
    show("answer", `${symbol} costs ${price}`);
    show("answer-time", `after ${duration(performance.now() - started)}`);
  } catch (error) {
    show("answer", "");
    const code = error instanceof ServiceError ? `${error.code}: ` : "";
    show("answer-time", code + sentence(error));
  }
});

// A stream, until it ends or is cancelled.

type Quotes = ReturnType<PricesClient["watchQuotes"]>;
let stream: Quotes | undefined;

element("many").addEventListener("submit", (event) => {
  event.preventDefault();
  if (stream) return void stream.return();
  watch(prices!.watchQuotes({ symbol: typed("watched"), count: Number(typed("count")) }));
});

async function watch(quotes: Quotes): Promise<void> {
  stream = quotes;
  show("start", "Cancel");
  let count = 0;
  let text = "";
  const tell = (how: string) => {
    show("prices", text);
    show("items", `${count.toLocaleString("en-US")} items${how}`);
  };
  const timer = setInterval(() => tell(" so far"), 50);
  let how = ", then it was over";
  try {
    for await (const { price } of quotes) {
      count++;
      text = `${text} ${price}`.slice(-SHOWN_PRICES);
    }
  } catch (error) {
    how = `, then: ${sentence(error)}`;
  }
  clearInterval(timer);
  tell(how);
  show("start", "Start");
  stream = undefined;
}

const asked = new URLSearchParams(location.search).get("server");
const url = asked ?? await (await fetch("server")).text();
keepConnected(url, {
  opened(now, goingAway) {
    setClient(now, `connected to ${url}`);
    drive(now, goingAway);
  },
  lost: (why) => setClient(undefined, `no connection to ${url}, trying again`, why),
});
