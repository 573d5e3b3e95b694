// A small SVG: panels one above the other, each with lines over the same time.

/** A line of a panel. */
export interface Line {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A panel; its y axis begins at 0. */
export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

const WIDTH = 800;
const HEIGHT = 200;
const MARGIN = { left: 70, right: 20, top: 30, bottom: 30 };

/** Draws panels over `xTitle`. */
export function plot(title: string, xTitle: string, panels: readonly Panel[]): string {
  const height = 30 + panels.length * HEIGHT;
  const drawn = panels.map((panel, i) => draw(panel, xTitle, 30 + i * HEIGHT));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
<text x="${MARGIN.left}" y="20" font-size="14">${title}</text>
${drawn.join("\n")}
</svg>
`;
}

function draw({ title, lines }: Panel, xTitle: string, top: number): string {
  const all = lines.flatMap(({ points }) => points);
  const maxX = Math.max(1, ...all.map(([x]) => x));
  const maxY = Math.max(1, ...all.map(([, y]) => y)) * 1.1;
  const [w, h] = [
    WIDTH - MARGIN.left - MARGIN.right,
    HEIGHT - MARGIN.top - MARGIN.bottom,
  ];
  const [left, base] = [MARGIN.left, top + HEIGHT - MARGIN.bottom];
  const px = (x: number) => (left + x / maxX * w).toFixed(1);
  const py = (y: number) => (base - y / maxY * h).toFixed(1);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return [
    `<text x="${left}" y="${top + 20}">${title}</text>`,
    ...lines.map(({ name, color }, i) =>
      `<text x="${left + 250 + i * 120}" y="${top + 20}" fill="${color}">${name}</text>`
    ),
    ...ticks.map((tick) => {
      const y = py(tick * maxY);
      return `<path d="M${left} ${y}H${left + w}" stroke="#ddd"/>` +
        `<text x="${left - 6}" y="${y}" text-anchor="end">${label(tick * maxY)}</text>`;
    }),
    ...ticks.map((tick) =>
      `<text x="${px(tick * maxX)}" y="${base + 15}" text-anchor="middle">${
        Math.round(tick * maxX)
      }${tick === 1 ? ` ${xTitle}` : ""}</text>`
    ),
    ...lines.map(({ color, points }) =>
      `<polyline fill="none" stroke="${color}" points="${
        points.map(([x, y]) => `${px(x)},${py(y)}`).join(" ")
      }"/>`
    ),
  ].join("\n");
}

function label(value: number): string {
  return value >= 1000 ? `${Math.round(value / 100) / 10}k` : String(Math.round(value * 10) / 10);
}
