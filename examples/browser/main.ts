// The program of the page.
import { create } from "@bufbuild/protobuf";
import type { RpcStream } from "@protosocket/protosocket/rpc";
import {
  EchoRequestSchema,
  type Request,
  RequestSchema,
  type Response,
  ResponseBehavior,
} from "../proto/gen/echo_pb.ts";
import { Chart, duration } from "./chart.ts";
import { Latencies } from "./latencies.ts";
import { type EchoClient, keepConnected, sentence } from "./session.ts";

/** Milliseconds from one point of the chart to the next. */
const INTERVAL = 250;
/** How many characters of a stream are shown. */
const SHOWN_LETTERS = 400;

function element<T extends Element = HTMLElement>(id: string): T {
  return document.getElementById(id) as unknown as T;
}

function show(id: string, text: string): void {
  element(id).textContent = text;
}

function request(message: string, responseBehavior: ResponseBehavior): Request {
  return create(RequestSchema, { body: create(EchoRequestSchema, { message }), responseBehavior });
}

/** The forms that make calls; disabled while there is no connection. */
let client: EchoClient | undefined;

function setClient(now: EchoClient | undefined, status: string, why = ""): void {
  client = now;
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

async function drive(on: EchoClient): Promise<void> {
  const open = new Set<Promise<unknown>>();
  while (on.isAlive) {
    while (open.size < inFlight) {
      const started = performance.now();
      const call: Promise<unknown> = on.unary(request("tick", ResponseBehavior.UNARY)).then(
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
  const message = element<HTMLInputElement>("message").value;
  const started = performance.now();
  try {
    const { kind } = await client!.unary(request(message, ResponseBehavior.UNARY), {
      timeout: 5000,
    });
    show("answer", kind.value?.message ?? "");
    show("answer-time", `after ${duration(performance.now() - started)}`);
  } catch (error) {
    show("answer", "");
    show("answer-time", sentence(error));
  }
});

// A stream, until it ends or is cancelled.

let stream: RpcStream<Response> | undefined;

element("many").addEventListener("submit", (event) => {
  event.preventDefault();
  if (stream) return void stream.return();
  listenTo(client!.streaming(
    request(element<HTMLInputElement>("words").value, ResponseBehavior.STREAM),
  ));
});

async function listenTo(items: RpcStream<Response>): Promise<void> {
  stream = items;
  show("start", "Cancel");
  let count = 0;
  let text = "";
  const tell = (how: string) => {
    show("letters", text);
    show("items", `${count.toLocaleString("en-US")} items${how}`);
  };
  const timer = setInterval(() => tell(" so far"), 50);
  let how = ", then it was over";
  try {
    for await (const { kind } of items) {
      count++;
      text = (text + kind.value?.message).slice(-SHOWN_LETTERS);
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
  opened(now) {
    setClient(now, `connected to ${url}`);
    drive(now);
  },
  lost: (why) => setClient(undefined, `no connection to ${url}, trying again`, why),
});
