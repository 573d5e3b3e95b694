import { watch } from "../../waits/bounded.ts";

/** After this many milliseconds, the next endpoint is tried alongside a slow one (RFC 8305). */
const STAGGER = 250;
/** How often one race waits for other endpoints. */
const RENEWALS = 2;

/** How a race chooses places and connects to them. */
export interface ConnectRace<Place, Connection> {
  /** The next place to try; `undefined` if there is none now. */
  next(tried: ReadonlySet<Place>): Place | undefined;
  /** Connects to it. Rejects once `signal` fires. */
  connect(place: Place, signal: AbortSignal): Promise<Connection>;
  /** Resolves, and never rejects, when there may be other places; `undefined` if none are expected. */
  renewed(): Promise<void> | undefined;
  /** Disposes of a connection that lost the race. */
  discard(connection: Connection): void;
  /** Ends the race. */
  readonly signal: AbortSignal;
}

/** The result of a race; a failure has no error if there was nothing to try. */
export type RaceResult<Connection> =
  | { readonly kind: "connected"; readonly connection: Connection }
  | { readonly kind: "failed"; readonly error: unknown };

/**
 * Tries one place after another until one connects: the next as soon as the one before has
 * failed or is slow. Never rejects.
 */
export function raceToConnect<Place, Connection>(
  race: ConnectRace<Place, Connection>,
): Promise<RaceResult<Connection>> {
  return new Promise((resolve) => {
    const losers = new AbortController();
    const tried = new Set<Place>();
    let pending = 0;
    let renewals = 0;
    let error: unknown;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;

    function finish(result: RaceResult<Connection>): void {
      over = true;
      clearTimeout(timer);
      release();
      resolve(result);
      losers.abort();
    }

    function launch(place: Place): void {
      tried.add(place);
      pending++;
      race.connect(place, losers.signal).then(
        (connection) => {
          if (over) race.discard(connection);
          else finish({ kind: "connected", connection });
        },
        (reason) => {
          error = reason;
          onSettled();
        },
      );
      timer = setTimeout(next, STAGGER);
    }

    function next(): void {
      clearTimeout(timer);
      const place = race.next(tried);
      if (place !== undefined) return launch(place);
      const renewed = renewals < RENEWALS ? race.renewed() : undefined;
      if (renewed) {
        renewals++;
        pending++;
        renewed.then(onSettled);
      } else if (pending === 0) finish({ kind: "failed", error });
    }

    function onSettled(): void {
      pending--;
      if (!over) next();
    }

    const giveUp = () => finish({ kind: "failed", error: race.signal.reason });
    const release = watch([race.signal], undefined, giveUp);
    if (race.signal.aborted) giveUp();
    else next();
  });
}

/** The races under way: a call whose own has failed can use what another one has won. */
export class Races<Connection> {
  readonly #underWay = new Set<Promise<RaceResult<Connection>>>();
  #first: Promise<RaceResult<Connection>> | undefined;

  add(race: Promise<RaceResult<Connection>>): void {
    this.#underWay.add(race);
    this.#first = undefined;
    race.then(() => this.#underWay.delete(race));
  }

  /**
   * Resolves with the first connection, or with the last failure of those that are under way
   * now; `undefined` if none are. One promise for all who wait, who may be many.
   */
  get first(): Promise<RaceResult<Connection>> | undefined {
    if (this.#underWay.size === 0) return undefined;
    return this.#first ??= new Promise((resolve) => {
      let left = this.#underWay.size;
      const onResult = (result: RaceResult<Connection>) => {
        left--;
        if (result.kind === "failed" && left > 0) return;
        this.#first = undefined;
        resolve(result);
      };
      for (const race of this.#underWay) race.then(onResult);
    });
  }
}
