// A chat room, which knows nothing of sockets.
import type { Sender } from "@protosocket/protosocket";

/** Somebody in the room. */
export class Member {
  readonly name: string;
  readonly #sender: Sender<string>;
  #missed = 0;

  constructor(name: string, sender: Sender<string>) {
    this.name = name;
    this.#sender = sender;
  }

  /** Shows a line, unless too many wait already: nobody else waits for a slow reader. */
  show(line: string): void {
    if (this.#missed > 0 && this.#sender.trySend(`* you missed ${this.#missed} lines`)) {
      this.#missed = 0;
    }
    if (this.#missed > 0 || !this.#sender.trySend(line)) this.#missed++;
  }
}

/** Who is there. */
export class Room {
  readonly #members = new Map<string, Member>();

  /** Lets somebody in, and says so; not if the name is taken, or none. */
  join(name: string, sender: Sender<string>): Member | undefined {
    if (name === "" || this.#members.has(name)) return undefined;
    const member = new Member(name, sender);
    this.#members.set(name, member);
    this.say(`* ${name} is here: ${[...this.#members.keys()].join(", ")}`);
    return member;
  }

  /** Says a line to everybody. */
  say(line: string): void {
    for (const member of this.#members.values()) member.show(line);
  }

  /** Lets somebody go, and says so. May be called again, when another has the name. */
  leave(member: Member): void {
    const { name } = member;
    if (this.#members.get(name) !== member) return;
    this.#members.delete(name);
    this.say(`* ${name} is gone`);
  }
}
