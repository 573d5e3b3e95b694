// A chat room, independent of sockets.
import type { Sender } from "@protosocket/protosocket";

/** A member of the room. */
export class Member {
  readonly name: string;
  readonly #sender: Sender<string>;
  #missed = 0;

  constructor(name: string, sender: Sender<string>) {
    this.name = name;
    this.#sender = sender;
  }

  /** Sends a line, unless too many are queued: others must not wait for a slow reader. */
  show(line: string): void {
    if (this.#missed > 0 && this.#sender.trySend(`* you missed ${this.#missed} lines`)) {
      this.#missed = 0;
    }
    if (this.#missed > 0 || !this.#sender.trySend(line)) this.#missed++;
  }
}

/** The members, by name. */
export class Room {
  readonly #members = new Map<string, Member>();

  /** Admits a member and announces it, unless the name is empty or taken. */
  join(name: string, sender: Sender<string>): Member | undefined {
    if (name === "" || this.#members.has(name)) return undefined;
    const member = new Member(name, sender);
    this.#members.set(name, member);
    this.say(`* ${name} is here: ${[...this.#members.keys()].join(", ")}`);
    return member;
  }

  /** Sends a line to everybody. */
  say(line: string): void {
    for (const member of this.#members.values()) member.show(line);
  }

  /** Removes a member and announces it. May be called again, even if another has the name. */
  leave(member: Member): void {
    const { name } = member;
    if (this.#members.get(name) !== member) return;
    this.#members.delete(name);
    this.say(`* ${name} is gone`);
  }
}
