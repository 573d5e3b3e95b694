/** 64 bits of hash, as two unsigned integers: what JavaScript multiplies without loss. */
export type Hash = readonly [high: number, low: number];

/** Something that texts are spread over by rendezvous hashing. */
export interface Ranked {
  /** Identifies it, in every process. */
  readonly key: string;
  readonly hash: Hash;
  /** How many texts it gets, compared with others. */
  readonly weight: number;
}

/** Hashes a text: the same in every process and runtime. Not for secrets. */
export function hashOf(text: string): Hash {
  // FNV-1a over UTF-16 units, from two beginnings, and then mixed.
  let high = 0x811c9dc5;
  let low = 0xc2b2ae35;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x01000193) ^ high >>> 15;
  }
  return [mix(high), mix(low ^ text.length)];
}

/**
 * The one that a text belongs to, of those that are not left out: the highest of their scores,
 * each of which depends on the text and that one alone. So when one goes, only its own texts
 * move, and each to the one that was next.
 */
export function bestOf<T extends Ranked>(
  all: Iterable<T>,
  text: Hash,
  leftOut: (one: T) => boolean,
): T | undefined {
  let best: T | undefined;
  let bestDraw = 0;
  for (const one of all) {
    if (one.weight <= 0 || leftOut(one)) continue;
    const drawn = draw(one.hash, text);
    if (best === undefined || wins(one, drawn, best, bestDraw)) [best, bestDraw] = [one, drawn];
  }
  return best;
}

/** The golden ratio's fraction: multiples of it cut a circle into parts of nearly the same size. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Chooses `size` of all for one of many clients, so that the clients together load all evenly:
 * they are put on a circle in the order of their hashes, and each client takes those from its
 * place on. Numbers from 0 on give places that are evenly apart; texts give random ones.
 */
export function subsetOf<T extends Ranked>(
  all: readonly T[],
  size: number,
  client: number | string,
): readonly T[] {
  if (size >= all.length) return all;
  const circle = [...all].sort(({ hash: a, key: x }, { hash: b, key: y }) =>
    a[0] - b[0] || a[1] - b[1] || (x < y ? -1 : 1)
  );
  const at = typeof client === "number" ? client * GOLDEN % 1 : hashOf(client)[0] / 2 ** 32;
  const first = Math.floor(at * circle.length);
  return Array.from({ length: size }, (_, i) => circle[(first + i) % circle.length]!);
}

function wins(one: Ranked, drawn: number, best: Ranked, bestDraw: number): boolean {
  if (one.weight === best.weight) {
    return drawn > bestDraw || drawn === bestDraw && one.key < best.key;
  }
  // With scores of -weight / ln(draw), each gets as many texts as its weight says.
  return one.weight * Math.log(bestDraw) < best.weight * Math.log(drawn);
}

/** A number above 0 and below 1 for a pair. */
function draw(one: Hash, text: Hash): number {
  const high = mix(one[0] ^ text[0]);
  const low = mix(one[1] ^ text[1] ^ high);
  return (high * 2 ** 20 + (low >>> 12) + 0.5) / 2 ** 52;
}

/** The end of MurmurHash3: each bit of the result depends on all bits. */
function mix(bits: number): number {
  bits = Math.imul(bits ^ bits >>> 16, 0x85ebca6b);
  bits = Math.imul(bits ^ bits >>> 13, 0xc2b2ae35);
  return (bits ^ bits >>> 16) >>> 0;
}
