// A chart of the last half minute: the median and the 99th percentile of latency.
import type { Moment } from "./latencies.ts";

/** How many points in time are shown. */
const SHOWN = 120;
const HEIGHT = 240;
const [TOP, RIGHT, BOTTOM, LEFT] = [12, 44, 26, 56];

/** A number of milliseconds with a unit, short. */
export function duration(milliseconds: number): string {
  const [value, unit] = milliseconds < 1000 ? [milliseconds, "ms"] : [milliseconds / 1000, "s"];
  return `${value.toLocaleString("en-US", { maximumSignificantDigits: 3 })} ${unit}`;
}

/** The least of 1, 2, 5, 10, 20 … that is not below a value. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999)!;
}

/** Draws into an SVG element. A moment without responses is a gap. */
export class Chart {
  readonly #svg: SVGSVGElement;
  /** Milliseconds from one moment to the next. */
  readonly #interval: number;
  #moments: (Moment | undefined)[] = [];
  #pointer: number | undefined;

  constructor(svg: SVGSVGElement, interval: number) {
    this.#svg = svg;
    this.#interval = interval;
    svg.addEventListener("pointermove", ({ offsetX }) => this.#point(offsetX));
    svg.addEventListener("pointerleave", () => this.#point(undefined));
    new ResizeObserver(() => this.#draw()).observe(svg);
  }

  /** Adds the newest moment. */
  push(moment: Moment | undefined): void {
    this.#moments = [...this.#moments, moment].slice(-SHOWN);
    this.#draw();
  }

  #point(x: number | undefined): void {
    this.#pointer = x;
    this.#draw();
  }

  #draw(): void {
    const width = this.#svg.clientWidth;
    const known = this.#moments.filter((moment) => moment !== undefined);
    const highest = roundUp(Math.max(0.1, ...known.map(({ p99 }) => p99)));
    const step = (width - LEFT - RIGHT) / (SHOWN - 1);
    // The newest point is at the right.
    const x = (index: number) => LEFT + (SHOWN - this.#moments.length + index) * step;
    const y = (value: number) => HEIGHT - BOTTOM - value / highest * (HEIGHT - TOP - BOTTOM);
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.#svg.innerHTML = [
      this.#grid(width, highest, y, step),
      ...(["p99", "p50"] as const).map((name) => this.#line(name, x, y)),
      this.#pointed(x, y, step),
    ].join("");
  }

  #grid(width: number, highest: number, y: (value: number) => number, step: number): string {
    const rows = [0, 0.25, 0.5, 0.75, 1].map((share) => {
      const at = y(highest * share);
      return `<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${at}" y2="${at}"/>` +
        `<text x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${
          share === 0 ? 0 : duration(highest * share)
        }</text>`;
    });
    const columns = [30, 20, 10, 0].map((seconds) => {
      const at = width - RIGHT - seconds * 1000 / this.#interval * step;
      const text = seconds === 0 ? "now" : `${seconds} s ago`;
      const anchor = seconds === 30 ? "start" : "middle";
      return `<text x="${Math.max(at, LEFT)}" y="${
        HEIGHT - 6
      }" text-anchor="${anchor}">${text}</text>`;
    });
    return rows.join("") + columns.join("");
  }

  #line(name: "p50" | "p99", x: (index: number) => number, y: (value: number) => number): string {
    let path = "";
    let pen = "M";
    for (const [index, moment] of this.#moments.entries()) {
      if (moment) path += `${pen}${x(index).toFixed(1)} ${y(moment[name]).toFixed(1)}`;
      // A moment between two gaps is a point.
      if (moment && pen === "M") path += "h0";
      pen = moment ? "L" : "M";
    }
    const last = this.#moments.at(-1);
    if (!last) return `<path class="${name}" d="${path}"/>`;
    // The labels of lines that are close together must not overlap.
    const at = name === "p50" ? y(last.p50) : Math.min(y(last.p99), y(last.p50) - 13);
    const end = `<text class="${name}" x="${x(this.#moments.length - 1) + 8}" y="${
      at + 4
    }">${name}</text>`;
    return `<path class="${name}" d="${path}"/>${end}`;
  }

  #pointed(x: (index: number) => number, y: (value: number) => number, step: number): string {
    if (this.#pointer === undefined || this.#moments.length === 0) return "";
    const index = Math.round((this.#pointer - x(0)) / step);
    const moment = this.#moments[index];
    if (!moment) return "";
    const at = x(index);
    const left = at > this.#svg.clientWidth / 2;
    const text = `p50 ${duration(moment.p50)} · p99 ${duration(moment.p99)} · ${
      Math.round(moment.rate).toLocaleString("en-US")
    } rpc/s`;
    return `<line class="pointer" x1="${at}" x2="${at}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>` +
      `<circle class="p50" cx="${at}" cy="${y(moment.p50)}" r="4"/>` +
      `<circle class="p99" cx="${at}" cy="${y(moment.p99)}" r="4"/>` +
      `<text class="told" x="${at + (left ? -10 : 10)}" y="${TOP + 14}" text-anchor="${
        left ? "end" : "start"
      }">${text}</text>`;
  }
}
