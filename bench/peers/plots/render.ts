// Reads Vega-Lite specifications, a JSON array of them, and prints the SVG of each, as JSON.
import { text } from "node:stream/consumers";
import process from "node:process";

// No literals: they are not there when types are checked.
const vega: {
  parse(spec: unknown): unknown;
  readonly View: new (runtime: unknown, options: object) => { toSVG(): Promise<string> };
} = await import("vega" as string);
const { compile }: { compile(spec: unknown): { readonly spec: unknown } } = await import(
  "vega-lite" as string
);

const svgs = [];
for (const spec of JSON.parse(await text(process.stdin))) {
  const svg = await new vega.View(vega.parse(compile(spec).spec), { renderer: "none" }).toSVG();
  // A tenth of a pixel is enough, and half of the bytes.
  svgs.push(
    svg.replaceAll(/\d+\.\d{2,}/g, (number) => String(Math.round(Number(number) * 10) / 10)),
  );
}
console.log(JSON.stringify(svgs));
